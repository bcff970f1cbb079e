//! Moves the daemon's pipes away from file descriptors 0 and 1, where anybody could disturb them.

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};

/// The daemon's pipes, and what took their place.
pub struct Stdio {
    /// From the daemon.
    pub input: OwnedFd,
    /// To the daemon.
    pub output: OwnedFd,
    /// What the process writes to file descriptor 1 from now on; nothing if that is not ours.
    pub stray: Option<OwnedFd>,
}

/// Puts an empty file at 0 and a pipe at 1. None of the descriptors but 0 and 1 reach child
/// processes.
pub fn take_over() -> Result<Stdio, Errno> {
    // Above 2, since a closed stderr would otherwise be filled with the daemon's pipe.
    let input = fcntl_dupfd_cloexec(stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(stdout(), 3)?;
    let (stray, pipe_in) = pipe_with(PipeFlags::CLOEXEC)?;
    dup2_stdout(&pipe_in)?;
    dup2_stdin(openat(CWD, "/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)?;
    Ok(Stdio { input, output, stray: Some(stray) })
}

/// The pipes of a daemon in the same process; its stdin and stdout stay as they are. The numbers
/// remain the caller's to close.
pub fn at_pipes(input: RawFd, output: RawFd) -> Result<Stdio, Errno> {
    Ok(Stdio { input: duplicate(input)?, output: duplicate(output)?, stray: None })
}

/// A descriptor of our own. To open `/dev/fd/N` instead needs `/proc`, and fails for a socket.
#[allow(unsafe_code)]
fn duplicate(number: RawFd) -> Result<OwnedFd, Errno> {
    if number < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: The number is not -1. It is used for this one call to `fcntl`, which fails with
    // `EBADF` if nothing is open there; nothing is closed, read or written through it.
    fcntl_dupfd_cloexec(unsafe { BorrowedFd::borrow_raw(number) }, 3)
}

/// Sends what is printed from now on to stderr, and so ends the pipe for stray output.
pub fn release_stdout() -> Result<(), Errno> {
    dup2_stdout(stderr())
}

/// A pipe that Python's signal handler writes to; neither end blocks.
pub fn wakeup_pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)
}
