//! Arbitrary changes: what is read is what the format says, by a reader that shares no code.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;
#[path = "common/mutation.rs"]
mod mutation;
#[path = "common/oracle.rs"]
mod oracle;

use std::cell::RefCell;

use clnwire_journal::Journal;
use common::{OPTIONS, Sample, read_all, write};
use proptest::prelude::*;

thread_local! {
    static SAMPLE: RefCell<Sample> = RefCell::new(Sample::new());
}

/// Reads and opens the changed journal.
fn check(sample: &Sample, changes: &[u8]) {
    let mut contents: Vec<Vec<u8>> = sample.files.iter().map(|(_, each)| each.clone()).collect();
    mutation::mutate(&mut contents, changes);
    for ((path, _), content) in sample.files.iter().zip(&contents) {
        write(path, content);
    }
    let expected = oracle::read(&contents);
    let (records, error) = read_all(&sample.path(), 10);
    let found: Vec<oracle::Set> = records
        .into_iter()
        .map(|each| (each.sequence, each.epoch, each.foreign_keys, each.payload))
        .collect();
    // The last one before damage may have been replaced by what is damaged.
    assert!(expected.starts_with(&found), "{found:?}\n{expected:?}\n{error:?}");
    assert!(error.is_some() || found.len() == expected.len(), "{found:?}\n{expected:?}");
    if let Ok(journal) = Journal::open(&sample.path(), OPTIONS)
        && error.is_none()
    {
        assert_eq!(journal.sequence(), expected.last().map_or(10, |last| last.0));
    }
    sample.restore();
}

#[test]
fn the_oracle_reads_a_journal() {
    let sample = Sample::new();
    let contents: Vec<Vec<u8>> = sample.files.iter().map(|(_, each)| each.clone()).collect();
    assert_eq!(oracle::read(&contents).len(), sample.records.len());
    check(&sample, &[]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_read_is_what_the_format_says(
        changes in proptest::collection::vec(any::<[u8; 8]>(), 1..6),
    ) {
        SAMPLE.with_borrow(|sample| check(sample, &changes.concat()));
    }
}
