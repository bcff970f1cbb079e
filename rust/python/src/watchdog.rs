//! The watchdog: tells which handler holds the daemon up, and keeps replies from waiting behind it.
//!
//! The serving thread only counts up when a handler starts and ends. This thread looks at the
//! count now and then; an odd one that has not moved since the last look is a handler that has
//! been running all the while. It sleeps for good while nothing happens.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::channel::Channel;
use crate::descriptor::is_hung_up;
use crate::jobs::Jobs;
use crate::sync::lock;

/// How often the count is looked at. A reply can wait so long behind a handler that was quick
/// until now.
const TICK: Duration = Duration::from_millis(100);
/// How often jobs that wait are looked at while nothing else happens.
const SLOW_TICK: Duration = Duration::from_secs(1);
/// After so many ticks without a handler the thread sleeps until the next one.
const IDLE_TICKS: u32 = 20;

/// What the serving thread and the watchdog share.
#[derive(Default)]
pub struct Activity {
    /// Odd while a handler runs.
    count: AtomicU64,
    /// Which one: an index into `names`.
    running: AtomicUsize,
    names: Mutex<Vec<String>>,
    asleep: AtomicBool,
    closing: AtomicBool,
    deadline: Mutex<Option<Instant>>,
    thread: OnceLock<Thread>,
}

impl Activity {
    /// A name for the log; gives the index to start handlers with.
    pub fn register(&self, name: &str) -> usize {
        let mut names = lock(&self.names);
        names.push(name.to_owned());
        names.len() - 1
    }

    /// A handler starts. Only the serving thread counts.
    pub fn starts(&self, name: usize) {
        self.running.store(name, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::SeqCst);
        self.wake_if_asleep();
    }

    /// Something begins that the watchdog may have to speak of.
    pub fn wake_if_asleep(&self) {
        if self.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// The handler has ended.
    pub fn ends(&self) {
        let count = self.count.load(Ordering::Relaxed);
        self.count.store(count + 1, Ordering::Release);
    }

    /// A number that changes with each handler; nothing while one runs.
    pub fn idle_count(&self) -> Option<u64> {
        let count = self.count.load(Ordering::Relaxed);
        count.is_multiple_of(2).then_some(count)
    }

    /// The process must have ended after this time, or it is ended.
    pub fn must_end_within(&self, limit: Duration) {
        let mut deadline = lock(&self.deadline);
        deadline.get_or_insert_with(|| Instant::now() + limit);
        drop(deadline);
        self.wake();
    }

    /// Ends the watchdog.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn is_past_deadline(&self) -> bool {
        let deadline = lock(&self.deadline);
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn has_deadline(&self) -> bool {
        lock(&self.deadline).is_some()
    }

    /// The handler that runs, if one does.
    fn running(&self) -> Option<String> {
        if self.count.load(Ordering::SeqCst).is_multiple_of(2) {
            return None;
        }
        let names = lock(&self.names);
        names.get(self.running.load(Ordering::Relaxed)).cloned()
    }

    /// The handler that was running at that count, if it still does: it may have returned, and
    /// another one started, while it was being looked at.
    fn still_running(&self, count: u64) -> Option<String> {
        let name = self.running()?;
        (self.count.load(Ordering::SeqCst) == count).then_some(name)
    }
}

/// What the watchdog was told.
pub struct Orders {
    /// A handler that runs so long is named in the log, then again each time that has doubled.
    pub patience: Duration,
    /// So long a handler may go on when the daemon is gone.
    pub grace: Duration,
    /// The daemon's pipe, to see whether it is gone while a handler runs.
    pub input: OwnedFd,
    /// Whether the process is the plugin's own, to be ended with it.
    pub ends_process: bool,
}

/// Starts the watchdog.
pub fn watch(
    (activity, jobs): (Arc<Activity>, Arc<Jobs>),
    channel: Arc<Channel>,
    orders: Orders,
) -> std::io::Result<()> {
    let watched = Arc::clone(&activity);
    let handle = thread::Builder::new()
        .name("clnwire-watchdog".into())
        .spawn(move || Watchdog::new((watched, jobs), channel, orders).run())?;
    activity.thread.get_or_init(|| handle.thread().clone());
    Ok(())
}

struct Watchdog {
    activity: Arc<Activity>,
    jobs: Arc<Jobs>,
    channel: Arc<Channel>,
    orders: Orders,
    last: u64,
    since: Instant,
    idle_ticks: u32,
    next_warning: Duration,
}

impl Watchdog {
    fn new(
        (activity, jobs): (Arc<Activity>, Arc<Jobs>),
        channel: Arc<Channel>,
        orders: Orders,
    ) -> Self {
        let (since, next_warning) = (Instant::now(), orders.patience);
        Self { activity, jobs, channel, orders, last: 0, since, idle_ticks: 0, next_warning }
    }

    fn run(mut self) {
        while !self.activity.closing.load(Ordering::SeqCst) {
            self.sleep();
            if self.activity.is_past_deadline() {
                return self.give_up();
            }
            self.look();
        }
    }

    fn sleep(&self) {
        if self.idle_ticks < IDLE_TICKS || self.activity.has_deadline() {
            thread::park_timeout(TICK);
            return;
        }
        self.activity.asleep.store(true, Ordering::SeqCst);
        // A handler that started just before was not told that we sleep: look once more.
        if !self.jobs.is_idle() {
            thread::park_timeout(SLOW_TICK.min(self.orders.patience).max(TICK));
        } else if self.activity.count.load(Ordering::SeqCst) == self.last {
            thread::park();
        }
        self.activity.asleep.store(false, Ordering::SeqCst);
    }

    fn look(&mut self) {
        let count = self.activity.count.load(Ordering::SeqCst);
        let moved = count != self.last;
        if moved {
            self.last = count;
            self.since = Instant::now();
            self.next_warning = self.orders.patience;
        }
        let busy = count % 2 == 1;
        self.idle_ticks = if busy || moved { 0 } else { self.idle_ticks.saturating_add(1) };
        if busy && !moved {
            self.handler_is_slow();
        } else {
            self.look_at_jobs();
        }
    }

    /// Those that wait hold nobody up but who asked.
    fn look_at_jobs(&self) {
        let overdue = self.jobs.overdue(self.orders.patience);
        for job in &overdue {
            let (name, seconds) = (&job.name, job.age.as_secs_f64());
            self.channel.log("info", &format!("{name}: still waiting after {seconds:.1} s"));
        }
        if !overdue.is_empty() {
            self.channel.flush_without_waiting();
        }
    }

    fn handler_is_slow(&mut self) {
        if is_hung_up(self.orders.input.as_fd()) {
            self.activity.must_end_within(self.orders.grace);
        }
        let running = self.since.elapsed();
        if running >= self.next_warning
            && let Some(name) = self.activity.still_running(self.last)
        {
            self.next_warning = running * 2;
            let seconds = running.as_secs_f64();
            self.channel.log(
                "warn",
                &format!("{name}: has not returned for {seconds:.1} s and holds up the daemon"),
            );
        }
        self.channel.flush_without_waiting();
    }

    /// The handler that runs, or one that waits; at the end, when there is none, it is the plugin's
    /// own farewell.
    fn running(&self) -> String {
        let running = self.activity.running();
        running
            .or_else(|| self.jobs.oldest().map(|name| name.to_string()))
            .unwrap_or_else(|| "on_shutdown".into())
    }

    /// The handler, or `on_shutdown`, does not come back: end without it. Nothing it was asked
    /// counts as answered. A process that is others' too goes on.
    fn give_up(&self) {
        let name = self.running();
        let text = format!("{name}: did not end in time at shutdown; giving up");
        // Whoever read stderr may be gone as well.
        let _ = writeln!(std::io::stderr(), "clnwire: {text}");
        self.channel.log("error", &text);
        self.channel.flush_without_waiting();
        if self.orders.ends_process {
            std::process::exit(1);
        }
    }
}
