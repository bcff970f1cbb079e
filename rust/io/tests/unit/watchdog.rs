use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use clnwire_io::activity::Activity;
use clnwire_io::channel::Channel;
use clnwire_io::descriptor::read_some;
use clnwire_io::jobs::Jobs;
use clnwire_io::watchdog::{WatchdogConfig, watch};
use rustix::pipe::pipe;

use crate::message::{Message, message};

struct Watched {
    activity: Arc<Activity>,
    jobs: Arc<Jobs<Message>>,
    /// What the daemon reads, and its end of the plugin's input.
    output: OwnedFd,
    daemon: Option<OwnedFd>,
}

fn watched() -> Watched {
    let (output, channel) = pipe().unwrap();
    let (input, daemon) = pipe().unwrap();
    let (activity, jobs) = (Arc::new(Activity::default()), Arc::new(Jobs::default()));
    let config = WatchdogConfig {
        patience: Duration::from_millis(1),
        grace: Duration::ZERO,
        input,
        ends_process: false,
    };
    let channel = Arc::new(Channel::new(channel).unwrap());
    watch((Arc::clone(&activity), Arc::clone(&jobs)), channel, config).unwrap();
    Watched { activity, jobs, output, daemon: Some(daemon) }
}

impl Watched {
    /// Reads the log until it has this text.
    fn wait_for(&self, text: &str) {
        let (mut log, mut room) = (String::new(), [0; 4096]);
        while !log.contains(text) {
            let count = read_some(self.output.as_fd(), &mut room).unwrap().unwrap();
            assert!(count > 0, "the watchdog has ended after: {log}");
            log.push_str(&String::from_utf8_lossy(&room[..count]));
        }
    }
}

#[test]
fn a_handler_that_takes_long_is_named() {
    let watched = watched();
    let name = watched.activity.register("slow");
    // The watchdog sleeps without a time-out by then.
    std::thread::sleep(Duration::from_millis(2500));
    watched.activity.starts(name);
    watched.wait_for("slow: has not returned for");
    watched.activity.ends();
    watched.activity.close();
}

#[test]
fn a_job_that_takes_long_is_named() {
    let watched = watched();
    watched.jobs.admit(message(&watched.jobs, None)).unwrap();
    watched.wait_for("job 1: still waiting after");
    watched.activity.close();
}

#[test]
fn a_handler_that_outlives_the_daemon_is_given_up() {
    let mut watched = watched();
    let name = watched.activity.register("slow");
    watched.activity.starts(name);
    watched.daemon.take();
    watched.wait_for("slow: did not end in time at shutdown; giving up");
}

#[test]
fn without_a_handler_it_is_the_farewell_that_takes_long() {
    let watched = watched();
    watched.activity.set_shutdown_deadline(Duration::ZERO);
    watched.wait_for("on_shutdown: did not end in time at shutdown; giving up");
}
