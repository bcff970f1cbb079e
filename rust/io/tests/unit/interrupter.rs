use std::os::fd::AsFd;
use std::sync::mpsc::channel;
use std::thread;

use clnwire_io::descriptor::{drain, stop_blocking};
use clnwire_io::interrupter::Interrupter;
use clnwire_io::stdio::wakeup_pipe;
use rustix::io::write;
use rustix::pipe::pipe;

#[test]
fn a_read_ends_for_a_byte_in_the_wakeup_pipe() {
    let (input, daemon) = pipe().unwrap();
    let (wakeup, waker) = wakeup_pipe().unwrap();
    let (begun, begins) = channel();
    let reader = thread::spawn(move || {
        let interrupter =
            Interrupter::start(input.as_fd(), wakeup.try_clone().unwrap()).unwrap().unwrap();
        begun.send(()).unwrap();
        assert_eq!(interrupter.read(input.as_fd(), &mut [0; 8]), Ok(None));
        drain(wakeup.as_fd());
        write(&daemon, b"input").unwrap();
        // A signal that came late may end one more read.
        while interrupter.read(input.as_fd(), &mut [0; 8]) != Ok(Some(5)) {}
        interrupter.end();
    });
    begins.recv().unwrap();
    write(&waker, b"!").unwrap();
    reader.join().unwrap();
    write(&waker, b"!").unwrap();
}

#[test]
fn a_read_that_does_not_block_needs_no_interruption() {
    let (input, _daemon) = pipe().unwrap();
    stop_blocking(input.as_fd()).unwrap();
    let (wakeup, _waker) = wakeup_pipe().unwrap();
    assert!(Interrupter::start(input.as_fd(), wakeup).unwrap().is_none());
}
