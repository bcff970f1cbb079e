//! A stream gives the same whole, byte by byte and in chunks, and what serde_json finds.
//!
//! The input's first byte says the number (its remainder by 8) of bytes behind it that are the
//! chunks' lengths, which repeat; and, from 128 on, that the first two are limits too. The rest is
//! the stream. A space stands for none, so a seed is a space and a stream.

#![no_main]

#[path = "../../core/tests/common/mod.rs"]
mod common;

use std::cell::RefCell;

use clnwire_core::Limits;
use common::judge::Streams;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static STREAMS: RefCell<Streams> = RefCell::default();
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let (lengths, stream) = rest.split_at(usize::from(first % 8).min(rest.len()));
    STREAMS.with_borrow_mut(|streams| {
        streams.judge(stream);
        match *lengths {
            [] => {}
            [bytes, depth, ..] if first >= 128 => {
                let (max_frame_bytes, max_depth) = (usize::from(bytes), usize::from(depth));
                streams.same_in_chunks(stream, lengths, Limits { max_frame_bytes, max_depth });
            }
            _ => streams.same_in_chunks(stream, lengths, Limits::default()),
        }
    });
});
