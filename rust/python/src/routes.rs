//! Method or topic → bound handler.

use std::sync::{Arc, Mutex, MutexGuard};

use pyo3::prelude::*;
use rustc_hash::FxHashMap;

use crate::route::Route;
use crate::sync::lock;
use crate::watchdog::Activity;

/// A route, and what it is called in logs.
pub struct Entry {
    pub route: Py<Route>,
    pub name: Arc<str>,
    /// Its index in the watchdog's list of names.
    pub watched: usize,
}

/// All bound handlers.
pub struct Routes {
    table: Mutex<Table>,
    activity: Arc<Activity>,
}

/// Several handlers may subscribe to one topic.
type Entries = Arc<Vec<Arc<Entry>>>;

#[derive(Default)]
struct Table {
    requests: FxHashMap<String, Arc<Entry>>,
    notifications: FxHashMap<String, Entries>,
    /// Those subscribed to `*`.
    everything: Entries,
    unhandled: Option<Arc<Py<PyAny>>>,
}

impl Routes {
    pub fn new(activity: Arc<Activity>) -> Self {
        Self { table: Mutex::default(), activity }
    }

    pub fn add_request(&self, route: Py<Route>) {
        let entry = self.entry(route);
        self.table().requests.insert(entry.name.to_string(), entry);
    }

    /// Without a topic: subscribed to all.
    pub fn add_notification(&self, topic: Option<String>, route: Py<Route>) {
        let entry = self.entry(route);
        let mut table = self.table();
        let entries = match topic {
            None => &mut table.everything,
            Some(topic) => table.notifications.entry(topic).or_default(),
        };
        Arc::make_mut(entries).push(entry);
    }

    pub fn set_unhandled(&self, callback: Py<PyAny>) {
        self.table().unhandled = Some(Arc::new(callback));
    }

    pub fn request(&self, method: &str) -> Option<Arc<Entry>> {
        self.table().requests.get(method).cloned()
    }

    /// The topic's own handlers, and those of `*`, which does not cover `log`: a handler that
    /// logs would never come to an end.
    pub fn notification(&self, topic: &str) -> (Entries, Entries) {
        let table = self.table();
        let entries = table.notifications.get(topic).cloned().unwrap_or_default();
        match topic {
            "log" => (entries, Entries::default()),
            _ => (entries, Arc::clone(&table.everything)),
        }
    }

    /// Tells of a message that nobody handles.
    #[cold]
    pub fn unhandled(&self, py: Python<'_>, what: &str) -> PyResult<()> {
        let callback = self.table().unhandled.clone();
        match callback {
            None => Ok(()),
            Some(callback) => callback.bind(py).call1((what,)).map(drop),
        }
    }

    fn entry(&self, route: Py<Route>) -> Arc<Entry> {
        let name: Arc<str> = route.get().name().into();
        let watched = self.activity.register(&name);
        Arc::new(Entry { route, name, watched })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }
}
