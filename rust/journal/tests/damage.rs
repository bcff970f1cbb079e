//! Flipped, cut, doubled and swapped bytes at every position: found and named, never restored.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use std::path::Path;

use clnwire_journal::{Error, Journal};
use common::{OPTIONS, Sample, read_all, write, write_at};

/// Reads and opens a journal of which one file was changed. What is read was written, in its order;
/// what is missing is said, by an error that names the file; opening ends at the last record.
///
/// Returns whether reading and opening have refused it.
fn check(sample: &Sample, path: &Path, what: &dyn std::fmt::Display) -> (bool, bool) {
    let unread = check_reading(sample, path, what);
    (unread, check_opening(sample, path, what))
}

fn check_reading(sample: &Sample, path: &Path, what: &dyn std::fmt::Display) -> bool {
    let (records, error) = read_all(&sample.path(), 10);
    assert_eq!(records, sample.records[..records.len()], "{what}");
    match &error {
        None => assert_eq!(records.len(), sample.records.len(), "{what}: ended early"),
        Some(Error::Damaged { path: named, .. }) => assert_eq!(named, path, "{what}"),
        Some(other) => panic!("{what}: {other}"),
    }
    error.is_some()
}

fn check_opening(sample: &Sample, path: &Path, what: &dyn std::fmt::Display) -> bool {
    match Journal::open(&sample.path(), OPTIONS) {
        Ok(journal) => {
            let last = sample.records.last().unwrap();
            assert_eq!(
                (journal.sequence(), *journal.chain()),
                (last.sequence, last.chain),
                "{what}"
            );
            false
        }
        Err(Error::Damaged { path: named, .. }) => {
            assert_eq!(named, path, "{what}");
            true
        }
        Err(other) => panic!("{what}: {other}"),
    }
}

/// Where the bytes that are not zero end.
fn end_of(content: &[u8]) -> usize {
    content.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1)
}

#[test]
fn every_bit_flipped() {
    let sample = Sample::new();
    let last = sample.files.iter().rposition(|(_, content)| end_of(content) > 0).unwrap();
    assert!(last >= 2 && last + 1 < sample.files.len(), "segments, and one that is prepared");
    for (index, (path, content)) in sample.files.iter().enumerate() {
        let end = end_of(content);
        for (at, &byte) in content.iter().enumerate() {
            for bit in 0..8 {
                // Of the zeros, one bit each is enough.
                if at >= end && bit != at % 8 {
                    continue;
                }
                write_at(path, at as u64, &[byte ^ (1 << bit)]);
                let what = format!("segment {}, byte {at}, bit {bit}", index + 1);
                // Bytes after the last record may be those of one that was never acknowledged.
                let is_written = index < last || index == last && at < end;
                let unread = check_reading(&sample, path, &what);
                assert!(unread || !is_written, "{what}");
                // Opening reads no more than the headers of the segments before the last.
                if index >= last || at < 80 {
                    let unopened = check_opening(&sample, path, &what);
                    assert!(unopened || !is_written, "{what}");
                }
                write_at(path, at as u64, &[byte]);
                if !is_written {
                    sample.restore();
                }
            }
        }
    }
}

#[test]
fn every_length() {
    let sample = Sample::new();
    for (index, (path, content)) in sample.files.iter().enumerate() {
        for length in 0..content.len() {
            write(path, &content[..length]);
            let what = format!("segment {} cut to {length} bytes", index + 1);
            let refused = check(&sample, path, &what);
            if end_of(content) > 0 || length < 80 {
                assert_eq!(refused, (true, true), "{what}");
            }
        }
        let longer: Vec<u8> = content.iter().copied().chain([0; 8]).collect();
        write(path, &longer);
        let refused = check(&sample, path, &"longer");
        assert_eq!(refused, (end_of(content) > 0, end_of(content) > 0));
        write(path, content);
    }
}

#[test]
fn bytes_doubled_in_place() {
    let sample = Sample::new();
    for (index, (path, content)) in sample.files.iter().enumerate() {
        for length in [1, 8, 72, 512, 1283] {
            for at in 0..end_of(content) {
                let mut doubled = content.clone();
                let to = (at + length).min(content.len());
                let end = (to + length).min(content.len());
                doubled.copy_within(at..at + (end - to), to);
                doubled[end..].copy_from_slice(&content[to..content.len() - (end - to)]);
                if doubled == *content {
                    continue;
                }
                write(path, &doubled);
                check(&sample, path, &format!("{length} bytes at {at} of segment {}", index + 1));
                write(path, content);
            }
        }
        sample.restore();
    }
}

/// A whole record, or any part that begins with one, over any other place.
#[test]
fn records_copied_elsewhere() {
    let sample = Sample::new();
    let starts: Vec<(usize, usize)> = (0..sample.files.len())
        .flat_map(|file| {
            let content = &sample.files[file].1;
            let places = (80..content.len().saturating_sub(4)).step_by(8);
            places.filter(|&at| content[at..].starts_with(b"SET\xb1")).map(move |at| (file, at))
        })
        .collect();
    assert!(starts.len() > sample.records.len(), "replaced records are there too");
    for &(source, from) in &starts {
        let source = &sample.files[source].1;
        let length = u32::from_le_bytes(source[from + 4..from + 8].try_into().unwrap()) as usize;
        let record = &source[from..from + 72 + length.next_multiple_of(8) + 8];
        for (path, content) in &sample.files {
            for to in (80..content.len() - record.len()).step_by(8) {
                if content[to..].starts_with(record) {
                    continue;
                }
                write_at(path, to as u64, record);
                check(&sample, path, &format!("record at {from} copied to {to} of {path:?}"));
                write(path, content);
            }
        }
        sample.restore();
    }
}

#[test]
fn a_segment_in_anothers_place() {
    let sample = Sample::new();
    for (from, (_, content)) in sample.files.iter().enumerate() {
        for (to, (path, own)) in sample.files.iter().enumerate() {
            if content == own {
                continue;
            }
            write(path, content);
            let (unread, _) = check_loosely(&sample);
            assert!(unread, "segment {} in the place of {}", from + 1, to + 1);
            sample.restore();
        }
    }
}

#[test]
fn a_segment_that_is_missing() {
    let sample = Sample::new();
    let unused = sample.files.len() - 1;
    for (index, (path, _)) in sample.files.iter().enumerate() {
        std::fs::remove_file(path).unwrap();
        let (unread, unopened) = check_loosely(&sample);
        assert_eq!(unread, index != unused, "segment {}", index + 1);
        assert_eq!(unopened, index != unused && index != 0, "segment {}", index + 1);
        sample.restore();
    }
}

/// As `check`, but another file may be named, and reading may begin too late for what is asked.
fn check_loosely(sample: &Sample) -> (bool, bool) {
    let (records, error) = read_all(&sample.path(), 10);
    assert_eq!(records, sample.records[..records.len()]);
    assert!(error.is_some() || records.len() == sample.records.len());
    let opened = Journal::open(&sample.path(), OPTIONS);
    if let Ok(journal) = &opened {
        let last = sample.records.last().unwrap();
        assert_eq!((journal.sequence(), *journal.chain()), (last.sequence, last.chain));
    }
    (error.is_some(), opened.is_err())
}
