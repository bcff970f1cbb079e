//! Any subset of the sectors of a write that was not synced may be missing.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use std::path::PathBuf;

use clnwire_journal::{Error, Journal};
use common::{OPTIONS, START, Sample, directory, payload, read_all, write};

type Files = Vec<(PathBuf, Vec<u8>)>;
const SECTOR: usize = 512;

/// The sectors in which two states differ: file and offset.
fn changed(before: &Files, after: &Files) -> Vec<(usize, usize)> {
    let mut sectors = Vec::new();
    for (file, (path, content)) in after.iter().enumerate() {
        let (_, old) = before.iter().find(|(other, _)| other == path).unwrap();
        for at in (0..content.len()).step_by(SECTOR) {
            if old[at..at + SECTOR] != content[at..at + SECTOR] {
                sectors.push((file, at));
            }
        }
    }
    sectors
}

/// `after`, with the sectors that `lost` names by its bits as they were.
fn without(before: &Files, after: &Files, sectors: &[(usize, usize)], lost: usize) -> Files {
    let mut files = after.clone();
    for (index, &(file, at)) in sectors.iter().enumerate() {
        if lost >> index & 1 == 1 {
            let (path, content) = &mut files[file];
            let (_, old) = before.iter().find(|(other, _)| other == path).unwrap();
            content[at..at + SECTOR].copy_from_slice(&old[at..at + SECTOR]);
        }
    }
    files
}

/// Appends one more record, and loses each subset of its sectors.
fn lose_each_subset(records: &[(u64, usize)], last: (u64, usize)) {
    let sample = Sample { place: directory(), records: Vec::new(), files: Vec::new() };
    let mut journal = Journal::create(&sample.path(), 10, START, OPTIONS).unwrap();
    for &(sequence, length) in records {
        journal.append(sequence, 1, true, &payload(sequence, length)).unwrap();
    }
    // Opening anew waits until the next segment is prepared, so that it is in both states.
    drop(journal);
    let before = sample.read_files();
    let mut journal = Journal::open(&sample.path(), OPTIONS).unwrap();
    let (sequence, chain) = (journal.sequence(), *journal.chain());
    let previous = journal.previous_chain().copied();
    let appended = journal.append(last.0, 1, true, &payload(last.0, last.1)).unwrap();
    drop(journal);
    // The segment after the next one is prepared once the record is acknowledged.
    let mut after = sample.read_files();
    after.retain(|(path, _)| before.iter().any(|(kept, _)| kept == path));
    let sectors = changed(&before, &after);
    assert!((1..=12).contains(&sectors.len()), "{}", sectors.len());
    for lost in 0..1 << sectors.len() {
        let torn = without(&before, &after, &sectors, lost);
        put(&sample, &torn);
        let journal = Journal::open(&sample.path(), OPTIONS);
        let journal = journal.unwrap_or_else(|error: Error| panic!("{lost:b}: {error}"));
        if lost == 0 {
            assert_eq!((journal.sequence(), *journal.chain()), (last.0, appended));
        } else {
            assert_eq!((journal.sequence(), *journal.chain()), (sequence, chain), "{lost:b}");
            assert_eq!(journal.previous_chain().copied(), previous);
        }
        let is_all_lost = lost + 1 == 1 << sectors.len();
        assert_eq!(journal.torn().is_some(), lost != 0 && !is_all_lost, "{lost:b}");
        drop(journal);
        if lost != 0 && lost % 5 == 0 {
            lose_repair(&sample, &torn, sequence);
        }
        let (read, error) = read_all(&sample.path(), 10);
        assert!(error.is_none(), "{lost:b}: {error:?}");
        assert_eq!(
            read.last().map_or(10, |record| record.sequence),
            if lost == 0 { last.0 } else { sequence }
        );
    }
}

/// The power fails again, within the repair: opening repairs what is left.
fn lose_repair(sample: &Sample, torn: &Files, sequence: u64) {
    let repaired = sample.read_files();
    let sectors = changed(torn, &repaired);
    for lost in 0..1 << sectors.len() {
        put(sample, &without(torn, &repaired, &sectors, lost));
        let journal = Journal::open(&sample.path(), OPTIONS);
        assert_eq!(journal.unwrap().sequence(), sequence);
    }
}

fn put(sample: &Sample, files: &Files) {
    for (path, content) in files {
        write(path, content);
    }
    for (path, _) in sample.read_files() {
        if !files.iter().any(|(kept, _)| *kept == path) {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn in_a_segment() {
    for length in [10, 300, 352, 353, 432, 1000, 2400] {
        lose_each_subset(&[(11, 300), (12, 400)], (13, length));
    }
}

#[test]
fn the_first_record() {
    lose_each_subset(&[], (11, 1200));
}

#[test]
fn a_record_that_replaces() {
    lose_each_subset(&[(11, 300), (12, 400)], (12, 2000));
}

#[test]
fn the_first_record_of_a_segment() {
    lose_each_subset(&[(11, 1500), (12, 1500)], (13, 2500));
    lose_each_subset(&[(11, 1500), (12, 1500)], (12, 2500));
    lose_each_subset(&[(11, 3900)], (11, 3900));
}

/// The parts of sectors are as small as they can be: 8 bytes at the record's beginning and end.
#[test]
fn at_each_place_of_a_sector() {
    for first in (8..520).step_by(8) {
        lose_each_subset(&[(11, first)], (12, 700));
    }
}
