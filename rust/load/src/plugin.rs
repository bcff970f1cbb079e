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

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 1 << 16;

/// Bytes of a message: more than any answer has, and so few that one without an end does not fill
/// the memory.
const LONGEST: usize = 1 << 28;

/// How long a plugin may take to end when its stdin does.
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
    /// It and whatever it has started.
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
            // As in production: the second start finds the bytecode that the first one kept.
            .env_remove("PYTHONDONTWRITEBYTECODE")
            // What it starts can be told from others, and ends with it.
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

    /// Writes all. Reads meanwhile when the plugin writes too, so that neither waits for ever.
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

    /// Until the plugin takes more or has said something; gives whether it has.
    fn wait_for_room(&self) -> bool {
        let Some(input) = &self.input else { return true };
        let mut descriptors =
            [PollFd::new(input, PollFlags::OUT), PollFd::new(&self.output, PollFlags::IN)];
        // The caller repeats a read that was interrupted.
        let _ = poll(&mut descriptors, None);
        if !descriptors[0].revents().is_empty() {
            self.has_read();
        }
        !descriptors[1].revents().is_empty()
    }

    /// Whether something that it has been sent is still in the pipe. That it becomes less is a sign
    /// of life.
    pub fn has_unread(&mut self) -> bool {
        let unread = self.input.as_ref().and_then(|input| ioctl_fionread(input).ok()).unwrap_or(0);
        if unread != self.unread {
            self.has_read();
        }
        self.unread = unread;
        unread > 0
    }

    /// A plugin that only listens is alive as long as it does.
    pub fn has_read(&self) {
        self.watchdog.hear();
    }

    /// Reads what it has said, which was not asked for; nothing is waited for.
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

    /// Where the next message is that is no notification, and the time at which it was whole.
    pub fn receive(&mut self) -> Result<(Range<usize>, Instant), String> {
        loop {
            if let Some(found) = self.already_here() {
                return Ok(found);
            }
            self.read()?;
        }
    }

    /// The same, if it has been read already.
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

    /// A message's bytes; they stay until the next one is read.
    pub fn frame(&self, frame: &Range<usize>) -> &[u8] {
        self.buffer[frame.clone()].trim_ascii_start()
    }

    /// What has been given out makes room for the next.
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

    /// What became of it, for the one line that says why there are no numbers.
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

    /// Closes its stdin and waits: the status it ends with.
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

/// A log line, say: it has a method where a reply has a result.
fn is_notification(frame: &[u8]) -> bool {
    memchr::memmem::find(&frame[..frame.len().min(200)], b"\"method\"").is_some()
        && serde_json::from_slice::<serde_json::Value>(frame)
            .is_ok_and(|message| message.get("method").is_some())
}
