//! The envelopes of a message with an array of strings were not equal if one of the streams was cut
//! in the array.

use clnwire_core::{Envelope, Framer, Limits};

#[test]
fn an_envelope_does_not_depend_on_chunks() {
    for message in [r#"{"params":["a","b"]}"#, r#"{"params":{"connect":["a","b"]}}"#] {
        let whole = Envelope::parse(message.as_bytes(), Limits::default()).unwrap();
        for at in 1..message.len() {
            let mut framer = Framer::new(Limits::default());
            framer.feed(&message.as_bytes()[..at]);
            assert!(framer.next_frame().unwrap().is_none());
            framer.feed(&message.as_bytes()[at..]);
            assert_eq!(framer.next_frame().unwrap().unwrap().envelope(), &whole, "cut at {at}");
        }
    }
}
