//! Model checks: loom runs each test in every order of its threads' steps, with all that C11's
//! memory model allows. `make test-models` builds them with `--cfg loom`.

#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

use std::sync::Arc as StdArc;

use clnwire_io::activity::Activity;
use clnwire_io::channel::Channel;
use clnwire_io::descriptor::Waited;
use clnwire_io::interrupter::Handshake;
use clnwire_io::jobs::{Job, Jobs, Lane};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use rustix::pipe::pipe;

/// Runs `test` in every order with at most this many preemptions, which bounds the time.
fn model(preemptions: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(test);
}

#[test]
fn each_message_is_written_once_and_whole_when_its_flush_returns() {
    model(3, || {
        let (input, output) = pipe().unwrap();
        let channel = Arc::new(Channel::new(output).unwrap());
        let written = Arc::new(Mutex::new(Vec::new()));
        let input = Arc::new(input);
        let writers: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|name| {
                let (channel, input, written) =
                    (Arc::clone(&channel), Arc::clone(&input), Arc::clone(&written));
                thread::spawn(move || {
                    channel.outbox().notification(name, b"1");
                    assert!(channel.flush(None) == Ok(Waited::Writable));
                    let mut written = written.lock().unwrap();
                    read_all(&input, &mut written);
                    let text = String::from_utf8(written.clone()).unwrap();
                    assert_eq!(text.matches(&message(name)).count(), 1, "{text}");
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let (a, b) = (message("a"), message("b"));
        assert!(text == format!("{a}{b}") || text == format!("{b}{a}"), "{text}");
    });
}

#[test]
fn a_message_that_another_thread_may_have_missed_is_told_of() {
    model(3, || {
        let (input, output) = pipe().unwrap();
        let channel = Arc::new(Channel::new(output).unwrap());
        let other = Arc::clone(&channel);
        let writer = thread::spawn(move || {
            other.outbox().notification("a", b"1");
            let _ = other.flush_some();
        });
        channel.outbox().notification("b", b"1");
        let is_all = channel.flush_some() == Ok(true);
        let mut written = Vec::new();
        read_all(&input, &mut written);
        let text = String::from_utf8(written).unwrap();
        assert!(!is_all || text.contains(&message("b")), "{text}");
        writer.join().unwrap();
    });
}

fn message(name: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{name}\",\"params\":1}}\n\n")
}

fn read_all(input: &std::os::fd::OwnedFd, read: &mut Vec<u8>) {
    let mut available = rustix::io::ioctl_fionread(input).unwrap() as usize;
    let mut room = [0; 512];
    while available > 0 {
        let count = rustix::io::read(input, &mut room).unwrap();
        read.extend_from_slice(&room[..count]);
        available -= count;
    }
}

/// If the watchdog slept through the start, the model would never end: loom reports a deadlock.
#[test]
fn a_handler_that_starts_wakes_the_watchdog() {
    model(3, || {
        let activity = Arc::new(Activity::default());
        let (started, watched) = (Arc::clone(&activity), Arc::clone(&activity));
        let name = activity.register("slow");
        let watchdog = thread::spawn(move || {
            while watched.count() == 0 {
                watched.begin_sleep();
                if watched.is_still(0) {
                    thread::park();
                }
                watched.end_sleep();
            }
        });
        activity.set_watchdog(watchdog.thread().clone());
        started.starts(name);
        watchdog.join().unwrap();
    });
}

#[test]
fn a_name_is_that_of_the_handler_at_the_count() {
    model(3, || {
        let activity = Arc::new(Activity::default());
        let names = [activity.register("first"), activity.register("second")];
        let server = Arc::clone(&activity);
        let serving = thread::spawn(move || {
            server.starts(names[0]);
            server.ends();
            server.starts(names[1]);
        });
        let count = activity.count();
        if let Some(name) = activity.still_running(count) {
            assert_eq!(name, ["first", "second"][(count / 2) as usize]);
        }
        serving.join().unwrap();
    });
}

/// What the kernel does for a read, a wakeup pipe and a signal.
#[derive(Default)]
struct Kernel {
    state: Mutex<KernelState>,
    changed: Condvar,
}

#[derive(Default)]
struct KernelState {
    /// There is a byte in the wakeup pipe.
    wakeup: bool,
    /// The thread is blocked in its read, and so a signal would end it.
    blocked: bool,
    /// A signal has ended the read.
    interrupted: bool,
    /// The reading thread has ended: a signal for it would be a fault.
    ended: bool,
}

impl Kernel {
    fn read(&self) {
        let mut state = self.state.lock().unwrap();
        state.blocked = true;
        while !state.interrupted {
            state = self.changed.wait(state).unwrap();
        }
        state.blocked = false;
        state.interrupted = false;
    }

    fn signal(&self) {
        let mut state = self.state.lock().unwrap();
        assert!(!state.ended, "a signal for a thread that has ended");
        if state.blocked {
            state.interrupted = true;
            self.changed.notify_one();
        }
    }
}

/// The reading thread ends its read for the byte, or loom reports a deadlock; and no signal comes
/// after its end.
#[test]
fn a_byte_in_the_wakeup_pipe_ends_the_read() {
    model(2, || {
        let kernel = Arc::new(Kernel::default());
        let handshake = Arc::new(Handshake::new(7));
        kernel.state.lock().unwrap().wakeup = true;
        let (their_kernel, theirs) = (Arc::clone(&kernel), Arc::clone(&handshake));
        let interrupter = thread::spawn(move || {
            while their_kernel.state.lock().unwrap().wakeup {
                let serves = theirs.interrupt(|reader| {
                    assert_eq!(reader, 7);
                    their_kernel.signal();
                });
                if !serves {
                    break;
                }
                thread::yield_now();
            }
        });
        handshake.reading(|| kernel.read());
        handshake.end();
        kernel.state.lock().unwrap().ended = true;
        interrupter.join().unwrap();
    });
}

struct Message {
    number: u64,
    lane: Option<Lane>,
    name: StdArc<str>,
}

impl Job for Message {
    type Task = ();

    fn number(&self) -> u64 {
        self.number
    }

    fn lane(&self) -> Option<&Lane> {
        self.lane.as_ref()
    }

    fn name(&self) -> &StdArc<str> {
        &self.name
    }
}

fn job(jobs: &Jobs<Message>, lane: Option<&str>) -> Message {
    let lane = lane.map(|topic| (topic.into(), 0));
    Message { number: jobs.reserve(), lane, name: "handler".into() }
}

fn leave(jobs: &Jobs<Message>, job: &Message) -> Option<Message> {
    jobs.leave(job.number, job.lane.as_ref(), true)
}

/// The wakeup pipe, for the thread that waits for jobs.
#[derive(Default)]
struct Wakeup {
    byte: Mutex<bool>,
    changed: Condvar,
}

impl Wakeup {
    fn write(&self) {
        *self.byte.lock().unwrap() = true;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut byte = self.byte.lock().unwrap();
        while !*byte {
            byte = self.changed.wait(byte).unwrap();
        }
        *byte = false;
    }
}

/// The serving thread waits until the job has ended; without a wakeup loom reports a deadlock.
#[test]
fn the_thread_that_waits_for_jobs_is_woken() {
    model(3, || {
        let jobs = Arc::new(Jobs::<Message>::default());
        let job = jobs.admit(job(&jobs, None)).unwrap();
        let wakeup = Arc::new(Wakeup::default());
        let (theirs, waker) = (Arc::clone(&jobs), Arc::clone(&wakeup));
        let worker = thread::spawn(move || {
            leave(&theirs, &job);
            if theirs.is_awaited() {
                waker.write();
            }
        });
        jobs.set_awaited(true);
        while jobs.count() > 0 {
            wakeup.wait();
        }
        jobs.set_awaited(false);
        worker.join().unwrap();
    });
}

/// Reading that pauses goes on when the job that fills the limit waits for the daemon.
#[test]
fn the_thread_that_waits_for_room_is_woken_by_a_call() {
    model(3, || {
        let jobs = Arc::new(Jobs::<Message>::default());
        jobs.set_limit(1);
        let job = jobs.admit(job(&jobs, None)).unwrap();
        let wakeup = Arc::new(Wakeup::default());
        let (theirs, waker) = (Arc::clone(&jobs), Arc::clone(&wakeup));
        let worker = thread::spawn(move || {
            theirs.begin_call(job.number);
            if theirs.is_awaited() {
                waker.write();
            }
        });
        jobs.set_awaited(true);
        while jobs.is_full() {
            wakeup.wait();
        }
        worker.join().unwrap();
    });
}

/// Each job of a lane runs once, after the one before, and the count comes back to 0.
#[test]
fn a_lane_runs_its_jobs_one_after_another() {
    model(2, || {
        let jobs = Arc::new(Jobs::<Message>::default());
        let at_work = Arc::new(AtomicUsize::new(0));
        let run = {
            let (jobs, at_work) = (Arc::clone(&jobs), Arc::clone(&at_work));
            move |first: Message| {
                let mut next = Some(first);
                while let Some(job) = next {
                    assert_eq!(at_work.fetch_add(1, Ordering::SeqCst), 0, "two of one lane");
                    jobs.begin_call(job.number);
                    at_work.fetch_sub(1, Ordering::SeqCst);
                    next = leave(&jobs, &job);
                }
            }
        };
        let first = jobs.admit(job(&jobs, Some("topic"))).unwrap();
        let worker = {
            let run = run.clone();
            thread::spawn(move || run(first))
        };
        if let Some(second) = jobs.admit(job(&jobs, Some("topic"))) {
            run(second);
        }
        worker.join().unwrap();
        assert_eq!(jobs.count(), 0);
        assert!(jobs.is_idle());
        jobs.set_limit(1);
        jobs.reserve();
        assert!(jobs.is_full(), "a call of a job that has left is still counted");
    });
}
