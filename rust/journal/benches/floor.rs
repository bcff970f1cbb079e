//! Appending and syncing against a floor: a write of the same bytes, and `fdatasync`.
//!
//! The floor writes over zeros, as the journal does. The two take turns with each record, on the
//! same disk, so that both meet the same disturbances. The journal's next segment is prepared
//! before: that it is costs each byte a second write, at another time. For comparison, the same
//! with a file that grows. Prints medians as JSON, in µs.
//!
//! - `-- --directory DIRECTORY`: where the files are; by default the folder for temporary files.
//! - `-- --quick`: few records.
//! - `-- --reopen GIGABYTES`: measures opening a journal of that size too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clnwire_journal::{Durability, Journal, Options};

const SIZES: [(&str, usize, usize); 4] = [
    ("0.4 kB", 400, 2000),
    ("2.4 kB", 2400, 2000),
    ("12 kB", 12_000, 1000),
    ("1 MB", 1 << 20, 100),
];
/// What a record adds to its payload.
const OVERHEAD: usize = 80;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let value = |option: &str| {
        let at = arguments.iter().position(|argument| argument == option)?;
        arguments.get(at + 1).cloned()
    };
    // Without `--bench`, `cargo test` runs this, without optimisation.
    let quick = arguments.iter().any(|argument| argument == "--quick" || argument == "--test")
        || !arguments.iter().any(|argument| argument == "--bench");
    let parent = value("--directory").map_or_else(env::temp_dir, PathBuf::from);
    let place = parent.join(format!("clnwire-journal-bench-{}", std::process::id()));
    fs::create_dir(&place).unwrap();
    println!("{{\"durability\": \"power-loss\"");
    for (name, size, count) in SIZES {
        let count = if quick { count.div_ceil(100) } else { count };
        let [over, grows, journal] = measure(&place, size, count, Durability::PowerLoss);
        let ratio = journal / over;
        println!(
            ", \"{name}\": {{\"floor\": {over:.1}, \"growing file\": {grows:.1}, \"journal\": {journal:.1}, \"ratio\": {ratio:.3}}}"
        );
    }
    println!("}}\n{{\"durability\": \"process-crash\"");
    for (name, size, count) in SIZES {
        let count = if quick { count.div_ceil(100) } else { count * 2 };
        let [over, _, journal] = measure(&place, size, count, Durability::ProcessCrash);
        println!(", \"{name}\": {{\"floor\": {over:.2}, \"journal\": {journal:.2}}}");
    }
    println!("}}");
    if let Some(gigabytes) = value("--reopen") {
        reopen(&place, gigabytes.parse().expect("a number of gigabytes"));
    }
    fs::remove_dir_all(&place).unwrap();
}

/// The medians of a write over zeros, one at the end of a growing file, and an append.
fn measure(place: &Path, size: usize, count: usize, durability: Durability) -> [f64; 3] {
    let payload = vec![b'x'; size];
    let record = vec![b'x'; size + OVERHEAD];
    let path = place.join("journal");
    let mut journal = warm(&path, durability);
    let start = journal.sequence();
    let floor = |file: &File, at: usize| {
        file.write_all_at(&record, (at * record.len()) as u64).unwrap();
        if durability == Durability::PowerLoss {
            file.sync_data().unwrap();
        }
    };
    let (zeros, grows) = (place.join("zeros"), place.join("grows"));
    let (over, grow) = (File::create(&zeros).unwrap(), File::create(&grows).unwrap());
    for at in 0..=count {
        over.write_all_at(&vec![0; record.len()], (at * record.len()) as u64).unwrap();
    }
    over.sync_all().unwrap();
    let mut times = [const { Vec::new() }; 3];
    for at in 0..count {
        for which in if at % 2 == 0 { [0, 2] } else { [2, 0] } {
            times[which].push(timed(|| match which {
                0 => floor(&over, at),
                _ => {
                    journal.append(start + at as u64 + 1, 1, true, &payload).unwrap();
                }
            }));
        }
    }
    for at in 0..count {
        times[1].push(timed(|| floor(&grow, at)));
    }
    drop(journal);
    fs::remove_dir_all(path).unwrap();
    fs::remove_file(zeros).unwrap();
    fs::remove_file(grows).unwrap();
    times.map(|mut row| {
        row.sort_by(f64::total_cmp);
        row[row.len() / 2]
    })
}

fn timed(act: impl FnOnce()) -> f64 {
    let start = Instant::now();
    act();
    start.elapsed().as_secs_f64() * 1e6
}

/// A journal in whose segment all records have room, and the next one is there.
fn warm(path: &Path, durability: Durability) -> Journal {
    let options = |durability| Options { segment_bytes: 128 << 20, durability };
    let mut journal = Journal::create(path, 0, [0; 32], options(Durability::ProcessCrash)).unwrap();
    let payload = vec![b'x'; 1 << 20];
    while journal.room() < 110 << 20 {
        journal.append(journal.sequence() + 1, 1, true, &payload).unwrap();
    }
    drop(journal);
    rustix::fs::sync();
    Journal::open(path, options(durability)).unwrap()
}

fn reopen(place: &Path, gigabytes: u64) {
    let path = place.join("large");
    let options = Options { segment_bytes: 64 << 20, durability: Durability::ProcessCrash };
    let mut journal = Journal::create(&path, 0, [0; 32], options).unwrap();
    let payload = vec![b'x'; 12_000];
    let mut sequence = 0;
    while sequence * 12_080 < gigabytes << 30 {
        sequence += 1;
        journal.append(sequence, 1, true, &payload).unwrap();
    }
    drop(journal);
    let start = Instant::now();
    let journal = Journal::open(&path, options).unwrap();
    let (opening, size) = (start.elapsed().as_secs_f64(), journal.size().unwrap());
    assert_eq!(journal.sequence(), sequence);
    drop(journal);
    println!("{{\"reopen\": {{\"bytes\": {size}, \"seconds\": {opening:.3}}}}}");
}
