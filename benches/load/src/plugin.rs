//! The plugin's process, its pipes, and what the kernel knows of it.

use std::io::{ErrorKind, Read, Write};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::reply::Scan;
use crate::watchdog::Watchdog;

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 1 << 16;

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
    watchdog: Watchdog,
}

/// Runs this process, and the plugins it starts, on one processor.
pub fn pin(core: usize) -> Result<(), String> {
    // SAFETY: the set is plain data, for which zeroes are valid, and the call only reads it.
    let failed = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    if failed == 0 { Ok(()) } else { Err(format!("there is no processor {core} to run on")) }
}

impl Plugin {
    pub fn start(command: &[String], patience: Duration) -> Result<Self, String> {
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env("LIGHTNINGD_PLUGIN", "1")
            .env("LIGHTNINGD_VERSION", "v26.06")
            // As in production: the second start finds the bytecode that the first one kept.
            .env_remove("PYTHONDONTWRITEBYTECODE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", command[0]))?;
        let watchdog = Watchdog::watch(child.id(), patience);
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no pipe")?;
        if let Some(input) = &input {
            set_nonblocking(input.as_raw_fd());
        }
        let (buffer, scan) = (vec![0; CHUNK], Scan::default());
        Ok(Self { child, input, output, buffer, start: 0, filled: 0, scan, watchdog })
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
        let input = self.input.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let mut polls = [
            libc::pollfd { fd: input, events: libc::POLLOUT, revents: 0 },
            libc::pollfd { fd: self.output.as_raw_fd(), events: libc::POLLIN, revents: 0 },
        ];
        // SAFETY: two pollfds, which outlive the call.
        unsafe { libc::poll(polls.as_mut_ptr(), 2, -1) };
        polls[1].revents != 0
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

    /// The processor time it has used, all threads together.
    pub fn processor_time(&self) -> Duration {
        let (mut clock, mut time) = (0, libc::timespec { tv_sec: 0, tv_nsec: 0 });
        // SAFETY: both calls only write to the variables they are given.
        unsafe {
            libc::clock_getcpuclockid(self.child.id().cast_signed(), &mut clock);
            libc::clock_gettime(clock, &mut time);
        }
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    /// The most memory it has had, in kB.
    pub fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
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
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn set_nonblocking(descriptor: i32) {
    // SAFETY: both calls only look at and set the flags of an open descriptor.
    unsafe {
        let flags = libc::fcntl(descriptor, libc::F_GETFL);
        libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK);
    }
}

/// A log line, say: it has a method where a reply has a result.
fn is_notification(frame: &[u8]) -> bool {
    memchr::memmem::find(&frame[..frame.len().min(200)], b"\"method\"").is_some()
        && serde_json::from_slice::<serde_json::Value>(frame)
            .is_ok_and(|message| message.get("method").is_some())
}
