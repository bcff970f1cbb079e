//! Prepares the next segment in a thread, so that a full disk is known before it matters.

use std::path::{Path, PathBuf};
use std::process;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::directory::make_segment;
use crate::error::Error;

/// How long to wait after a failure before trying again.
const AGAIN: Duration = Duration::from_secs(1);

/// The segment after the present one.
pub struct Reserve {
    directory: PathBuf,
    number: u64,
    size: u64,
    state: State,
    /// The thread is not there in a fork of the process.
    process: u32,
}

enum State {
    /// A thread writes it, and ends by itself.
    Preparing(JoinHandle<Result<(), Error>>),
    Ready,
    Missing {
        error: Error,
        since: Instant,
    },
}

impl Reserve {
    /// A segment that an earlier run has prepared.
    pub fn ready(directory: PathBuf, number: u64, size: u64) -> Self {
        Self { directory, number, size, state: State::Ready, process: process::id() }
    }

    /// Begins to prepare a segment.
    pub fn prepare(directory: PathBuf, number: u64, size: u64) -> Self {
        let state = prepare(&directory, number, size);
        Self { directory, number, size, state, process: process::id() }
    }

    /// Why there is no reserve, if there is none. Tries again, at most once a second.
    pub fn missing(&mut self) -> Option<&Error> {
        self.poll();
        match &self.state {
            State::Missing { error, .. } => Some(error),
            State::Preparing(_) | State::Ready => None,
        }
    }

    /// Sees how far the thread is. Costs next to nothing while all is well.
    pub fn poll(&mut self) {
        match &self.state {
            State::Preparing(thread) if thread.is_finished() => self.wait(),
            State::Missing { since, .. } if since.elapsed() >= AGAIN => {
                self.state = prepare(&self.directory, self.number, self.size);
            }
            State::Preparing(_) | State::Missing { .. } | State::Ready => {}
        }
    }

    /// Waits until a thread that prepares the segment has ended.
    pub fn wait(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Ready) {
            State::Preparing(thread) => match thread.join() {
                Ok(Ok(())) => State::Ready,
                Ok(Err(error)) => State::Missing { error, since: Instant::now() },
                Err(_) => {
                    missing(std::io::Error::other("the thread has panicked"), &self.directory)
                }
            },
            other => other,
        };
    }

    /// Makes sure that the segment is there and has `needed` bytes. Returns its size.
    pub fn take(&mut self, needed: u64) -> Result<u64, Error> {
        self.wait();
        if matches!(self.state, State::Ready) && self.size >= needed {
            return Ok(self.size);
        }
        let size = self.size.max(needed.next_multiple_of(4096));
        make_segment(&self.directory, self.number, size, &[])?;
        (self.size, self.state) = (size, State::Ready);
        Ok(size)
    }
}

impl Drop for Reserve {
    /// The directory stays locked until the thread has ended.
    fn drop(&mut self) {
        if self.process == process::id() {
            self.wait();
        }
    }
}

fn prepare(directory: &Path, number: u64, size: u64) -> State {
    let path = directory.to_path_buf();
    let thread = thread::Builder::new()
        .name("clnwire-reserve".into())
        .spawn(move || make_segment(&path, number, size, &[]).map(drop));
    match thread {
        Ok(thread) => State::Preparing(thread),
        Err(error) => missing(error, directory),
    }
}

fn missing(error: std::io::Error, directory: &Path) -> State {
    let error = Error::io("prepare a segment in", directory)(error);
    State::Missing { error, since: Instant::now() }
}
