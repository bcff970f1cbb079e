//! Moves the daemon's pipes away from file descriptors 0 and 1, where anybody could disturb them.

use std::fs::{File, OpenOptions};
use std::os::fd::{OwnedFd, RawFd};

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
/// remain the caller's to close: opened anew, the pipes have descriptors of their own.
pub fn at_pipes(input: RawFd, output: RawFd) -> std::io::Result<Stdio> {
    Ok(Stdio {
        input: File::open(format!("/dev/fd/{input}"))?.into(),
        output: OpenOptions::new().write(true).open(format!("/dev/fd/{output}"))?.into(),
        stray: None,
    })
}

/// Sends what is printed from now on to stderr, and so ends the pipe for stray output.
pub fn release_stdout() -> Result<(), Errno> {
    dup2_stdout(stderr())
}

/// A pipe that Python's signal handler writes to; neither end blocks.
pub fn wakeup_pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)
}
