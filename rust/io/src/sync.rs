//! Locks that outlive a panic, and the atomics. Built with `--cfg loom`, all of them are loom's,
//! which runs a test in every order of its threads' steps.

#[cfg(loom)]
pub use loom::{
    sync::{Arc, Mutex, MutexGuard, atomic},
    thread,
};
#[cfg(not(loom))]
pub use std::{
    sync::{Arc, Mutex, MutexGuard, atomic},
    thread,
};

use std::sync::PoisonError;

/// Locks it, also after a panic of a thread that held it: what our locks guard is valid after
/// every step.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
