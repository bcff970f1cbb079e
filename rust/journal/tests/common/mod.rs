//! A journal in a directory of its own, in memory where there is such a file system.

#![allow(dead_code, reason = "each file of tests uses a part")]

use std::fs::{self, File, FileTimes, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clnwire_journal::{Chain, Durability, Journal, Options, Record, Records};
use tempfile::TempDir;

pub const START: Chain = [7; 32];
pub const OPTIONS: Options = Options { segment_bytes: 4096, durability: Durability::PowerLoss };

/// A directory that is removed at the end.
pub fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

pub fn payload(sequence: u64, length: usize) -> Vec<u8> {
    let mut text = format!("{{\"data_version\":{sequence}}}").into_bytes();
    text.extend((text.len()..length).map(|at| b'a' + ((at as u64 * 7 + sequence) % 26) as u8));
    text
}

/// All records, and the error that ends them.
pub fn read_all(path: &Path, after: u64) -> (Vec<Record>, Option<clnwire_journal::Error>) {
    let mut records = Vec::new();
    match Records::open(path, after, None) {
        Ok(reader) => {
            for record in reader {
                match record {
                    Ok(record) => records.push(record),
                    Err(error) => return (records, Some(error)),
                }
            }
            (records, None)
        }
        Err(error) => (records, Some(error)),
    }
}

/// A journal at rest, with what is in it.
pub struct Sample {
    pub place: TempDir,
    pub records: Vec<Record>,
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

impl Sample {
    /// Three segments with records, some replaced, one of them across a segment's end.
    pub fn new() -> Self {
        let place = directory();
        let mut journal = Journal::create(&place.path().join("j"), 10, START, OPTIONS).unwrap();
        for sequence in 11..=17 {
            journal.append(sequence, 1, false, &payload(sequence, 1203)).unwrap();
            if sequence % 2 == 0 {
                journal.append(sequence, 2, true, &payload(sequence, 97)).unwrap();
            }
        }
        drop(journal);
        let mut sample = Self { place, records: Vec::new(), files: Vec::new() };
        sample.files = sample.read_files();
        let (records, error) = read_all(&sample.path(), 10);
        assert!(error.is_none() && records.len() == 7);
        sample.records = records;
        sample
    }

    pub fn path(&self) -> PathBuf {
        self.place.path().join("j")
    }

    pub fn read_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|end| end == "segment")).collect();
        paths.sort();
        paths.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
    }

    /// The files as they were.
    pub fn restore(&self) {
        for entry in fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            if !self.files.iter().any(|(kept, _)| *kept == path) {
                fs::remove_file(path).unwrap();
            }
        }
        for (path, content) in &self.files {
            write(path, content);
        }
    }
}

/// Writes a file as if long ago, so that no reader waits for its writer.
pub fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    age(&File::options().write(true).open(path).unwrap());
}

pub fn write_at(path: &Path, at: u64, content: &[u8]) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(content, at).unwrap();
    age(&file);
}

fn age(file: &File) {
    let past = SystemTime::now() - Duration::from_secs(60);
    file.set_times(FileTimes::new().set_modified(past)).unwrap();
}
