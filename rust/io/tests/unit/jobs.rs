use std::time::Duration;

use clnwire_io::jobs::Jobs;

use crate::message::{Message, message};

fn leave(jobs: &Jobs<Message>, job: &Message, should_continue: bool) -> Option<Message> {
    jobs.leave(job.number, job.lane.as_ref(), should_continue)
}

#[test]
fn a_lane_starts_its_jobs_one_after_another() {
    let jobs = Jobs::default();
    let first = jobs.admit(message(&jobs, Some("topic"))).unwrap();
    assert!(jobs.admit(message(&jobs, Some("topic"))).is_none());
    assert!(jobs.admit(message(&jobs, Some("other"))).is_some());
    assert_eq!(jobs.count(), 3);
    let second = leave(&jobs, &first, true).unwrap();
    assert_eq!(second.number, 2);
    assert!(leave(&jobs, &second, true).is_none());
    assert!(jobs.admit(message(&jobs, Some("topic"))).is_some());
    assert_eq!(jobs.count(), 2);
}

#[test]
fn a_lane_that_does_not_continue_drops_its_jobs() {
    let jobs = Jobs::default();
    let first = jobs.admit(message(&jobs, Some("topic"))).unwrap();
    assert!(jobs.admit(message(&jobs, Some("topic"))).is_none());
    assert!(leave(&jobs, &first, false).is_none());
    assert_eq!(jobs.count(), 0);
    assert!(leave(&jobs, &first, false).is_none(), "it has left before");
    assert_eq!(jobs.count(), 0);
}

#[test]
fn jobs_that_wait_for_the_daemon_do_not_count_for_the_limit() {
    let jobs = Jobs::default();
    jobs.set_limit(1);
    assert!(!jobs.is_full());
    let job = jobs.admit(message(&jobs, None)).unwrap();
    assert!(jobs.is_full());
    jobs.begin_call(job.number);
    jobs.begin_call(job.number);
    assert!(!jobs.is_full());
    jobs.end_call(job.number);
    assert!(!jobs.is_full());
    jobs.end_call(job.number);
    assert!(jobs.is_full());
    jobs.begin_call(job.number);
    leave(&jobs, &job, true);
    jobs.end_call(job.number);
    assert_eq!((jobs.count(), jobs.is_idle()), (0, true));
    jobs.reserve();
    assert!(jobs.is_full(), "nothing waits for the daemon");
    assert_eq!(jobs.reached_bound(), None);
}

#[test]
fn so_many_calls_pause_the_reading() {
    let jobs = Jobs::default();
    jobs.set_limit(1);
    let all: Vec<_> = (0..2048).map(|_| jobs.admit(message(&jobs, None)).unwrap()).collect();
    for job in &all {
        jobs.begin_call(job.number);
    }
    assert!(jobs.is_full());
    assert_eq!(jobs.reached_bound().unwrap(), "2048 handlers wait for the daemon's commands");
}

#[test]
fn so_many_bytes_pause_the_reading() {
    let jobs = Jobs::default();
    jobs.set_limit(1);
    let waiting = jobs.admit(message(&jobs, Some("topic"))).unwrap();
    jobs.begin_call(waiting.number);
    let queued = jobs.queued(100 << 20);
    jobs.admit(message(&jobs, Some("topic")));
    assert!(jobs.is_full());
    assert!(jobs.reached_bound().unwrap().contains("1 messages of 104858624 bytes queue"));
    drop(queued);
}

#[test]
fn plain_handlers_wait_for_a_job_that_is_kept_ahead() {
    let jobs: Jobs<Message> = Jobs::default();
    let mut queued = jobs.queued(10);
    assert!(!jobs.has_ahead());
    queued.keep_ahead();
    queued.keep_ahead();
    assert!(jobs.has_ahead());
    drop(queued);
    assert!(!jobs.has_ahead());
}

#[test]
fn tasks_and_names_are_those_of_jobs_at_work() {
    let jobs = Jobs::default();
    let job = jobs.admit(message(&jobs, None)).unwrap();
    jobs.set_task(job.number, "task");
    jobs.set_task(99, "of no job");
    assert_eq!(jobs.tasks(|task| *task), ["task"]);
    assert_eq!(jobs.oldest().as_deref(), Some("job 1"));
    let overdue = jobs.overdue(Duration::ZERO);
    assert_eq!(&*overdue[0].name, "job 1");
    assert!(overdue[0].age > Duration::ZERO);
    assert!(jobs.overdue(Duration::from_secs(3600)).is_empty() || overdue.len() == 1);
}

#[test]
fn a_waiter_is_known() {
    let jobs: Jobs<Message> = Jobs::default();
    assert!(!jobs.is_awaited());
    jobs.set_awaited(true);
    assert!(jobs.is_awaited());
}
