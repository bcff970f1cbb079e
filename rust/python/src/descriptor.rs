//! Reading, writing and waiting on file descriptors, whatever interrupts it.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read, write};

/// What there is to do after waiting.
pub enum Ready {
    /// Bytes can be read, or the other end is closed.
    Input,
    /// A signal came.
    Signal,
}

/// Waits until there is input or a signal.
///
/// Python writes a byte to the `wakeup` pipe in its signal handler, so that one that arrives just
/// before the wait ends it too.
pub fn wait(input: BorrowedFd<'_>, wakeup: BorrowedFd<'_>) -> Result<Ready, Errno> {
    let mut descriptors = [PollFd::new(&wakeup, PollFlags::IN), PollFd::new(&input, PollFlags::IN)];
    match poll(&mut descriptors, None) {
        Err(Errno::INTR) => return Ok(Ready::Signal),
        other => other?,
    };
    if descriptors[0].revents().is_empty() {
        return Ok(Ready::Input);
    }
    drain(wakeup);
    Ok(Ready::Signal)
}

/// Empties the wakeup pipe, which does not block.
fn drain(wakeup: BorrowedFd<'_>) {
    let mut bytes = [0; 64];
    while matches!(read(wakeup, &mut bytes), Ok(count) if count > 0) {}
}

/// Reads what is there; nothing is the end of the stream.
pub fn read_some(input: BorrowedFd<'_>, room: &mut [u8]) -> Result<Option<usize>, Errno> {
    match read(input, room) {
        Ok(count) => Ok(Some(count)),
        Err(Errno::INTR | Errno::AGAIN) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes all of it, also where the descriptor takes it in pieces or does not block.
pub fn write_all(output: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(output, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_writable(output)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_writable(output: BorrowedFd<'_>) -> Result<(), Errno> {
    match poll(&mut [PollFd::new(&output, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error),
    }
}
