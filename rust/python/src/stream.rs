//! The client's end of the daemon's unix socket. Nothing here waits: who must wait does so on
//! `fileno()`, with poll or in an event loop.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pyo3::prelude::*;
use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketType, connect, recv, send,
    shutdown, socket,
};

use crate::errors::os_error;
use crate::framing::Framer;
use crate::sync::lock;

/// A connection. What it receives goes into a framer's own buffer, without a copy on the way.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Stream(Mutex<Option<OwnedFd>>);

impl Stream {
    /// Does something with the socket, and again when a signal interrupts it: how much was done,
    /// or nothing if that would have to wait.
    fn attempt(
        &self,
        mut act: impl FnMut(BorrowedFd<'_>) -> Result<usize, Errno>,
    ) -> Result<Option<usize>, Errno> {
        use std::os::fd::AsFd;

        let socket = lock(&self.0);
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

#[pymethods]
impl Stream {
    #[new]
    #[pyo3(signature = (path, /))]
    fn new(path: OsString) -> PyResult<Self> {
        let socket = connected(PathBuf::from(path)).map_err(os_error)?;
        Ok(Self(Mutex::new(Some(socket))))
    }

    fn fileno(&self) -> i32 {
        lock(&self.0).as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }

    #[pyo3(signature = (data, start, /))]
    fn send(&self, py: Python<'_>, data: &[u8], start: usize) -> PyResult<Option<usize>> {
        let rest = data.get(start..).unwrap_or_default();
        py.detach(|| self.attempt(|socket| send(socket, rest, SendFlags::empty())))
            .map_err(os_error)
    }

    #[pyo3(signature = (framer, /))]
    fn receive(&self, framer: &Bound<'_, Framer>) -> PyResult<Option<usize>> {
        let (py, framer) = (framer.py(), framer.get());
        py.detach(|| {
            self.attempt(|socket| {
                framer.with(|framer| {
                    let (count, _) = recv(socket, framer.space(), RecvFlags::empty())?;
                    framer.commit(count);
                    Ok(count)
                })
            })
        })
        .map_err(os_error)
    }

    /// Ends the connection; the descriptor stays, as another thread may be waiting on it.
    fn hang_up(&self) {
        if let Some(socket) = lock(&self.0).as_ref() {
            // The daemon may have been first.
            let _ = shutdown(socket, Shutdown::Both);
        }
    }

    fn close(&self) {
        lock(&self.0).take();
    }
}

/// With a full queue at the other end this is `EAGAIN`, since the socket does not block.
fn connected(path: PathBuf) -> Result<OwnedFd, Errno> {
    match SocketAddrUnix::new(&path) {
        Err(Errno::NAMETOOLONG) => {
            let shortened = Shortened::new(&path)?;
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

/// A short name for a socket whose path does not fit into an address: a daemon can bind such a
/// socket by a relative name. The short name is valid while this lives.
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
        // Relaxed: only that no two are the same matters.
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
        // Nothing depends on it any more; a leftover does no harm.
        let _ = rustix::fs::unlink(&self.link);
    }
}

fn parts(path: &Path) -> Result<(&Path, &OsStr), Errno> {
    path.parent().zip(path.file_name()).ok_or(Errno::NAMETOOLONG)
}
