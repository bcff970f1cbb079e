//! Reads, writes and waits on file descriptors; signals and `EAGAIN` are results, not errors.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::{Errno, read, write};

/// A pipe that is ready for writing takes at least this many bytes without blocking (POSIX).
const PIPE_BUF: usize = 512;

/// Why a wait for input ended.
pub enum Ready {
    /// There are bytes to read, or the other end is closed.
    Input,
    /// A signal arrived, or a byte in the wakeup pipe.
    Signal,
}

/// How much a write may attempt.
#[derive(Clone, Copy, PartialEq)]
pub enum Amount {
    /// As much as the descriptor takes; a blocking one takes all.
    All,
    /// As much as even a blocking descriptor takes without blocking, possibly nothing.
    Little,
}

/// What else ends a wait for room to write.
#[derive(Clone, Copy)]
pub struct Watched<'a> {
    /// Readable when a signal arrived, or when another thread needs this one.
    pub wakeup: BorrowedFd<'a>,
    /// The pipe from the daemon, to notice that it hangs up.
    pub input: Option<BorrowedFd<'a>>,
}

/// Why a wait for room to write ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Waited {
    /// There is room; from a flush: all is written.
    Writable,
    /// A signal arrived, or a byte in the wakeup pipe.
    Signal,
    /// The other end of the input is closed.
    HungUp,
}

/// Waits until there is input, a signal, or a byte in the wakeup pipe.
///
/// Python's signal handler writes such a byte, so a signal that arrives just before the wait ends
/// it too.
///
/// # Errors
///
/// What `poll` failed with.
pub fn wait(input: BorrowedFd<'_>, wakeup: BorrowedFd<'_>) -> Result<Ready, Errno> {
    let mut descriptors = [PollFd::new(&wakeup, PollFlags::IN), PollFd::new(&input, PollFlags::IN)];
    match poll(&mut descriptors, None) {
        Err(Errno::INTR) => return Ok(Ready::Signal),
        other => other?,
    };
    Ok(if descriptors[0].revents().is_empty() { Ready::Input } else { Ready::Signal })
}

/// Waits until there is a byte to read.
///
/// # Errors
///
/// What `poll` failed with.
pub fn wait_until_readable(descriptor: BorrowedFd<'_>) -> Result<(), Errno> {
    loop {
        match poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None) {
            Err(Errno::INTR) => {}
            other => return other.map(drop),
        }
    }
}

/// Waits for a signal or a byte in the wakeup pipe, at most a second. Empties the pipe.
///
/// # Errors
///
/// What `poll` failed with.
pub fn wait_for_wakeup(wakeup: BorrowedFd<'_>) -> Result<(), Errno> {
    let second = Timespec { tv_sec: 1, tv_nsec: 0 };
    match poll(&mut [PollFd::new(&wakeup, PollFlags::IN)], Some(&second)) {
        Ok(1..) => drain(wakeup),
        Ok(0) | Err(Errno::INTR) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Empties the wakeup pipe, which is non-blocking.
pub fn drain(wakeup: BorrowedFd<'_>) {
    let mut bytes = [0; 64];
    while matches!(read(wakeup, &mut bytes), Ok(count) if count > 0) {}
}

/// Whether the other end is closed. Bytes that it wrote before may still be unread.
pub fn is_hung_up(input: BorrowedFd<'_>) -> bool {
    is_ready(input, PollFlags::empty(), PollFlags::HUP | PollFlags::ERR)
}

/// Reads what is there: `Some(0)` at the end of the stream, `None` on a signal or if a read would
/// block.
///
/// # Errors
///
/// What `read` failed with.
pub fn read_some(input: BorrowedFd<'_>, room: &mut [u8]) -> Result<Option<usize>, Errno> {
    match read(input, room) {
        Ok(count) => Ok(Some(count)),
        Err(Errno::INTR | Errno::AGAIN) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes some of the bytes, and returns how many: 0 if the descriptor takes none now.
///
/// # Errors
///
/// What `write` failed with; `EINTR` is among it.
pub fn write_some(output: BorrowedFd<'_>, bytes: &[u8], amount: Amount) -> Result<usize, Errno> {
    let bytes = match amount {
        Amount::All => bytes,
        Amount::Little if is_ready(output, PollFlags::OUT, PollFlags::OUT) => {
            &bytes[..bytes.len().min(PIPE_BUF)]
        }
        Amount::Little => return Ok(0),
    };
    match write(output, bytes) {
        Err(Errno::AGAIN) => Ok(0),
        other => other,
    }
}

/// Waits for room to write, or for what is `watched`, whichever comes first.
///
/// # Errors
///
/// What `poll` failed with.
pub fn wait_until_writable(
    output: BorrowedFd<'_>,
    watched: Option<Watched<'_>>,
) -> Result<Waited, Errno> {
    let mut descriptors = vec![PollFd::new(&output, PollFlags::OUT)];
    if let Some(watched) = &watched {
        descriptors.push(PollFd::new(&watched.wakeup, PollFlags::IN));
        let input = watched.input.as_ref();
        // With no events asked for, `poll` reports a hang-up only.
        descriptors.extend(input.map(|input| PollFd::new(input, PollFlags::empty())));
    }
    match poll(&mut descriptors, None) {
        Err(Errno::INTR) => return Ok(Waited::Signal),
        other => other?,
    };
    let came = |index: usize| descriptors.get(index).is_some_and(|each| !each.revents().is_empty());
    Ok(match () {
        () if came(1) => Waited::Signal,
        () if came(2) => Waited::HungUp,
        () => Waited::Writable,
    })
}

/// Makes a pipe or a socket non-blocking. Other files stay as they are: a terminal is shared with
/// other processes, for which it would become non-blocking too.
///
/// # Errors
///
/// What `fstat` or `fcntl` failed with.
pub fn stop_blocking(descriptor: BorrowedFd<'_>) -> Result<(), Errno> {
    let kind = FileType::from_raw_mode(fstat(descriptor)?.st_mode);
    if matches!(kind, FileType::Fifo | FileType::Socket) {
        fcntl_setfl(descriptor, fcntl_getfl(descriptor)? | OFlags::NONBLOCK)?;
    }
    Ok(())
}

fn is_ready(descriptor: BorrowedFd<'_>, asked: PollFlags, wanted: PollFlags) -> bool {
    let mut descriptors = [PollFd::new(&descriptor, asked)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut descriptors, Some(&at_once)), Ok(1..))
        && descriptors[0].revents().intersects(wanted)
}
