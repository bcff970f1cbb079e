//! Which handlers are at work in tasks and threads, and which messages wait for their turn.
//!
//! Reading pauses when there are too many of both, which bounds memory. Jobs of one topic and
//! handler share a lane: the next one starts when the one before is done.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use crate::sync::{Arc, Mutex, lock};

/// A topic, and the handler's index in the watchdog's list.
pub type Lane = (std::sync::Arc<str>, usize);

/// Handlers that wait for the daemon's commands do not stop the reading, up to this many: each has
/// a connection of its own, with a buffer of 64 kB.
const MAX_WAITING: usize = 2048;

/// Nor do messages that queue behind such handlers, up to this many bytes.
const MAX_QUEUED_BYTES: usize = 64 << 20;

/// What a job takes beside its params, in bytes: a generous estimate.
const JOB_BYTES: usize = 1024;

/// A message for a handler that runs in a task or a thread.
pub trait Job {
    /// What a job becomes when it has started.
    type Task;

    /// Its number among all jobs, from [`Jobs::reserve`].
    fn number(&self) -> u64;

    /// Its lane; `None` if it may run beside any other.
    fn lane(&self) -> Option<&Lane>;

    /// Its handler's name, for the log.
    fn name(&self) -> &std::sync::Arc<str>;
}

/// The jobs of one driver.
pub struct Jobs<J: Job> {
    table: Mutex<Table<J>>,
    /// Jobs at work, jobs in lanes, and numbers that are reserved.
    count: AtomicUsize,
    /// Jobs that wait for one of the daemon's commands.
    waiting: AtomicUsize,
    queue: Arc<Queue>,
    limit: AtomicUsize,
    /// A thread waits for jobs to end.
    awaited: AtomicBool,
}

/// The jobs whose handlers have not begun.
#[derive(Default)]
struct Queue {
    jobs: AtomicUsize,
    bytes: AtomicUsize,
    /// Jobs that plain handlers of later messages must not overtake.
    ahead: AtomicUsize,
}

/// A job's place in the queue, until its handler begins.
pub struct Queued {
    queue: Arc<Queue>,
    bytes: usize,
    is_ahead: bool,
}

impl Queued {
    /// From now on plain handlers of later messages wait until this job has begun.
    pub fn keep_ahead(&mut self) {
        if !self.is_ahead {
            self.is_ahead = true;
            // Relaxed: only the event loop's thread, which does this, compares it.
            self.queue.ahead.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        // Relaxed: a count for a comparison with a limit, which other memory does not depend on.
        self.queue.jobs.fetch_sub(1, Ordering::Relaxed);
        // Relaxed: likewise.
        self.queue.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.is_ahead {
            // Relaxed: see `keep_ahead`.
            self.queue.ahead.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

struct Table<J: Job> {
    at_work: FxHashMap<u64, Work<J::Task>>,
    /// A lane exists while one of its jobs is at work.
    lanes: FxHashMap<Lane, VecDeque<J>>,
    numbers: u64,
}

struct Work<T> {
    name: std::sync::Arc<str>,
    since: Instant,
    /// The age at which to log that it is not done; `None` until the first look.
    next_warning: Option<Duration>,
    /// Nothing else keeps the task alive, and it may have to be cancelled.
    task: Option<T>,
    /// How many of the daemon's commands it waits for.
    calls: usize,
}

/// A job that has been at work for a long time.
pub struct Overdue {
    /// Its handler's name.
    pub name: std::sync::Arc<str>,
    /// How long it has been at work.
    pub age: Duration,
}

impl<J: Job> Default for Jobs<J> {
    fn default() -> Self {
        let table =
            Table { at_work: FxHashMap::default(), lanes: FxHashMap::default(), numbers: 0 };
        Self {
            table: Mutex::new(table),
            count: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            queue: Arc::default(),
            limit: AtomicUsize::new(0),
            awaited: AtomicBool::new(false),
        }
    }
}

impl<J: Job> Jobs<J> {
    /// How many jobs there may be at once.
    pub fn set_limit(&self, limit: usize) {
        // Relaxed: set once, before the serving thread reads it.
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Whether there is no room for one more.
    #[inline]
    pub fn is_full(&self) -> bool {
        // Relaxed: see `set_limit`.
        let (count, limit) = (self.count(), self.limit.load(Ordering::Relaxed));
        count >= limit && self.is_really_full(count, limit)
    }

    /// While handlers wait for the daemon, the daemon may first need an answer to a message that
    /// has not been read yet. So, within bounds, neither they nor jobs that queue count.
    #[cold]
    fn is_really_full(&self, count: usize, limit: usize) -> bool {
        // Relaxed: the waiter looks again when it is woken; see `set_awaited`.
        let waiting = self.waiting.load(Ordering::Relaxed);
        // Relaxed: a count for a comparison with a limit.
        let queued = self.queue.jobs.load(Ordering::Relaxed);
        waiting == 0
            || waiting >= MAX_WAITING
            || count.saturating_sub(waiting + queued) >= limit
            // Relaxed: likewise.
            || self.queue.bytes.load(Ordering::Relaxed) >= MAX_QUEUED_BYTES
    }

    /// What has reached its bound, if the reading pauses although handlers wait for the daemon: it
    /// may wait itself for the answer to a message that has not been read.
    #[cold]
    pub fn reached_bound(&self) -> Option<String> {
        // Relaxed: as in `is_really_full`; this is for the log.
        let (count, limit) = (self.count(), self.limit.load(Ordering::Relaxed));
        let waiting = self.waiting.load(Ordering::Relaxed);
        let queued = self.queue.jobs.load(Ordering::Relaxed);
        if waiting == 0 || count.saturating_sub(waiting + queued) >= limit {
            return None;
        }
        if waiting >= MAX_WAITING {
            return Some(format!("{waiting} handlers wait for the daemon's commands"));
        }
        // Relaxed: likewise.
        let bytes = self.queue.bytes.load(Ordering::Relaxed);
        (bytes >= MAX_QUEUED_BYTES).then(|| {
            format!(
                "{queued} messages of {bytes} bytes queue behind handlers that wait for the daemon's commands"
            )
        })
    }

    /// Whether a plain handler would overtake a job of an earlier message.
    #[inline]
    pub fn has_ahead(&self) -> bool {
        // Relaxed: the event loop's thread has made the last increment itself, and a decrement
        // that is seen late only delays a plain handler.
        self.queue.ahead.load(Ordering::Relaxed) > 0
    }

    /// Takes a place in the queue for a job with this many bytes of params.
    pub fn queued(&self, bytes: usize) -> Queued {
        let bytes = bytes + JOB_BYTES;
        // Relaxed: a count for a comparison with a limit.
        self.queue.jobs.fetch_add(1, Ordering::Relaxed);
        // Relaxed: likewise.
        self.queue.bytes.fetch_add(bytes, Ordering::Relaxed);
        Queued { queue: Arc::clone(&self.queue), bytes, is_ahead: false }
    }

    /// The job of this number waits for one of the daemon's commands.
    pub fn begin_call(&self, number: u64) {
        if let Some(work) = lock(&self.table).at_work.get_mut(&number) {
            work.calls += 1;
            if work.calls == 1 {
                // Relaxed: the fence in `is_awaited` gives the order for a waiter.
                self.waiting.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// It has its answer. A call that the handler left to a task may end after the job.
    pub fn end_call(&self, number: u64) {
        if let Some(work) = lock(&self.table).at_work.get_mut(&number)
            && work.calls > 0
        {
            work.calls -= 1;
            if work.calls == 0 {
                // Relaxed: nobody waits for it to become less.
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// How many jobs there are, in lanes as well.
    #[inline]
    pub fn count(&self) -> usize {
        // Acquire: what a job did before it left is seen by the thread that finds it gone.
        self.count.load(Ordering::Acquire)
    }

    /// Counts a new job, and returns its number.
    pub fn reserve(&self) -> u64 {
        // Relaxed: only the serving thread adds, and it is the one that compares.
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut table = lock(&self.table);
        table.numbers += 1;
        table.numbers
    }

    /// The job, if it may start now. Otherwise it waits in its lane.
    pub fn admit(&self, job: J) -> Option<J> {
        let mut table = lock(&self.table);
        if let Some(lane) = job.lane() {
            if let Some(waiting) = table.lanes.get_mut(lane) {
                waiting.push_back(job);
                return None;
            }
            table.lanes.insert(lane.clone(), VecDeque::new());
        }
        table.enter(&job);
        Some(job)
    }

    /// Keeps the task that the job of this number became, if it is still at work.
    pub fn set_task(&self, number: u64, task: J::Task) {
        if let Some(work) = lock(&self.table).at_work.get_mut(&number) {
            work.task = Some(task);
        }
    }

    /// The job of this number and lane is done, if it was at work. Returns the next job of the lane,
    /// or drops those that wait in it unless `should_continue`.
    pub fn leave(&self, number: u64, lane: Option<&Lane>, should_continue: bool) -> Option<J> {
        let mut table = lock(&self.table);
        let done = table.at_work.remove(&number)?;
        if done.calls > 0 {
            // Relaxed: nobody waits for it to become less.
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        let (next, dropped) = table.advance(lane, should_continue);
        drop(table);
        // Release: see `count`.
        self.count.fetch_sub(1 + dropped.len(), Ordering::Release);
        // Dropping a task may run code that comes back here, so the table is released before.
        drop((done, dropped));
        next
    }

    /// Says whether a thread waits until jobs end, or until they wait for the daemon. To be called
    /// before that thread looks at the counts for the last time before it waits.
    pub fn set_awaited(&self, is_awaited: bool) {
        // Relaxed: the fence gives the order.
        self.awaited.store(is_awaited, Ordering::Relaxed);
        // SeqCst: of this fence and the one in `is_awaited` one comes first. Either this thread
        // reads the changed count, or the other one reads that it has to be woken.
        fence(Ordering::SeqCst);
    }

    /// Whether a thread has to be woken. To be called after a change of the counts.
    pub fn is_awaited(&self) -> bool {
        // SeqCst: see `set_awaited`.
        fence(Ordering::SeqCst);
        // Relaxed: the fence gives the order.
        self.awaited.load(Ordering::Relaxed)
    }

    /// What `get` returns for the task of each job that is not done. It runs under the lock, so it
    /// must not come back here.
    pub fn tasks<T>(&self, get: impl FnMut(&J::Task) -> T) -> Vec<T> {
        let table = lock(&self.table);
        table.at_work.values().filter_map(|work| work.task.as_ref()).map(get).collect()
    }

    /// Whether no job is at work.
    pub fn is_idle(&self) -> bool {
        lock(&self.table).at_work.is_empty()
    }

    /// The handler of the job that has been at work the longest.
    pub fn oldest(&self) -> Option<std::sync::Arc<str>> {
        let table = lock(&self.table);
        let oldest = table.at_work.values().min_by_key(|work| work.since);
        oldest.map(|work| std::sync::Arc::clone(&work.name))
    }

    /// The jobs that have been at work for `patience`, and again each time that has doubled.
    pub fn overdue(&self, patience: Duration) -> Vec<Overdue> {
        let mut table = lock(&self.table);
        let mut overdue = Vec::new();
        for work in table.at_work.values_mut() {
            let age = work.since.elapsed();
            if age >= *work.next_warning.get_or_insert(patience) {
                work.next_warning = Some(age * 2);
                overdue.push(Overdue { name: std::sync::Arc::clone(&work.name), age });
            }
        }
        overdue
    }
}

impl<J: Job> Table<J> {
    fn enter(&mut self, job: &J) {
        let name = std::sync::Arc::clone(job.name());
        let work = Work { name, since: Instant::now(), next_warning: None, task: None, calls: 0 };
        self.at_work.insert(job.number(), work);
    }

    /// The next job of the lane, or the jobs that will never start.
    fn advance(&mut self, lane: Option<&Lane>, should_continue: bool) -> (Option<J>, VecDeque<J>) {
        let Some(lane) = lane else { return (None, VecDeque::new()) };
        if should_continue
            && let Some(waiting) = self.lanes.get_mut(lane)
            && let Some(next) = waiting.pop_front()
        {
            self.enter(&next);
            return (Some(next), VecDeque::new());
        }
        (None, self.lanes.remove(lane).unwrap_or_default())
    }
}
