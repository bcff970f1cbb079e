//! The input and output of a plugin, without Python: descriptors, threads, locks and counts.
//!
//! | module | job |
//! |---|---|
//! | [`descriptor`] | reads, writes and waits; an interruption is a result |
//! | [`stdio`] | moves the daemon's pipes away from descriptors 0 and 1 |
//! | [`channel`] | the outbox that all threads write to the daemon through |
//! | [`log_line`] | cuts a line to what the daemon's log takes |
//! | [`stray`] | turns what the process prints into lines of the daemon's log |
//! | [`interrupter`] | ends a read that blocks when there is something else to do |
//! | [`activity`] | the count of handlers that start and end, for the watchdog to read |
//! | [`watchdog`] | names handlers that take long, and bounds the shutdown |
//! | [`jobs`] | the handlers at work in tasks and threads, and those that wait |
//! | [`socket`] | a connection to the daemon's unix socket |
//! | [`sync`] | the locks and atomics, which a model checker can replace |
//!
//! # The order of locks
//!
//! A thread that holds one of these locks may take another one only if it stands further right in
//! the same row. Locks in different rows are never held together.
//!
//! | order | why both are held |
//! |---|---|
//! | `Driver::serving`, `Driver::framer` → all that follow | held for a whole turn, which runs handlers; each is taken by `try_lock` or by its one owner, so nobody waits for it |
//! | `Driver::ids` → `Channel::outbox` | an id is taken out and answered in one step, and the token is borrowed meanwhile |
//! | `Channel::writer` → `Channel::outbox` | the writer swaps its empty buffer with the full one; it holds the outbox for the swap alone |
//! | `Jobs::table` | alone |
//! | `Job::state` | alone; Python objects are dropped after it is released |
//! | `Routes::table` | alone; Python objects are dropped after it is released |
//! | `Driver::event_loop`, `Driver::fatal`, `Driver::stray_ended` | alone; Python objects are dropped after it is released |
//! | `Activity::names`, `Activity::deadline` | alone |
//! | `Handshake::reader` | alone, also while the signal is sent: the thread cannot end before |
//! | `Socket::descriptor` → the framer that receives | a receive writes into the framer's buffer; neither waits |
//!
//! `Driver`, `Job` and `Routes` are in `rust/python`. No lock is held while Python code runs or
//! while a thread waits for the daemon, except those of the first row. Python's own lock (the GIL)
//! may be waited for while holding none but those of the first row.
//!
//! # Atomics
//!
//! Each use of an ordering has its reason in the paragraph above it, in a comment that begins with
//! the ordering's name (`tests/orderings.rs` checks this). `tests/models.rs` checks the handshakes
//! with loom, which tries each order of the threads' steps.

pub mod activity;
pub mod channel;
pub mod descriptor;
pub mod interrupter;
pub mod jobs;
pub mod log_line;
pub mod socket;
pub mod stdio;
pub mod stray;
pub mod sync;
pub mod watchdog;
