//! Moves the daemon's pipes away from file descriptors 0 and 1, which any code may read or write.

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};

/// The daemon's pipes, and the pipe that replaced stdout.
pub struct Stdio {
    /// From the daemon.
    pub input: OwnedFd,
    /// To the daemon.
    pub output: OwnedFd,
    /// The reading end of the pipe that is now file descriptor 1; `None` if that was left alone.
    pub stray: Option<OwnedFd>,
}

/// Puts `/dev/null` at 0 and a pipe at 1. Child processes inherit no descriptor but 0 and 1.
///
/// # Errors
///
/// If a descriptor cannot be duplicated or opened.
pub fn take_over() -> Result<Stdio, Errno> {
    let stdio = take_over_output()?;
    dup2_stdin(openat(CWD, "/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)?;
    Ok(stdio)
}

/// Puts a pipe at 1, and leaves the daemon's pipe at 0, for programs that read it themselves.
///
/// # Errors
///
/// If a descriptor cannot be duplicated or opened.
pub fn take_over_output() -> Result<Stdio, Errno> {
    // Above 2: if stderr is closed, the lowest free number would make the daemon's pipe stderr.
    let input = fcntl_dupfd_cloexec(stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(stdout(), 3)?;
    let (stray, pipe_in) = pipe_with(PipeFlags::CLOEXEC)?;
    dup2_stdout(&pipe_in)?;
    Ok(Stdio { input, output, stray: Some(stray) })
}

/// Uses the pipes of a daemon in the same process; stdin and stdout stay as they are. The caller
/// still owns and closes the two numbers.
///
/// # Errors
///
/// If a number is not an open descriptor.
pub fn at_pipes(input: RawFd, output: RawFd) -> Result<Stdio, Errno> {
    Ok(Stdio { input: duplicate(input)?, output: duplicate(output)?, stray: None })
}

/// A duplicate that we own. (Opening `/dev/fd/N` instead needs `/proc`, and fails for a socket.)
#[allow(unsafe_code)]
fn duplicate(number: RawFd) -> Result<OwnedFd, Errno> {
    if number < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: `borrow_raw` needs a number other than -1, which was checked, and a descriptor that
    // stays open. The borrow lasts for one call of `fcntl`, which returns `EBADF` if the number is
    // not open, and neither closes, reads nor writes it.
    fcntl_dupfd_cloexec(unsafe { BorrowedFd::borrow_raw(number) }, 3)
}

/// Makes stdout a duplicate of stderr, which closes our writing end of the pipe for stray output.
///
/// # Errors
///
/// If stderr is closed.
pub fn release_stdout() -> Result<(), Errno> {
    dup2_stdout(stderr())
}

/// A pipe, reading end first, that Python's signal handler writes to; both ends are non-blocking.
///
/// # Errors
///
/// If the process has no descriptors left.
pub fn wakeup_pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)
}
