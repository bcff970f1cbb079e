//! Method or topic → bound handler.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use clnwire_io::activity::Activity;
use clnwire_io::sync::lock;
use pyo3::prelude::*;
use rustc_hash::FxHashMap;

use crate::handlers::route::Route;

/// A route and its name in logs.
pub struct Entry {
    pub route: Py<Route>,
    pub name: Arc<str>,
    /// Its index in the watchdog's list of names.
    pub watched: usize,
}

/// All bound handlers. The serving thread keeps a snapshot, which it reads without a lock.
pub struct Routes {
    table: Mutex<Arc<Table>>,
    /// The number of changes of the table.
    changes: AtomicUsize,
    activity: Arc<Activity>,
}

/// Several handlers may subscribe to one topic.
type Entries = Vec<Arc<Entry>>;

#[derive(Default, Clone)]
pub struct Table {
    requests: FxHashMap<String, Arc<Entry>>,
    notifications: FxHashMap<String, Entries>,
    /// The handlers subscribed to `*`.
    everything: Entries,
    unhandled: Option<Arc<Py<PyAny>>>,
}

impl Routes {
    pub fn new(activity: Arc<Activity>) -> Self {
        Self { table: Mutex::default(), changes: AtomicUsize::new(0), activity }
    }

    /// The table as it is now.
    pub fn snapshot(&self) -> Snapshot {
        // Acquire: the table that is read next is at least as new as this count. If it is newer, it
        // is only read once more.
        let changes = self.changes.load(Ordering::Acquire);
        Snapshot { table: Arc::clone(&lock(&self.table)), changes }
    }

    /// Renews the snapshot if the table has changed.
    #[inline]
    pub fn refresh(&self, snapshot: &mut Snapshot) {
        // Acquire: see `snapshot`.
        if self.changes.load(Ordering::Acquire) != snapshot.changes {
            *snapshot = self.snapshot();
        }
    }

    pub fn add_request(&self, route: Py<Route>) {
        let entry = self.entry(route);
        self.change(|table| table.requests.insert(entry.name.to_string(), entry));
    }

    /// Adds a subscriber to the topic, or to all topics if it is `None`.
    pub fn add_notification(&self, topic: Option<String>, route: Py<Route>) {
        let entry = self.entry(route);
        self.change(|table| match topic {
            None => table.everything.push(entry),
            Some(topic) => table.notifications.entry(topic).or_default().push(entry),
        });
    }

    pub fn set_unhandled(&self, callback: Py<PyAny>) {
        self.change(|table| table.unhandled.replace(Arc::new(callback)));
    }

    /// Drops all handlers.
    pub fn clear(&self) {
        self.change(std::mem::take);
    }

    fn entry(&self, route: Py<Route>) -> Arc<Entry> {
        let name: Arc<str> = route.get().name().into();
        let watched = self.activity.register(&name);
        Arc::new(Entry { route, name, watched })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) {
        let mut table = lock(&self.table);
        let before = change(Arc::make_mut(&mut table));
        // Release: pairs with `snapshot`.
        self.changes.fetch_add(1, Ordering::Release);
        drop(table);
        // Dropping an object may run code that needs the lock, so it is released before.
        drop(before);
    }
}

/// The table at one moment.
pub struct Snapshot {
    pub table: Arc<Table>,
    changes: usize,
}

impl Table {
    pub fn request(&self, method: &str) -> Option<&Arc<Entry>> {
        self.requests.get(method)
    }

    /// The topic's own handlers and those of `*`. `*` does not include `log`, or a handler that logs
    /// would call itself for ever.
    pub fn notification(&self, topic: &str) -> impl Iterator<Item = &Arc<Entry>> {
        let entries = self.notifications.get(topic).into_iter().flatten();
        let everything = if topic == "log" { &[][..] } else { &self.everything };
        entries.chain(everything)
    }

    /// Reports a message that has no handler.
    pub fn unhandled(&self, py: Python<'_>, what: &str) -> PyResult<()> {
        match &self.unhandled {
            None => Ok(()),
            Some(callback) => callback.bind(py).call1((what,)).map(drop),
        }
    }
}
