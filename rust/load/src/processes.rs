//! The plugin's process group: its process and those that it started.
//!
//! A plugin may be a shell script, or run by a launcher such as `uv run`, so its processor time and
//! memory are those of all its processes.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// A process group, named by the process that leads it.
#[derive(Clone, Copy)]
pub struct Group {
    leader: Pid,
}

impl Group {
    /// The group of a process that was started as its leader.
    pub fn of(leader: u32) -> Option<Self> {
        Pid::from_raw(leader.cast_signed()).map(|leader| Self { leader })
    }

    pub fn kill(self) {
        // It fails if all have ended, and then no signal is needed.
        let _ = kill_process_group(self.leader, Signal::KILL);
    }

    /// The group's present processes.
    pub fn members(self) -> Vec<i32> {
        let wanted = self.leader.as_raw_nonzero().get();
        let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        folders
            .filter_map(|folder| folder.file_name().to_str()?.parse().ok())
            .filter(|pid| group_of(*pid) == Some(wanted))
            .collect()
    }

    /// The processor time that all their threads have used.
    pub fn processor_time(self) -> Duration {
        time_of(&self.members())
    }

    /// The sum of their peak memory, in kB.
    pub fn peak_memory(self) -> u64 {
        self.members().into_iter().map(peak_memory).sum()
    }
}

/// The processor time that these processes have used.
pub fn time_of(pids: &[i32]) -> Duration {
    pids.iter().copied().map(processor_time).sum()
}

/// The process group. In `stat` the state, the parent and the group follow the name, which may
/// contain any character.
fn group_of(pid: i32) -> Option<i32> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    line.rsplit_once(')')?.1.split_ascii_whitespace().nth(2)?.parse().ok()
}

fn peak_memory(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Read from the process's own clock, since `/proc` has hundredths of a second only.
#[allow(unsafe_code)]
fn processor_time(pid: i32) -> Duration {
    /// `CPUCLOCK_SCHED`; the kernel numbers these clocks `(~pid << 3) | CPUCLOCK_SCHED`.
    const SCHEDULED: libc::clockid_t = 2;
    let clock = (!pid << 3) | SCHEDULED;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: The call writes to `time` only. For an invalid clock it fails and leaves `time` as it
    // is.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let pid = std::process::id().cast_signed();
        let before = processor_time(pid);
        let mut sum = 0_u64;
        while processor_time(pid) < before + Duration::from_millis(2) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(peak_memory(pid) > 500);
        assert!(group_of(pid).is_some_and(|group| group > 0));
    }

    #[test]
    fn nothing_is_known_of_what_is_not_there() {
        // Above the highest pid of any kernel.
        let nobody = 1 << 25;
        assert!(group_of(nobody).is_none());
        assert_eq!((processor_time(nobody), peak_memory(nobody)), (Duration::ZERO, 0));
    }
}
