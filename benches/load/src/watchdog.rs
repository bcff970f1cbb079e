//! Ends a plugin that has been silent for too long, so that a read of its output returns.
//!
//! A thread that sleeps costs the measured round trips nothing; a wait with a limit of its own
//! would cost each of them a system call.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone)]
pub struct Watchdog {
    shared: Arc<Shared>,
}

struct Shared {
    /// How often the plugin was heard.
    heard: AtomicU64,
    bit: AtomicBool,
    /// The process, as long as its id is its own.
    process: Mutex<Option<libc::pid_t>>,
}

impl Watchdog {
    pub fn watch(process: u32, patience: Duration) -> Self {
        let shared = Arc::new(Shared {
            heard: AtomicU64::new(0),
            bit: AtomicBool::new(false),
            process: Mutex::new(Some(process.cast_signed())),
        });
        let watched = Arc::clone(&shared);
        std::thread::spawn(move || while watched.look(patience) {});
        Self { shared }
    }

    pub fn hear(&self) {
        self.shared.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether it has ended the plugin.
    pub fn has_bitten(&self) -> bool {
        self.shared.bit.load(Ordering::Relaxed)
    }

    /// From now on the process may be waited for.
    pub fn call_off(&self) {
        if let Ok(mut process) = self.shared.process.lock() {
            *process = None;
        }
    }
}

impl Shared {
    /// Waits for a sign; gives whether to go on.
    fn look(&self, patience: Duration) -> bool {
        let before = self.heard.load(Ordering::Relaxed);
        std::thread::sleep(patience);
        let Ok(process) = self.process.lock() else { return false };
        match *process {
            Some(process) if self.heard.load(Ordering::Relaxed) == before => {
                self.bit.store(true, Ordering::Relaxed);
                // SAFETY: it only sends a signal; nobody has waited for the process yet, so that
                // its id has not been given to another.
                unsafe { libc::kill(process, libc::SIGKILL) };
                false
            }
            Some(_) => true,
            None => false,
        }
    }
}
