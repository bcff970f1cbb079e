//! The plugin's process and its pipes.

use std::io::{ErrorKind, Read, Write};
use std::ops::Range;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::ioctl_fionread;

use crate::Failure;
use crate::job::Job;
use crate::processes::Group;
use crate::reply::Scan;
use crate::watchdog::Watchdog;

/// The size of a read, in bytes: the capacity of a pipe.
const CHUNK: usize = 1 << 16;

/// The longest message, in bytes: longer than any answer, and short enough that a message without
/// an end does not exhaust the memory.
const LONGEST: usize = 1 << 28;

/// How long a plugin may take to end once its stdin is closed.
const FAREWELL: Duration = Duration::from_secs(1);

pub struct Plugin {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    scan: Scan,
    unread: u64,
    watchdog: Watchdog,
    /// The plugin's process and those that it started.
    pub group: Group,
}

impl Plugin {
    pub fn start(job: &Job) -> Result<Self, Failure> {
        let [program, arguments @ ..] = job.command.as_slice() else {
            return Err(Failure::Impossible("there is no plugin to start".to_owned()));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("LIGHTNINGD_PLUGIN", "1")
            .env("LIGHTNINGD_VERSION", "v26.06")
            // As in production, a second start uses the bytecode that the first one wrote.
            .env_remove("PYTHONDONTWRITEBYTECODE")
            // A group of its own identifies the processes that it starts, and lets them be ended
            // with it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if !job.folder.is_empty() {
            command.current_dir(&job.folder);
        }
        let wrong = |what: &str| Failure::Impossible(format!("{program}: {what}"));
        let mut child = command.spawn().map_err(|error| wrong(&error.to_string()))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let group = Group::of(child.id()).ok_or_else(|| wrong("no process"))?;
        let output = output.ok_or_else(|| wrong("no pipe"))?;
        if let Some(input) = &input {
            set_nonblocking(input).map_err(|error| wrong(&error.to_string()))?;
        }
        let watchdog = Watchdog::watch(group, Duration::from_secs_f64(job.patience));
        let (buffer, scan) = (vec![0; CHUNK], Scan::default());
        Ok(Self {
            child,
            input,
            output,
            buffer,
            start: 0,
            filled: 0,
            scan,
            unread: 0,
            watchdog,
            group,
        })
    }

    /// Writes everything. Reads meanwhile if the plugin writes too: otherwise both could wait for
    /// ever.
    pub fn send(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while let (Some(input), false) = (self.input.as_mut(), bytes.is_empty()) {
            match input.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.wait_for_room() {
                        self.read()?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.died(&error.to_string())),
            }
        }
        Ok(())
    }

    /// Waits until the plugin can take more or has written something. Returns whether it has
    /// written.
    fn wait_for_room(&self) -> bool {
        let Some(input) = &self.input else { return true };
        let mut descriptors =
            [PollFd::new(input, PollFlags::OUT), PollFd::new(&self.output, PollFlags::IN)];
        // If a signal interrupts the wait, the caller repeats it.
        let _ = poll(&mut descriptors, None);
        if !descriptors[0].revents().is_empty() {
            self.has_read();
        }
        !descriptors[1].revents().is_empty()
    }

    /// Whether the pipe still holds something for the plugin. If it holds less than before, the
    /// plugin is alive.
    pub fn has_unread(&mut self) -> bool {
        let unread = self.input.as_ref().and_then(|input| ioctl_fionread(input).ok()).unwrap_or(0);
        if unread != self.unread {
            self.has_read();
        }
        self.unread = unread;
        unread > 0
    }

    /// Tells the watchdog that the plugin has read: for one that never writes, this is the sign of
    /// life.
    pub fn has_read(&self) {
        self.watchdog.hear();
    }

    /// Reads what the plugin has written unasked, without waiting.
    pub fn overhear(&mut self) -> Result<(), String> {
        while self.has_spoken() {
            self.read()?;
            while self.already_here().is_some() {}
        }
        Ok(())
    }

    fn has_spoken(&self) -> bool {
        let mut descriptor = [PollFd::new(&self.output, PollFlags::IN)];
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut descriptor, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }

    /// The range of the next message that is not a notification, and when it had wholly come.
    pub fn receive(&mut self) -> Result<(Range<usize>, Instant), String> {
        loop {
            if let Some(found) = self.already_here() {
                return Ok(found);
            }
            self.read()?;
        }
    }

    /// As [`Self::receive`], if the message has been read already.
    pub fn already_here(&mut self) -> Option<(Range<usize>, Instant)> {
        loop {
            let length = self.scan.end(&self.buffer[self.start..self.filled])?;
            let frame = self.start..self.start + length;
            self.scan = Scan::default();
            self.start = frame.end;
            if !is_notification(&self.buffer[frame.clone()]) {
                return Some((frame, Instant::now()));
            }
        }
    }

    /// A message's bytes, which are valid until the next read.
    pub fn frame(&self, frame: &Range<usize>) -> &[u8] {
        self.buffer[frame.clone()].trim_ascii_start()
    }

    /// Reads more. Messages that were returned before make room for it.
    fn read(&mut self) -> Result<(), String> {
        self.buffer.copy_within(self.start..self.filled, 0);
        (self.start, self.filled) = (0, self.filled - self.start);
        if self.filled > LONGEST {
            return Err("it says something without an end".to_owned());
        }
        if self.buffer.len() < self.filled + CHUNK {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        match self.output.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Err(self.died("it closed its stdout")),
            Ok(count) => {
                self.filled += count;
                self.watchdog.hear();
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(self.died(&error.to_string())),
        }
    }

    /// Why the plugin ended, for the line that says why there are no figures.
    fn died(&mut self, what: &str) -> String {
        if self.watchdog.has_bitten() {
            return "the plugin says nothing, and was ended".to_owned();
        }
        match self.wait(Duration::from_secs(2)) {
            Some(status) => format!("the plugin died ({status}): {what}"),
            None => format!("the plugin does not go on: {what}"),
        }
    }

    fn wait(&mut self, patience: Duration) -> Option<String> {
        self.watchdog.call_off();
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status.to_string());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// Closes the plugin's stdin, waits for its end and returns its status.
    pub fn hang_up(mut self) -> String {
        drop(self.input.take());
        let status = self.wait(FAREWELL);
        status.unwrap_or_else(|| "killed: it did not end with its stdin".to_owned())
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        self.watchdog.call_off();
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.group.kill();
            let _ = self.child.wait();
        }
    }
}

fn set_nonblocking(input: &ChildStdin) -> rustix::io::Result<()> {
    fcntl_setfl(input, fcntl_getfl(input)? | OFlags::NONBLOCK)
}

/// Whether it is a notification, such as a log line: these have a method, replies do not.
fn is_notification(frame: &[u8]) -> bool {
    memchr::memmem::find(&frame[..frame.len().min(200)], b"\"method\"").is_some()
        && serde_json::from_slice::<serde_json::Value>(frame)
            .is_ok_and(|message| message.get("method").is_some())
}
