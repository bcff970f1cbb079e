//! Ends a plugin that has been silent for too long, so that a read of its output returns.
//!
//! A sleeping thread costs the measured round trips nothing. A time-out for each read would cost a
//! system call a round trip.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::processes::Group;

#[derive(Clone)]
pub struct Watchdog {
    shared: Arc<Shared>,
}

struct Shared {
    /// The number of the plugin's signs of life.
    heard: AtomicU64,
    bit: AtomicBool,
    /// The plugin; `None` once its process id may belong to another process.
    plugin: Mutex<Option<Group>>,
}

impl Watchdog {
    pub fn watch(plugin: Group, patience: Duration) -> Self {
        let shared = Arc::new(Shared {
            heard: AtomicU64::new(0),
            bit: AtomicBool::new(false),
            plugin: Mutex::new(Some(plugin)),
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

    /// To be called before waiting for the process, whose id is free afterwards.
    pub fn call_off(&self) {
        if let Ok(mut plugin) = self.shared.plugin.lock() {
            *plugin = None;
        }
    }
}

impl Shared {
    /// Waits for a sign of life. Returns whether to go on.
    fn look(&self, patience: Duration) -> bool {
        let before = self.heard.load(Ordering::Relaxed);
        std::thread::sleep(patience);
        let Ok(plugin) = self.plugin.lock() else { return false };
        match *plugin {
            Some(plugin) if self.heard.load(Ordering::Relaxed) == before => {
                self.bit.store(true, Ordering::Relaxed);
                // The process has not been waited for, so no other process has its id.
                plugin.kill();
                false
            }
            Some(_) => true,
            None => false,
        }
    }
}
