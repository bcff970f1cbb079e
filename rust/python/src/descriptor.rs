//! Reading, writing and waiting on file descriptors, whatever interrupts it.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};

/// What a pipe that is ready for writing takes at least without blocking, in bytes (POSIX).
const PIPE_BUF: usize = 512;

/// What there is to do after waiting.
pub enum Ready {
    /// Bytes can be read, or the other end is closed.
    Input,
    /// A signal came.
    Signal,
}

/// How long a write may wait for the other end to read.
#[derive(Clone, Copy, PartialEq)]
pub enum Patience {
    UntilWritten,
    /// The descriptor does not block: what it takes at once.
    NonBlocking,
    None,
}

/// Waits until there is input or a signal, or a byte in the wakeup pipe.
///
/// Python writes one in its signal handler, so that a signal that arrives just before the wait ends
/// it too.
pub fn wait(input: BorrowedFd<'_>, wakeup: BorrowedFd<'_>) -> Result<Ready, Errno> {
    let mut descriptors = [PollFd::new(&wakeup, PollFlags::IN), PollFd::new(&input, PollFlags::IN)];
    match poll(&mut descriptors, None) {
        Err(Errno::INTR) => return Ok(Ready::Signal),
        other => other?,
    };
    Ok(if descriptors[0].revents().is_empty() { Ready::Input } else { Ready::Signal })
}

/// Waits until there is a byte.
pub fn wait_until_readable(descriptor: BorrowedFd<'_>) -> Result<(), Errno> {
    loop {
        match poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None) {
            Err(Errno::INTR) => {}
            other => return other.map(drop),
        }
    }
}

/// Waits until there is a signal, or a byte in the wakeup pipe; at most a second.
pub fn wait_for_wakeup(wakeup: BorrowedFd<'_>) -> Result<(), Errno> {
    let second = Timespec { tv_sec: 1, tv_nsec: 0 };
    match poll(&mut [PollFd::new(&wakeup, PollFlags::IN)], Some(&second)) {
        Ok(1..) => drain(wakeup),
        Ok(0) | Err(Errno::INTR) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Empties the wakeup pipe, which does not block.
pub fn drain(wakeup: BorrowedFd<'_>) {
    let mut bytes = [0; 64];
    while matches!(read(wakeup, &mut bytes), Ok(count) if count > 0) {}
}

/// Whether the other end is closed; what it wrote before may still be there to read.
pub fn is_hung_up(input: BorrowedFd<'_>) -> bool {
    is_ready(input, PollFlags::empty(), PollFlags::HUP | PollFlags::ERR)
}

/// Reads what is there; nothing is the end of the stream.
pub fn read_some(input: BorrowedFd<'_>, room: &mut [u8]) -> Result<Option<usize>, Errno> {
    match read(input, room) {
        Ok(count) => Ok(Some(count)),
        Err(Errno::INTR | Errno::AGAIN) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes some of it, also where the descriptor does not block; without patience, possibly none.
pub fn write_some(
    output: BorrowedFd<'_>,
    bytes: &[u8],
    patience: Patience,
) -> Result<usize, Errno> {
    if patience == Patience::None {
        let few = &bytes[..bytes.len().min(PIPE_BUF)];
        return match is_ready(output, PollFlags::OUT, PollFlags::OUT) {
            true => write(output, few),
            false => Ok(0),
        };
    }
    loop {
        match write(output, bytes) {
            Err(Errno::AGAIN) if patience == Patience::NonBlocking => return Ok(0),
            Err(Errno::AGAIN) => poll(&mut [PollFd::new(&output, PollFlags::OUT)], None)?,
            other => return other,
        };
    }
}

fn is_ready(descriptor: BorrowedFd<'_>, asked: PollFlags, wanted: PollFlags) -> bool {
    let mut descriptors = [PollFd::new(&descriptor, asked)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut descriptors, Some(&at_once)), Ok(1..))
        && descriptors[0].revents().intersects(wanted)
}
