use std::os::fd::AsFd;
use std::sync::Arc;

use clnwire_io::channel::Channel;
use clnwire_io::descriptor::read_some;
use clnwire_io::stray::log_lines;
use rustix::io::write;
use rustix::pipe::pipe;

#[test]
fn each_line_that_is_printed_is_logged() {
    let (input, output) = pipe().unwrap();
    let channel = Arc::new(Channel::new(output).unwrap());
    let (stray, printed) = pipe().unwrap();
    let ended = log_lines(stray, Arc::clone(&channel)).unwrap();
    write(&printed, b"first \xff\n\n  \nlast").unwrap();
    drop(printed);
    ended.recv().unwrap();
    let mut room = [0; 1024];
    let count = read_some(input.as_fd(), &mut room).unwrap().unwrap();
    let text = String::from_utf8_lossy(&room[..count]);
    assert_eq!(text.matches("\"method\":\"log\"").count(), 2, "{text}");
    assert!(text.contains("\"first \u{fffd}\"") && text.contains("\"last\""), "{text}");
}
