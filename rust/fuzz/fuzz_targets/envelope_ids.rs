//! A message's members are where serde_json finds them (the first of duplicates), and the map
//! returns its id byte for byte, once. The input is a stream; all come from the same peer.

#![no_main]

#[path = "../../core/tests/common/mod.rs"]
mod common;

use std::cell::RefCell;

use common::judge::Messages;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static MESSAGES: RefCell<Messages> = RefCell::default();
}

fuzz_target!(|data: &[u8]| MESSAGES.with_borrow_mut(|messages| messages.judge(data)));
