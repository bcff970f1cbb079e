//! JSONTestSuite's texts, judged as the fuzz targets judge what they try: by serde_json, and by a
//! second implementation of lightningd's parser. `JSON_TEST_SUITE` is the suite's folder; without
//! it nothing is tested. `tests/core/test_json_suite.py` has the verdicts by name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::path::PathBuf;
use std::{env, fs};

use common::judge::{Messages, Streams};

#[test]
fn each_text_alone_and_with_a_follower() {
    let Some(folder) = env::var_os("JSON_TEST_SUITE") else { return };
    let (mut streams, mut messages, mut count) = (Streams::default(), Messages::default(), 0);
    for entry in fs::read_dir(PathBuf::from(folder).join("test_parsing")).unwrap() {
        let mut text = fs::read(entry.unwrap().path()).unwrap();
        streams.judge(&text);
        streams.judge_with_follower(&mut text, br#"{"id":7,"method":"m"}"#);
        messages.judge(&text);
        count += 1;
    }
    assert!(count > 300, "{count} texts");
}
