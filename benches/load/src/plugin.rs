//! The plugin's process, its pipes, and what the kernel knows of it.

use std::io::Write;
use std::os::fd::{AsRawFd, RawFd};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::reply::end;

/// A reply that takes longer will not come.
const PATIENCE_MS: i32 = 20_000;

pub struct Plugin {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    buffer: Vec<u8>,
    start: usize,
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
    pub fn start(command: &[String]) -> Result<Self, String> {
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
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no pipe")?;
        Ok(Self { child, input, output, buffer: Vec::new(), start: 0 })
    }

    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = self.input.as_mut().map(|input| input.write_all(bytes));
        match written {
            Some(Err(error)) => Err(self.died(&error.to_string())),
            _ => Ok(()),
        }
    }

    /// The next message that is not a notification, and the time at which it was whole.
    pub fn receive(&mut self) -> Result<(Vec<u8>, Instant), String> {
        loop {
            let waiting = &self.buffer[self.start..];
            if let Some(length) = end(waiting) {
                let whole = Instant::now();
                let frame = waiting[..length].trim_ascii_start().to_vec();
                self.start += length;
                if self.buffer[self.start..].iter().all(u8::is_ascii_whitespace) {
                    self.buffer.clear();
                    self.start = 0;
                }
                if !is_notification(&frame) {
                    return Ok((frame, whole));
                }
            } else {
                self.read()?;
            }
        }
    }

    /// Whether a reply is here already.
    pub fn has_reply(&self) -> bool {
        end(&self.buffer[self.start..]).is_some()
    }

    fn read(&mut self) -> Result<(), String> {
        let mut chunk = [0_u8; 65536];
        let count = self.read_into(&mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(())
    }

    fn read_into(&mut self, chunk: &mut [u8]) -> Result<usize, String> {
        match read(self.output.as_raw_fd(), chunk) {
            Ok(0) => Err(self.died("it closed its stdout")),
            Ok(count) => Ok(count),
            Err(reason) => Err(self.died(&reason)),
        }
    }

    /// What became of it, for the one line that says why there are no numbers.
    fn died(&mut self, what: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return format!("the plugin died ({status}): {what}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        format!("the plugin does not go on: {what}")
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
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.to_string();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        "killed: it did not end with its stdin".to_owned()
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// One wait and one read: what takes too long is an error.
fn read(descriptor: RawFd, chunk: &mut [u8]) -> Result<usize, String> {
    let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
    // SAFETY: one pollfd, and the chunk with its own length; both outlive the calls.
    let count = unsafe {
        if libc::poll(&mut poll, 1, PATIENCE_MS) == 0 {
            return Err("no reply for 20 s".to_owned());
        }
        libc::read(descriptor, chunk.as_mut_ptr().cast(), chunk.len())
    };
    usize::try_from(count).map_err(|_| std::io::Error::last_os_error().to_string())
}

/// A log line, say: it has a method where a reply has a result.
fn is_notification(frame: &[u8]) -> bool {
    let head = &frame[..frame.len().min(200)];
    head.windows(8).any(|window| window == b"\"method\"")
        && serde_json::from_slice::<serde_json::Value>(frame)
            .is_ok_and(|message| message.get("method").is_some())
}
