//! What the process prints becomes lines of the daemon's log.
//!
//! File descriptor 1 is replaced by a pipe at start, and this thread reads its other end. It never
//! needs Python's lock, so a C library or a child process may print at any time.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::channel::Channel;
use crate::descriptor::Waited;
use crate::sync::{Arc, thread};

/// A longer line is logged in pieces of this many bytes. The daemon's log takes such a piece even
/// if each byte becomes an escape of six.
const MAX_LINE_BYTES: u64 = 32 << 10;

/// Starts the thread. It ends when no process has the pipe's writing end any more, and then sends
/// to the receiver.
///
/// # Errors
///
/// If the thread cannot be started.
pub fn log_lines(pipe: OwnedFd, channel: Arc<Channel>) -> std::io::Result<Receiver<()>> {
    let (ended, receiver) = sync_channel(1);
    thread::Builder::new().name("clnwire-stray-output".into()).spawn(move || {
        let mut reader = BufReader::new(std::fs::File::from(pipe));
        let mut line = Vec::new();
        while let Ok(1..) = reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            log_line(&line, &channel);
            line.clear();
        }
        // It fails if the plugin ended first and dropped the receiver.
        let _ = ended.send(());
    })?;
    Ok(receiver)
}

fn log_line(line: &[u8], channel: &Channel) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    if !text.is_empty() {
        channel.log("info", text);
        // An error means that the daemon is gone; the serving thread notices that by itself.
        while channel.flush(None) == Ok(Waited::Signal) {}
    }
}
