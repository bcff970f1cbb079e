//! A frame fed byte by byte costs the same per byte, however long it is. Counts instructions, where
//! there is valgrind, and allocations, since times depend on what else the machine does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/callgrind.rs"]
mod callgrind;

use std::path::Path;

use allocation_counter::measure;
use clnwire_core::{Framer, Limits};

/// Lengths that double. They are short, so that quadratic code fails and does not hang.
const LENGTHS: [usize; 3] = [256, 512, 1024];

/// Frames of one value each: of text, of escapes, and of structure alone.
fn frames(length: usize) -> [Vec<u8>; 3] {
    let text = [b"[\"", &vec![b'x'; length - 4][..], b"\"]"].concat();
    let escapes = [b"[\"", &br"\n".repeat(length / 2 - 2)[..], b"\"]"].concat();
    let structure = [b"[", &b"{\"a\":1},".repeat(length / 8 - 1)[..], b"[[0]]]"].concat();
    [text, escapes, structure]
}

#[inline(never)]
fn byte_by_byte(frame: &[u8]) {
    let mut framer = Framer::new(Limits::default());
    for (at, byte) in frame.iter().enumerate() {
        framer.feed(std::slice::from_ref(byte));
        let found = framer.next_frame().unwrap().map(|found| found.bytes().len());
        assert_eq!(found, (at + 1 == frame.len()).then_some(frame.len()));
    }
}

#[test]
fn each_kind_of_frame_is_found() {
    LENGTHS.iter().flat_map(|&length| frames(length)).for_each(|frame| byte_by_byte(&frame));
}

#[test]
fn instructions_grow_as_the_frame_does() {
    if !callgrind::is_present() {
        println!("skipped: {}", callgrind::ABSENT);
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("linear");
    let itself = ["--test-threads=1", "--exact", "each_kind_of_frame_is_found"];
    let counts = callgrind::instructions("linear::byte_by_byte", &folder, &itself);
    assert_eq!(counts.len(), 3 * LENGTHS.len());
    for pair in counts.windows(4).map(|four| (four[0], four[3])) {
        // If a byte's cost grew with the frame's length, this would be four times as many.
        assert!(pair.1 * 10 < pair.0 * 22, "twice the bytes, but {pair:?} instructions");
    }
}

#[test]
fn memory_is_asked_for_as_the_frame_doubles() {
    for length in LENGTHS {
        for frame in frames(length) {
            let counted = measure(|| byte_by_byte(&frame));
            let doublings = u64::from(length.ilog2());
            assert!(counted.count_total <= doublings + 4, "{length} bytes: {counted:?}");
            // Each buffer is twice the previous one, so together they are less than four times the
            // frame.
            assert!(counted.bytes_total < 4 * length as u64, "{length} bytes: {counted:?}");
        }
    }
}
