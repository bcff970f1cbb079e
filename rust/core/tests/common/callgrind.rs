//! Counts instructions with valgrind's callgrind: exactly, and whatever else the machine does.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The message for machines without valgrind.
pub const ABSENT: &str = "no instructions are counted, as there is no valgrind here; on Debian and \
                          Ubuntu: apt install valgrind";

/// Whether instructions can be counted here.
pub fn is_present() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs this program again under callgrind. Returns the number of instructions of each call of
/// `function`, in order. Makes `folder`, and removes it afterwards.
pub fn instructions(function: &str, folder: &Path, arguments: &[&str]) -> Vec<u64> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    let run = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", folder.join("count").display()))
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--dump-after={function}"))
        .arg(env::current_exe().unwrap())
        .args(arguments)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    // The last file is of what follows the last call.
    let calls = (1..).map(|call| folder.join(format!("count.{call}"))).take_while(|f| f.exists());
    let counts = calls.map(|file| total(&fs::read_to_string(file).unwrap())).collect();
    fs::remove_dir_all(folder).unwrap();
    counts
}

fn total(report: &str) -> u64 {
    let line = report.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    line.trim().parse().unwrap()
}
