//! The count of handlers that start and end: all that the serving thread and the watchdog share.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, lock, thread::Thread};

/// What the serving thread and the watchdog share.
#[derive(Default)]
pub struct Activity {
    /// Odd while a handler runs. Only the serving thread changes its value.
    count: AtomicU64,
    /// The handler that runs: an index into `names`.
    running: AtomicUsize,
    names: Mutex<Vec<String>>,
    asleep: AtomicBool,
    closing: AtomicBool,
    deadline: Mutex<Option<Instant>>,
    thread: OnceLock<Thread>,
}

impl Activity {
    /// Adds a handler's name, for the log. Returns the index to start the handler with.
    pub fn register(&self, name: &str) -> usize {
        let mut names = lock(&self.names);
        names.push(name.to_owned());
        names.len() - 1
    }

    /// A handler starts. For the serving thread only.
    #[inline]
    pub fn starts(&self, name: usize) {
        // Release: whoever reads this name also reads the count of the handler's start at least as
        // new as the end of the one before, so a name never passes for an older handler's.
        self.running.store(name, Ordering::Release);
        // AcqRel: Release publishes the name. Acquire pairs with `is_still`: if the watchdog's check
        // came first, its `asleep` is seen below.
        self.count.fetch_add(1, Ordering::AcqRel);
        self.wake_if_asleep();
    }

    /// Wakes the watchdog if it sleeps: there is something for it to watch.
    #[inline]
    pub fn wake_if_asleep(&self) {
        // Relaxed: what comes before it gives the order, in `starts` the count and for a job the
        // lock of the table of jobs, which the watchdog takes after it has set this.
        if self.asleep.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// The handler has ended. For the serving thread only.
    #[inline]
    pub fn ends(&self) {
        // Relaxed: this thread alone changes the value.
        let count = self.count.load(Ordering::Relaxed);
        // Relaxed: it publishes nothing; `running` publishes it with the next start.
        self.count.store(count + 1, Ordering::Relaxed);
    }

    /// A number that changes with each handler; `None` while one runs.
    pub fn idle_count(&self) -> Option<u64> {
        // Relaxed: the caller compares it with itself, again and again.
        let count = self.count.load(Ordering::Relaxed);
        count.is_multiple_of(2).then_some(count)
    }

    /// The process must end within `limit` from the first call on, or the watchdog ends it.
    pub fn set_shutdown_deadline(&self, limit: Duration) {
        let mut deadline = lock(&self.deadline);
        deadline.get_or_insert_with(|| Instant::now() + limit);
        drop(deadline);
        self.wake();
    }

    /// Ends the watchdog.
    pub fn close(&self) {
        // Relaxed: `unpark` comes after it, and the watchdog looks after each `park`.
        self.closing.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Whether the watchdog is to end.
    pub fn is_closing(&self) -> bool {
        // Relaxed: see `close`.
        self.closing.load(Ordering::Relaxed)
    }

    /// The thread to wake, set once before handlers start.
    pub fn set_watchdog(&self, thread: Thread) {
        self.thread.get_or_init(|| thread);
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Whether the process should have ended by now.
    pub fn is_past_deadline(&self) -> bool {
        let deadline = lock(&self.deadline);
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether the process is about to end.
    pub fn has_deadline(&self) -> bool {
        lock(&self.deadline).is_some()
    }

    /// How many handlers have started and ended; odd while one runs.
    pub fn count(&self) -> u64 {
        // Acquire: the name of the handler that has made the count odd can be read.
        self.count.load(Ordering::Acquire)
    }

    /// The watchdog is about to sleep: from now on a handler that starts wakes it. It must not
    /// sleep unless `is_still` afterwards.
    pub fn begin_sleep(&self) {
        // Relaxed: `is_still` publishes it.
        self.asleep.store(true, Ordering::Relaxed);
    }

    /// Whether no handler has started since the count was `last`. If so, the next one that starts
    /// sees that the watchdog sleeps.
    pub fn is_still(&self, last: u64) -> bool {
        // AcqRel: a read-modify-write that changes nothing has a place in the order of all changes
        // of the count. If the next start comes after it, its `fetch_add` reads from here, and so
        // sees `asleep`. If it came before, this reads the changed count.
        self.count.fetch_add(0, Ordering::AcqRel) == last
    }

    /// The watchdog is awake again.
    pub fn end_sleep(&self) {
        // Relaxed: a handler that reads an old value wakes the watchdog once more.
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// The handler that runs, if one does.
    pub fn running(&self) -> Option<String> {
        self.name_at(self.count())
    }

    /// The handler that was running at that count, if it still is: it may have returned, and
    /// another one started, since the count was read.
    pub fn still_running(&self, count: u64) -> Option<String> {
        let name = self.name_at(count)?;
        (self.count() == count).then_some(name)
    }

    fn name_at(&self, count: u64) -> Option<String> {
        if count.is_multiple_of(2) {
            return None;
        }
        // Acquire: pairs with `starts`, so that a name of a later handler is not taken for this
        // one's: the count that is read after it has moved.
        let running = self.running.load(Ordering::Acquire);
        lock(&self.names).get(running).cloned()
    }
}
