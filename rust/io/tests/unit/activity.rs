use std::time::Duration;

use clnwire_io::activity::Activity;

#[test]
fn the_count_is_odd_while_a_handler_runs() {
    let activity = Activity::default();
    let (first, second) = (activity.register("first"), activity.register("second"));
    assert_eq!((activity.idle_count(), activity.running()), (Some(0), None));
    activity.starts(first);
    assert_eq!((activity.idle_count(), activity.count()), (None, 1));
    assert_eq!(activity.running().as_deref(), Some("first"));
    activity.ends();
    activity.starts(second);
    assert_eq!(activity.still_running(1), None);
    assert_eq!(activity.still_running(3).as_deref(), Some("second"));
    activity.ends();
    assert_eq!(activity.idle_count(), Some(4));
}

#[test]
fn the_first_deadline_counts() {
    let activity = Activity::default();
    assert!(!activity.has_deadline() && !activity.is_past_deadline());
    activity.set_shutdown_deadline(Duration::ZERO);
    activity.set_shutdown_deadline(Duration::from_secs(3600));
    assert!(activity.has_deadline() && activity.is_past_deadline());
}
