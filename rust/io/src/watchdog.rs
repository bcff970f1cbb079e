//! The watchdog: names the handler that holds the daemon up, and writes replies that wait for it.
//!
//! The serving thread only increments a count when a handler starts and ends. This thread reads the
//! count ten times a second: an odd one that has not moved since the last look is a handler that
//! has been running all the while. It sleeps without a time-out while nothing happens.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::activity::Activity;
use crate::channel::Channel;
use crate::descriptor::is_hung_up;
use crate::jobs::{Job, Jobs};
use crate::sync::{Arc, thread};

/// How often the count is read. A reply waits at most this long for a handler that was quick
/// before.
const TICK: Duration = Duration::from_millis(100);
/// How often jobs are looked at while nothing else happens.
const SLOW_TICK: Duration = Duration::from_secs(1);
/// After this many ticks without a handler the thread sleeps until the next one starts.
const IDLE_TICKS: u32 = 20;

/// How the watchdog is to act.
pub struct WatchdogConfig {
    /// A handler that runs this long is named in the log, and again each time that has doubled.
    pub patience: Duration,
    /// How long a handler may go on after the daemon has hung up.
    pub grace: Duration,
    /// The pipe from the daemon, to notice during a handler that it hangs up.
    pub input: OwnedFd,
    /// Whether the process is the plugin's own, and ends with it.
    pub ends_process: bool,
}

/// Starts the watchdog.
///
/// # Errors
///
/// If the thread cannot be started.
pub fn watch<J: Job + Send + 'static>(
    (activity, jobs): (Arc<Activity>, Arc<Jobs<J>>),
    channel: Arc<Channel>,
    config: WatchdogConfig,
) -> std::io::Result<()>
where
    J::Task: Send,
{
    let watched = Arc::clone(&activity);
    let handle = thread::Builder::new()
        .name("clnwire-watchdog".into())
        .spawn(move || Watchdog::new((watched, jobs), channel, config).run())?;
    activity.set_watchdog(handle.thread().clone());
    Ok(())
}

struct Watchdog<J: Job> {
    activity: Arc<Activity>,
    jobs: Arc<Jobs<J>>,
    channel: Arc<Channel>,
    config: WatchdogConfig,
    /// The count at the last look, and when it was first seen.
    last: u64,
    since: Instant,
    idle_ticks: u32,
    next_warning: Duration,
}

impl<J: Job> Watchdog<J> {
    fn new(
        (activity, jobs): (Arc<Activity>, Arc<Jobs<J>>),
        channel: Arc<Channel>,
        config: WatchdogConfig,
    ) -> Self {
        let (since, next_warning) = (Instant::now(), config.patience);
        Self { activity, jobs, channel, config, last: 0, since, idle_ticks: 0, next_warning }
    }

    fn run(mut self) {
        while !self.activity.is_closing() {
            self.sleep();
            if self.activity.is_past_deadline() {
                return self.give_up();
            }
            self.look();
        }
    }

    fn sleep(&self) {
        if self.idle_ticks < IDLE_TICKS || self.activity.has_deadline() {
            pause(TICK);
            return;
        }
        self.activity.begin_sleep();
        if !self.jobs.is_idle() {
            pause(SLOW_TICK.min(self.config.patience).max(TICK));
        } else if self.activity.is_still(self.last) {
            thread::park();
        }
        self.activity.end_sleep();
    }

    fn look(&mut self) {
        let count = self.activity.count();
        let moved = count != self.last;
        if moved {
            self.last = count;
            self.since = Instant::now();
            self.next_warning = self.config.patience;
        }
        let busy = count % 2 == 1;
        self.idle_ticks = if busy || moved { 0 } else { self.idle_ticks.saturating_add(1) };
        if busy && !moved {
            self.handler_is_slow();
        } else {
            self.look_at_jobs();
        }
    }

    /// A waiting job delays only its own caller, so it is logged at "info".
    fn look_at_jobs(&self) {
        let overdue = self.jobs.overdue(self.config.patience);
        for job in &overdue {
            let (name, seconds) = (&job.name, job.age.as_secs_f64());
            self.channel.log("info", &format!("{name}: still waiting after {seconds:.1} s"));
        }
        if !overdue.is_empty() {
            self.channel.flush_without_waiting();
        }
    }

    fn handler_is_slow(&mut self) {
        if is_hung_up(self.config.input.as_fd()) {
            self.activity.set_shutdown_deadline(self.config.grace);
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

    /// The handler that runs, or else the oldest job. If there is neither, the plugin is in its
    /// `on_shutdown` functions.
    fn running(&self) -> String {
        let running = self.activity.running();
        running
            .or_else(|| self.jobs.oldest().map(|name| name.to_string()))
            .unwrap_or_else(|| "on_shutdown".into())
    }

    /// A handler or `on_shutdown` has not returned in time: exits without it, which leaves what it
    /// was asked unanswered. A process that is not the plugin's own goes on.
    fn give_up(&self) {
        let name = self.running();
        let text = format!("{name}: did not end in time at shutdown; giving up");
        // It fails if stderr is closed.
        let _ = writeln!(std::io::stderr(), "clnwire: {text}");
        self.channel.log("error", &text);
        self.channel.flush_without_waiting();
        if self.config.ends_process {
            std::process::exit(1);
        }
    }
}

/// Sleeps until the time is over or the thread is woken.
fn pause(time: Duration) {
    // loom has no clock.
    #[cfg(not(loom))]
    thread::park_timeout(time);
    #[cfg(loom)]
    let _ = time;
}
