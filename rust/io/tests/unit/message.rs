//! A job without a handler.

use std::sync::Arc;

use clnwire_io::jobs::{Job, Jobs, Lane};

pub struct Message {
    pub number: u64,
    pub lane: Option<Lane>,
    pub name: Arc<str>,
}

impl Job for Message {
    type Task = &'static str;

    fn number(&self) -> u64 {
        self.number
    }

    fn lane(&self) -> Option<&Lane> {
        self.lane.as_ref()
    }

    fn name(&self) -> &Arc<str> {
        &self.name
    }
}

pub fn message(jobs: &Jobs<Message>, lane: Option<&str>) -> Message {
    let number = jobs.reserve();
    let lane = lane.map(|topic| (topic.into(), 0));
    Message { number, lane, name: format!("job {number}").into() }
}
