//! With `max_frame_bytes` of 0 each message was an empty frame, which was returned for ever.

use clnwire_core::{Framer, Limits, Reason};

#[test]
fn a_limit_of_no_bytes_ends() {
    let mut framer = Framer::new(Limits { max_frame_bytes: 0, ..Limits::default() });
    framer.feed(b"{\"a\":1}\n\n[2]\n\n");
    for bytes in [b"{", b"["] {
        let frame = framer.next_frame().unwrap().unwrap();
        assert_eq!(frame.bytes(), bytes);
        assert_eq!(frame.fault().unwrap().reason, Reason::FrameTooLarge(1));
    }
    assert!(framer.next_frame().unwrap().is_none());
}
