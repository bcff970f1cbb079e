//! The client's end of the daemon's unix socket. It is non-blocking: a caller that must wait polls
//! its descriptor.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketType, connect, recv, send,
    shutdown, socket,
};

use crate::sync::{Mutex, lock};

/// A connection.
pub struct Socket {
    /// `None` once it is closed.
    descriptor: Mutex<Option<OwnedFd>>,
}

impl Socket {
    /// Connects to the socket at `path`, which may be longer than an address has room for.
    ///
    /// # Errors
    ///
    /// What a system call failed with; `EAGAIN` if the other end's queue is full.
    pub fn connect(path: &Path) -> Result<Self, Errno> {
        Ok(Self { descriptor: Mutex::new(Some(connected(path)?)) })
    }

    /// The descriptor's number; -1 once it is closed.
    pub fn number(&self) -> RawFd {
        lock(&self.descriptor).as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }

    /// Sends some of the bytes, and returns how many; `None` if that would block.
    ///
    /// # Errors
    ///
    /// What `send` failed with; `EBADF` once it is closed.
    pub fn send(&self, bytes: &[u8]) -> Result<Option<usize>, Errno> {
        self.attempt(|socket| send(socket, bytes, SendFlags::empty()))
    }

    /// Calls `receive`, which is to receive with [`receive_into`]; `None` if that would block.
    ///
    /// # Errors
    ///
    /// What `receive` failed with; `EBADF` once it is closed.
    pub fn receive(
        &self,
        receive: impl FnMut(BorrowedFd<'_>) -> Result<usize, Errno>,
    ) -> Result<Option<usize>, Errno> {
        self.attempt(receive)
    }

    /// Ends the connection. The descriptor stays open, since another thread may be polling it.
    pub fn hang_up(&self) {
        if let Some(socket) = lock(&self.descriptor).as_ref() {
            // It fails if the daemon has hung up before.
            let _ = shutdown(socket, Shutdown::Both);
        }
    }

    /// Closes the descriptor.
    pub fn close(&self) {
        lock(&self.descriptor).take();
    }

    /// Repeats `act` while a signal interrupts it.
    fn attempt(
        &self,
        mut act: impl FnMut(BorrowedFd<'_>) -> Result<usize, Errno>,
    ) -> Result<Option<usize>, Errno> {
        let socket = lock(&self.descriptor);
        let socket = socket.as_ref().ok_or(Errno::BADF)?;
        loop {
            match act(socket.as_fd()) {
                Ok(count) => return Ok(Some(count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Receives what is there into `room`, and returns how many bytes it was; 0 at the end.
///
/// # Errors
///
/// What `recv` failed with.
pub fn receive_into(socket: BorrowedFd<'_>, room: &mut [u8]) -> Result<usize, Errno> {
    recv(socket, room, RecvFlags::empty()).map(|(count, _)| count)
}

/// If the queue at the other end is full this is `EAGAIN`, since the socket does not block.
fn connected(path: &Path) -> Result<OwnedFd, Errno> {
    match SocketAddrUnix::new(path) {
        Err(Errno::NAMETOOLONG) => {
            let shortened = Shortened::new(path)?;
            connected_to(&SocketAddrUnix::new(shortened.path())?)
        }
        address => connected_to(&address?),
    }
}

fn connected_to(address: &SocketAddrUnix) -> Result<OwnedFd, Errno> {
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    ioctl_fionbio(&socket, true)?;
    connect(&socket, address)?;
    Ok(socket)
}

/// A short name for a socket whose path does not fit into an address; a daemon can bind such a
/// socket by a relative name. The short name is valid while this exists.
#[cfg(target_os = "linux")]
struct Shortened {
    path: PathBuf,
    _folder: OwnedFd,
}

#[cfg(target_os = "linux")]
impl Shortened {
    fn new(path: &Path) -> Result<Self, Errno> {
        use rustix::fs::{Mode, OFlags, open};

        let (folder, name) = parts(path)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = open(folder, flags, Mode::empty())?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
        Ok(Self { path, _folder: folder })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// Without `/proc`, a link to the directory at a place with a short name.
#[cfg(not(target_os = "linux"))]
struct Shortened {
    path: PathBuf,
    link: PathBuf,
}

#[cfg(not(target_os = "linux"))]
impl Shortened {
    fn new(path: &Path) -> Result<Self, Errno> {
        use std::sync::atomic::{AtomicU64, Ordering};

        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let (folder, name) = parts(path)?;
        // Relaxed: the numbers only have to differ.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let link = PathBuf::from(format!("/tmp/clnwire-{}-{number}", std::process::id()));
        let folder = std::path::absolute(folder).map_err(|_| Errno::NOENT)?;
        rustix::fs::symlink(&folder, &link)?;
        Ok(Self { path: link.join(name), link })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(not(target_os = "linux"))]
impl Drop for Shortened {
    fn drop(&mut self) {
        // Nothing uses the link any more, so a leftover does no harm.
        let _ = rustix::fs::unlink(&self.link);
    }
}

fn parts(path: &Path) -> Result<(&Path, &OsStr), Errno> {
    path.parent().zip(path.file_name()).ok_or(Errno::NAMETOOLONG)
}
