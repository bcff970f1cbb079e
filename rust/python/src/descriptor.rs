//! Reading, writing and waiting on file descriptors, whatever interrupts it.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
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

/// How much a write may try.
#[derive(Clone, Copy, PartialEq)]
pub enum Amount {
    /// What the descriptor takes at once; one that blocks takes all.
    All,
    /// What even a descriptor that blocks takes at once, possibly nothing.
    Little,
}

/// What else ends the wait for a descriptor to take more.
#[derive(Clone, Copy)]
pub struct Watched<'a> {
    /// Readable when a signal came, or another thread needs this one.
    pub wakeup: BorrowedFd<'a>,
    /// The daemon's pipe, to see whether the daemon is gone.
    pub input: Option<BorrowedFd<'a>>,
}

/// How the wait for a descriptor to take more ended.
#[derive(Clone, Copy, PartialEq)]
pub enum Waited {
    Writable,
    Signal,
    HungUp,
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

/// Writes some of it, or nothing if the descriptor takes none now.
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

/// Waits until the descriptor takes more, or something that is watched comes first.
pub fn wait_until_writable(
    output: BorrowedFd<'_>,
    watched: Option<Watched<'_>>,
) -> Result<Waited, Errno> {
    let mut descriptors = vec![PollFd::new(&output, PollFlags::OUT)];
    if let Some(watched) = &watched {
        descriptors.push(PollFd::new(&watched.wakeup, PollFlags::IN));
        let input = watched.input.as_ref();
        // Without events to wait for, only a hang-up is reported.
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

/// Makes a pipe or a socket give `EAGAIN` where it would block. Anything else stays as it is: a
/// terminal is others' too, and would not block for them either.
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
