//! Each atomic access says why its ordering is enough.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

#[test]
fn each_ordering_has_its_reason_in_the_paragraph_above_it() {
    let rust = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files: Vec<_> =
        ["io/src", "python/src"].iter().flat_map(|at| sources(&rust.join(at))).collect();
    let mut uses = 0;
    let mut without = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            for ordering in ORDERINGS {
                if line.contains(&format!("Ordering::{ordering}")) {
                    uses += 1;
                    if !has_reason(&lines[..number], ordering) {
                        without.push(format!("{}:{}: {ordering}", file.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(without.is_empty(), "without a comment \"// ORDERING: why\":\n{}", without.join("\n"));
    assert!(uses > 40, "only {uses} uses were found");
}

/// A paragraph ends at a blank line and at a function's head.
fn has_reason(before: &[&str], ordering: &str) -> bool {
    let reason = format!("// {ordering}: ");
    let mut paragraph = before.iter().rev().map(|line| line.trim());
    paragraph
        .by_ref()
        .take_while(|line| !line.is_empty() && !line.contains("fn "))
        .any(|line| line.starts_with(&reason))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
