//! What the plugin prints becomes lines of the daemon's log.
//!
//! File descriptor 1 is replaced by a pipe at start; this thread reads its other end. It needs no
//! lock of Python's, so that a C library or a child process may print at any time.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::channel::Channel;
use crate::descriptor::Waited;

/// A longer line is logged in pieces of this size, in bytes: the daemon's log takes them also if each
/// byte becomes an escape of six.
const MAX_LINE_BYTES: u64 = 32 << 10;

/// Starts the thread. The receiver hears of its end, which comes when nobody has the pipe's
/// writing end any more.
pub fn log_lines(pipe: OwnedFd, channel: Arc<Channel>) -> std::io::Result<Receiver<()>> {
    let (ended, receiver) = sync_channel(1);
    thread::Builder::new().name("clnwire-stray-output".into()).spawn(move || {
        let mut reader = BufReader::new(std::fs::File::from(pipe));
        let mut line = Vec::new();
        while let Ok(1..) = reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            log_line(&line, &channel);
            line.clear();
        }
        // Nobody waits for it if the plugin ended first.
        let _ = ended.send(());
    })?;
    Ok(receiver)
}

fn log_line(line: &[u8], channel: &Channel) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    if !text.is_empty() {
        channel.log("info", text);
        // A daemon that is gone cannot be told; the serving thread notices by itself.
        while channel.flush(None) == Ok(Waited::Signal) {}
    }
}
