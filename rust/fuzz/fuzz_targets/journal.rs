//! Changes a small journal as the input says, eight bytes a change, and reads it. What is read is
//! what a reader finds that shares no code; what is missing is said. Opening ends where it ends.

#![no_main]

#[path = "../../journal/tests/common/mod.rs"]
mod common;
#[path = "../../journal/tests/common/mutation.rs"]
mod mutation;
#[path = "../../journal/tests/common/oracle.rs"]
mod oracle;

use std::sync::{LazyLock, Mutex};

use clnwire_journal::Journal;
use common::{OPTIONS, Sample, read_all, write};
use libfuzzer_sys::fuzz_target;

static SAMPLE: LazyLock<Mutex<Sample>> = LazyLock::new(|| Mutex::new(Sample::new()));

fuzz_target!(|data: &[u8]| {
    let sample = SAMPLE.lock().unwrap();
    let mut contents: Vec<Vec<u8>> = sample.files.iter().map(|(_, each)| each.clone()).collect();
    mutation::mutate(&mut contents, data);
    for ((path, _), content) in sample.files.iter().zip(&contents) {
        write(path, content);
    }
    let expected = oracle::read(&contents);
    let (records, error) = read_all(&sample.path(), 10);
    let found: Vec<oracle::Set> = records
        .into_iter()
        .map(|each| (each.sequence, each.epoch, each.foreign_keys, each.payload))
        .collect();
    assert!(expected.starts_with(&found));
    assert!(error.is_some() || found.len() == expected.len());
    let opened = Journal::open(&sample.path(), OPTIONS);
    if let (Ok(journal), None) = (&opened, &error) {
        assert_eq!(journal.sequence(), expected.last().map_or(10, |last| last.0));
    }
    drop(opened);
    sample.restore();
});
