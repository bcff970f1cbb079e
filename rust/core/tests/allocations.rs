//! Nothing is allocated in the steady state, and a large message's memory is freed.
//!
//! A crate counts the allocations, since the core has no `unsafe` code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use allocation_counter::measure;
use clnwire_core::{Framer, IdMap, Limits, Outbox};

/// The most that is kept of a buffer, with some room for other allocations.
const RETAINED: i64 = (4 << 20) + (64 << 10);

fn requests() -> Vec<u8> {
    let mut stream = Vec::new();
    for n in 0..50_usize {
        let id = format!("\"cln:db_write#{n}\"");
        let write = "x".repeat(n * 97 % 4000);
        let frame =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"db_write","params":["{write}"]}}"#);
        stream.extend_from_slice(frame.as_bytes());
        stream.extend_from_slice(b"\n\n");
    }
    stream
}

struct Loop {
    framer: Framer,
    ids: IdMap,
    outbox: Outbox,
    keys: Vec<u64>,
}

impl Loop {
    fn new() -> Self {
        Self {
            framer: Framer::new(Limits::default()),
            ids: IdMap::new(),
            outbox: Outbox::new(),
            keys: Vec::new(),
        }
    }

    /// Handles what has come and answers in short writes, with this many requests in flight.
    fn serve(&mut self, in_flight: usize) {
        while let Some(frame) = self.framer.next_frame().unwrap() {
            assert_eq!(frame.method().as_deref(), Some("db_write"));
            self.keys.push(self.ids.insert(frame.id().unwrap()));
        }
        while self.keys.len() > in_flight {
            let key = self.keys.swap_remove(self.keys.len() / 2);
            let token = self.ids.take(key).unwrap();
            self.outbox.reply(token, br#"{"result":"continue"}"#);
            self.outbox.advance(self.outbox.pending().len().min(60));
        }
        self.outbox.advance(self.outbox.pending().len());
    }

    fn fed(&mut self, stream: &[u8], size: usize) {
        for chunk in stream.chunks(size) {
            self.framer.feed(chunk);
            self.serve(20);
        }
    }

    fn read(&mut self, stream: &[u8], size: usize) {
        for chunk in stream.chunks(size) {
            self.framer.space()[..chunk.len()].copy_from_slice(chunk);
            self.framer.commit(chunk.len());
            self.serve(20);
        }
    }
}

#[test]
fn nothing_is_allocated_in_a_steady_state() {
    let stream = requests();
    for size in [1, 100, 4096, 65_536, stream.len()] {
        let mut each = Loop::new();
        let turn = |each: &mut Loop| {
            each.fed(&stream, size);
            each.read(&stream, size.min(65_536));
        };
        (0..4).for_each(|_| turn(&mut each));
        let counted = measure(|| (0..10).for_each(|_| turn(&mut each)));
        assert_eq!(counted.count_total, 0, "chunks of {size}");
    }
}

#[test]
fn nothing_is_allocated_for_deep_nesting_the_second_time() {
    let frame = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut framer = Framer::new(Limits::default());
    let mut turn = || {
        framer.feed(frame.as_bytes());
        assert!(framer.next_frame().unwrap().is_some());
    };
    turn();
    assert_eq!(measure(turn).count_total, 0);
}

#[test]
fn nesting_costs_a_bit_a_level() {
    let frame = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let counted = measure(|| {
        assert!(clnwire_core::Envelope::parse(frame.as_bytes(), Limits::default()).is_ok());
    });
    assert!(counted.bytes_max < 50_000, "{counted:?}");
}

#[test]
fn a_payload_is_unwrapped_where_it_stands() {
    let mut framer = Framer::new(Limits::default());
    framer.feed(br#"{"method":"connect","params":{"connect":{"id":"02ab","direction":"in"}}}"#);
    let frame = framer.next_frame().unwrap().unwrap();
    let counted = measure(|| assert!(frame.payload("connect").starts_with(b"{\"id\"")));
    assert_eq!(counted.bytes_total, 0);
}

/// 64 MB in one frame.
fn huge() -> Vec<u8> {
    [b"[\"", &vec![b'x'; 64 << 20][..], b"\"]"].concat()
}

#[test]
fn the_framer_lets_go_of_a_huge_frame() {
    let huge = huge();
    let mut framer = Framer::new(Limits::default());
    let held = measure(|| {
        for chunk in huge.chunks(64 << 10) {
            framer.feed(chunk);
        }
        assert_eq!(framer.next_frame().unwrap().unwrap().bytes().len(), huge.len());
        assert!(framer.next_frame().unwrap().is_none());
    });
    assert!(held.bytes_max >= 64 << 20, "{held:?}");
    assert!(held.bytes_current <= RETAINED, "{held:?}");
    framer.feed(b"{}");
    assert_eq!(framer.next_frame().unwrap().unwrap().offset(), huge.len() as u64);
}

#[test]
fn a_buffer_for_frames_of_common_size_is_kept() {
    let frame = [b"[\"", &vec![b'x'; 1 << 20][..], b"\"]"].concat();
    let mut framer = Framer::new(Limits::default());
    let mut turn = || {
        framer.feed(&frame);
        assert!(framer.next_frame().unwrap().is_some());
        assert!(framer.next_frame().unwrap().is_none());
    };
    turn();
    assert_eq!(measure(turn).count_total, 0);
}

#[test]
fn a_framer_that_always_has_half_a_frame_does_not_grow() {
    let stream = requests();
    let counted = measure(|| {
        let mut framer = Framer::new(Limits::default());
        framer.feed(b"[");
        for chunk in stream.chunks(1000).cycle().take(5000) {
            framer.feed(b"\"");
            for part in chunk.chunks(100) {
                let plain = [b'x'; 100];
                framer.feed(&plain[..part.len()]);
            }
            framer.feed(b"\"] [");
            assert!(framer.next_frame().unwrap().is_some());
            assert!(framer.next_frame().unwrap().is_none());
        }
    });
    assert!(counted.bytes_max < 20_000, "{counted:?}");
}

#[test]
fn the_outbox_lets_go_of_a_huge_reply() {
    let huge = huge();
    let mut outbox = Outbox::new();
    let held = measure(|| {
        outbox.reply(b"1", &huge);
        while !outbox.is_empty() {
            outbox.advance(outbox.pending().len().min(64 << 10));
        }
    });
    assert!(held.bytes_current <= RETAINED, "{held:?}");
}
