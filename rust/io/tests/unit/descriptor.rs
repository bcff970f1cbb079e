use std::os::fd::AsFd;

use clnwire_io::descriptor::{
    Amount, Ready, Waited, drain, is_hung_up, read_some, stop_blocking, wait, wait_for_wakeup,
    wait_until_readable, wait_until_writable, write_some,
};
use clnwire_io::stdio::{at_pipes, wakeup_pipe};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{Errno, write};
use rustix::pipe::pipe;

#[test]
fn a_byte_in_the_wakeup_pipe_comes_before_input() {
    let (input, daemon) = pipe().unwrap();
    let (wakeup, waker) = wakeup_pipe().unwrap();
    write(&daemon, b"input").unwrap();
    assert!(matches!(wait(input.as_fd(), wakeup.as_fd()), Ok(Ready::Input)));
    write(&waker, &[b'!'; 100]).unwrap();
    assert!(matches!(wait(input.as_fd(), wakeup.as_fd()), Ok(Ready::Signal)));
    wait_until_readable(wakeup.as_fd()).unwrap();
    wait_for_wakeup(wakeup.as_fd()).unwrap();
    assert_eq!(read_some(wakeup.as_fd(), &mut [0; 8]), Ok(None));
    drain(wakeup.as_fd());
    wait_for_wakeup(wakeup.as_fd()).unwrap();
}

#[test]
fn a_closed_end_is_seen() {
    let (input, daemon) = pipe().unwrap();
    assert!(!is_hung_up(input.as_fd()));
    drop(daemon);
    assert!(is_hung_up(input.as_fd()));
    assert_eq!(read_some(input.as_fd(), &mut [0; 8]), Ok(Some(0)));
    assert_eq!(
        read_some(std::fs::File::open("/").unwrap().as_fd(), &mut [0; 8]),
        Err(Errno::ISDIR)
    );
}

#[test]
fn a_small_write_does_not_block_where_a_large_one_would() {
    let (_input, output) = pipe().unwrap();
    assert_eq!(write_some(output.as_fd(), &[b'x'; 5000], Amount::Little), Ok(512));
    assert_eq!(write_some(output.as_fd(), b"all", Amount::All), Ok(3));
    assert_eq!(wait_until_writable(output.as_fd(), None), Ok(Waited::Writable));
    stop_blocking(output.as_fd()).unwrap();
    while write_some(output.as_fd(), &[b'x'; 5000], Amount::All).unwrap() > 0 {}
    assert_eq!(write_some(output.as_fd(), b"x", Amount::Little), Ok(0));
}

#[test]
fn only_pipes_and_sockets_stop_blocking() {
    let (_input, output) = pipe().unwrap();
    stop_blocking(output.as_fd()).unwrap();
    assert!(fcntl_getfl(&output).unwrap().contains(OFlags::NONBLOCK));
    let file = std::fs::File::open("/dev/null").unwrap();
    stop_blocking(file.as_fd()).unwrap();
    assert!(!fcntl_getfl(&file).unwrap().contains(OFlags::NONBLOCK));
}

#[test]
fn the_pipes_of_a_daemon_in_this_process_are_duplicated() {
    use std::os::fd::AsRawFd;

    let (input, output) = pipe().unwrap();
    let stdio = at_pipes(input.as_raw_fd(), output.as_raw_fd()).unwrap();
    assert!(stdio.stray.is_none());
    write(&stdio.output, b"x").unwrap();
    assert_eq!(read_some(stdio.input.as_fd(), &mut [0; 8]), Ok(Some(1)));
    assert!(matches!(at_pipes(-1, output.as_raw_fd()), Err(Errno::BADF)));
}
