//! Whatever is added, in any order with writes of any length, the bytes that go out are those that
//! serde_json's encoder gives.

#![no_main]

#[path = "../../core/tests/common/mod.rs"]
mod common;

use std::cell::RefCell;

use common::sent::Sent;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static SENT: RefCell<Sent> = RefCell::default();
}

fuzz_target!(|data: &[u8]| SENT.with_borrow_mut(|sent| sent.judge(data)));
