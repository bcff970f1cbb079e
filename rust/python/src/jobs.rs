//! Which handlers are at work in tasks and threads, and which wait for their turn.
//!
//! The count of both is what reading pauses for, so that memory stays bounded. Those of one topic
//! and handler share a lane: the next one starts when the one before is done.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use rustc_hash::FxHashMap;

use crate::job::Job;
use crate::sync::lock;

/// A topic, and the handler's index in the watchdog's list.
pub type Lane = (Arc<str>, usize);

/// Handlers that wait for the daemon's commands do not stop the reading, up to so many: each has a
/// connection of its own, with a buffer of 64 kB.
const MOST_WAITING: usize = 2048;

/// Messages that queue behind such handlers do not stop it either, up to so many bytes.
const MOST_QUEUED_BYTES: usize = 64 << 20;

/// What a job takes beside its params, in bytes: a generous guess.
const BYTES_A_JOB: usize = 1024;

#[derive(Default)]
pub struct Jobs {
    table: Mutex<Table>,
    /// Those at work and those in lanes.
    count: AtomicUsize,
    /// Those that wait for one of the daemon's commands.
    waiting: AtomicUsize,
    queue: Arc<Queue>,
    limit: AtomicUsize,
}

/// The jobs whose handlers have not begun.
///
/// Each number is only compared with a limit, or with 0 by the thread that has changed it last: so
/// no order is needed.
#[derive(Default)]
struct Queue {
    jobs: AtomicUsize,
    bytes: AtomicUsize,
    /// Those that plain handlers whose messages came later must not overtake.
    ahead: AtomicUsize,
}

/// A job's place in the queue, until its handler begins.
pub struct Queued {
    queue: Arc<Queue>,
    bytes: usize,
    is_ahead: bool,
}

impl Queued {
    pub fn keep_ahead(&mut self) {
        if !self.is_ahead {
            self.is_ahead = true;
            self.queue.ahead.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.queue.jobs.fetch_sub(1, Ordering::Relaxed);
        self.queue.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.is_ahead {
            self.queue.ahead.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[derive(Default)]
struct Table {
    at_work: FxHashMap<u64, Work>,
    /// A lane is there while one of its jobs is at work.
    lanes: FxHashMap<Lane, VecDeque<Py<Job>>>,
    numbers: u64,
}

struct Work {
    name: Arc<str>,
    since: Instant,
    /// When to say that it is not done; nothing until the first look.
    next_warning: Option<Duration>,
    /// The task, for nobody else keeps it, and it may have to be cancelled.
    task: Option<Py<PyAny>>,
    /// How many of the daemon's commands it waits for.
    calls: usize,
}

/// A handler that is not done for a long time.
pub struct Overdue {
    pub name: Arc<str>,
    pub age: Duration,
}

impl Jobs {
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Whether there is no room for one more.
    pub fn is_full(&self) -> bool {
        let (count, limit) = (self.count(), self.limit.load(Ordering::Relaxed));
        count >= limit && self.is_really_full(count, limit)
    }

    /// While handlers wait for the daemon, it may first need an answer to a message that has not
    /// been read yet. So, within bounds, neither they nor jobs that queue count.
    #[cold]
    fn is_really_full(&self, count: usize, limit: usize) -> bool {
        let waiting = self.waiting.load(Ordering::SeqCst);
        let queued = self.queue.jobs.load(Ordering::Relaxed);
        waiting == 0
            || waiting >= MOST_WAITING
            || count.saturating_sub(waiting + queued) >= limit
            || self.queue.bytes.load(Ordering::Relaxed) >= MOST_QUEUED_BYTES
    }

    /// Whether a plain handler would overtake a job that came before.
    pub fn has_ahead(&self) -> bool {
        self.queue.ahead.load(Ordering::Relaxed) > 0
    }

    /// A place in the queue, for a job with so many bytes of params.
    pub fn queued(&self, bytes: usize) -> Queued {
        let queue = Arc::clone(&self.queue);
        let bytes = bytes + BYTES_A_JOB;
        queue.jobs.fetch_add(1, Ordering::Relaxed);
        queue.bytes.fetch_add(bytes, Ordering::Relaxed);
        Queued { queue, bytes, is_ahead: false }
    }

    /// The job of this number waits for one of the daemon's commands from now on.
    pub fn begin_call(&self, number: u64) {
        if let Some(work) = lock(&self.table).at_work.get_mut(&number) {
            work.calls += 1;
            if work.calls == 1 {
                self.waiting.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// It waits no more. A call that its handler has left to a task may end after the job.
    pub fn end_call(&self, number: u64) {
        if let Some(work) = lock(&self.table).at_work.get_mut(&number)
            && work.calls > 0
        {
            work.calls -= 1;
            if work.calls == 0 {
                self.waiting.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }

    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// A number for a new job.
    pub fn number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::SeqCst);
        let mut table = lock(&self.table);
        table.numbers += 1;
        table.numbers
    }

    /// The job, if it may start now; otherwise it waits in its lane.
    pub fn admit(&self, job: Py<Job>) -> Option<Py<Job>> {
        let mut table = lock(&self.table);
        if let Some(lane) = &job.get().lane {
            if let Some(waiting) = table.lanes.get_mut(lane) {
                waiting.push_back(job);
                return None;
            }
            table.lanes.insert(lane.clone(), VecDeque::new());
        }
        table.enter(job.get());
        Some(job)
    }

    /// The task that a job became.
    pub fn set_task(&self, job: &Job, task: Py<PyAny>) {
        if let Some(work) = lock(&self.table).at_work.get_mut(&job.number) {
            work.task = Some(task);
        }
    }

    /// The job is done, if it was at work. Gives the next one of its lane, if that goes on.
    pub fn leave(&self, job: &Job, goes_on: bool) -> Option<Py<Job>> {
        let mut table = lock(&self.table);
        let done = table.at_work.remove(&job.number)?;
        if done.calls > 0 {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        let (next, dropped) = table.advance(job, goes_on);
        drop(table);
        self.count.fetch_sub(1 + dropped.len(), Ordering::SeqCst);
        // What Python runs when these go may come back here: the table is free by now.
        drop((done, dropped));
        next
    }

    /// The tasks that are not done.
    pub fn tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let table = lock(&self.table);
        let tasks = table.at_work.values().filter_map(|work| work.task.as_ref());
        tasks.map(|task| task.clone_ref(py)).collect()
    }

    /// Whether nothing is at work.
    pub fn is_idle(&self) -> bool {
        lock(&self.table).at_work.is_empty()
    }

    /// One that has been at work the longest.
    pub fn oldest(&self) -> Option<Arc<str>> {
        let table = lock(&self.table);
        table.at_work.values().min_by_key(|work| work.since).map(|work| Arc::clone(&work.name))
    }

    /// Those that have been at work for `patience`, then again each time that has doubled.
    pub fn overdue(&self, patience: Duration) -> Vec<Overdue> {
        let mut table = lock(&self.table);
        let mut overdue = Vec::new();
        for work in table.at_work.values_mut() {
            let age = work.since.elapsed();
            if age >= *work.next_warning.get_or_insert(patience) {
                work.next_warning = Some(age * 2);
                overdue.push(Overdue { name: Arc::clone(&work.name), age });
            }
        }
        overdue
    }
}

impl Table {
    fn enter(&mut self, job: &Job) {
        let name = Arc::clone(&job.entry.name);
        let work = Work { name, since: Instant::now(), next_warning: None, task: None, calls: 0 };
        self.at_work.insert(job.number, work);
    }

    /// The next job of the lane, or those that never come to their turn.
    fn advance(&mut self, job: &Job, goes_on: bool) -> (Option<Py<Job>>, VecDeque<Py<Job>>) {
        let Some(lane) = &job.lane else { return (None, VecDeque::new()) };
        if goes_on
            && let Some(waiting) = self.lanes.get_mut(lane)
            && let Some(next) = waiting.pop_front()
        {
            self.enter(next.get());
            return (Some(next), VecDeque::new());
        }
        (None, self.lanes.remove(lane).unwrap_or_default())
    }
}
