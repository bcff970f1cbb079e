//! Taking over stdin and stdout, in a process of its own: other tests print.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

use std::io::Read;
use std::os::fd::AsFd;

use clnwire_io::stdio::{release_stdout, take_over};
use rustix::io::{dup, read, write};
use rustix::pipe::pipe;
use rustix::stdio::{dup2_stdin, dup2_stdout, stdin, stdout};

#[test]
fn the_daemons_pipes_move_away_from_0_and_1() {
    let (before_in, before_out) = (dup(stdin()).unwrap(), dup(stdout()).unwrap());
    let (daemon_input, daemon_output) = (pipe().unwrap(), pipe().unwrap());
    dup2_stdin(&daemon_input.0).unwrap();
    dup2_stdout(&daemon_output.1).unwrap();
    let stdio = take_over().unwrap();
    write(stdout(), b"stray").unwrap();
    let nothing = read(stdin(), &mut [0; 8]).unwrap();
    write(&stdio.output, b"answer").unwrap();
    write(&daemon_input.1, b"request").unwrap();
    let request = read(&stdio.input, &mut [0; 8]).unwrap();
    release_stdout().unwrap();
    let mut stray = String::new();
    std::fs::File::from(stdio.stray.unwrap()).read_to_string(&mut stray).unwrap();
    // Before anything is asserted: a failure has to be seen.
    dup2_stdin(&before_in).unwrap();
    dup2_stdout(&before_out).unwrap();
    let answer = read(daemon_output.0.as_fd(), &mut [0; 8]).unwrap();
    assert_eq!((nothing, request, answer, stray.as_str()), (0, 7, 6, "stray"));
}
