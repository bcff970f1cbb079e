use std::os::fd::AsFd;

use clnwire_io::channel::Channel;
use clnwire_io::descriptor::{Waited, Watched, read_some};
use rustix::io::Errno;
use rustix::pipe::pipe;

const LOG: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"level\":\"info\",\"message\":\"hi\"}}\n\n";

#[test]
fn what_is_logged_is_written() {
    let (input, output) = pipe().unwrap();
    let channel = Channel::new(output).unwrap();
    channel.log("info", "hi");
    assert_eq!(channel.flush(None), Ok(Waited::Writable));
    let mut room = [0; 256];
    let count = read_some(input.as_fd(), &mut room).unwrap().unwrap();
    assert_eq!(std::str::from_utf8(&room[..count]), Ok(LOG));
}

#[test]
fn a_full_pipe_takes_the_rest_when_it_is_read() {
    let (input, output) = pipe().unwrap();
    let channel = Channel::new(output).unwrap();
    let text = format!("\"{}\"", "x".repeat(200_000));
    channel.outbox().notification("large", text.as_bytes());
    assert_eq!(channel.flush_some(), Ok(false));
    channel.flush_without_waiting();
    let (wakeup, waker) = pipe().unwrap();
    rustix::io::write(&waker, b"!").unwrap();
    let watched = Watched { wakeup: wakeup.as_fd(), input: None };
    assert_eq!(channel.flush(Some(watched)), Ok(Waited::Signal));
    let reader = std::thread::spawn(move || {
        let (mut all, mut room) = (Vec::new(), [0; 4096]);
        while let Ok(Some(count @ 1..)) = read_some(input.as_fd(), &mut room) {
            all.extend_from_slice(&room[..count]);
        }
        all
    });
    assert_eq!(channel.flush(None), Ok(Waited::Writable));
    drop(channel);
    let all = String::from_utf8(reader.join().unwrap()).unwrap();
    let start = "{\"jsonrpc\":\"2.0\",\"method\":\"large\",\"params\":";
    assert_eq!(all, format!("{start}{text}}}\n\n"));
}

#[test]
fn a_daemon_that_hangs_up_ends_the_wait_for_room() {
    let (_input, output) = pipe().unwrap();
    let channel = Channel::new(output).unwrap();
    channel.outbox().notification("large", &[b'1'; 200_000]);
    let (wakeup, _waker) = pipe().unwrap();
    let (from_daemon, daemon) = pipe().unwrap();
    drop(daemon);
    let watched = Watched { wakeup: wakeup.as_fd(), input: Some(from_daemon.as_fd()) };
    assert_eq!(channel.flush(Some(watched)), Ok(Waited::HungUp));
}

#[test]
fn an_error_is_final() {
    let (input, output) = pipe().unwrap();
    drop(input);
    let channel = Channel::new(output).unwrap();
    channel.log("info", "hi");
    assert_eq!(channel.flush(None), Err(Errno::PIPE));
    assert_eq!(channel.flush_some(), Err(Errno::PIPE));
    channel.flush_without_waiting();
}

#[test]
fn a_forked_child_writes_nothing() {
    let (input, output) = pipe().unwrap();
    let channel = Channel::new(output).unwrap();
    channel.log("info", "hi");
    channel.disown();
    assert!(channel.is_disowned());
    assert_eq!(channel.flush(None), Ok(Waited::Writable));
    assert!(channel.fd() >= 0);
    drop(channel);
    assert_eq!(read_some(input.as_fd(), &mut [0; 16]), Ok(Some(0)));
}
