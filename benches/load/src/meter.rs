//! Where results are put.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::reply::Checker;

pub struct Meter {
    latency: Histogram<u64>,
    pub bytes: usize,
    pub messages: usize,
    pub checker: Checker,
    number: u64,
}

impl Meter {
    pub fn new() -> Result<Self, String> {
        Ok(Self {
            latency: Histogram::new(3).map_err(|error| error.to_string())?,
            bytes: 0,
            messages: 0,
            checker: Checker::default(),
            number: 0,
        })
    }

    /// Forgets what was measured; numbers go on.
    pub fn reset(&mut self) {
        self.latency.reset();
        (self.bytes, self.messages) = (0, 0);
    }

    /// The number of the next request.
    pub fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    pub fn count(&mut self, latency: Duration) -> Result<(), String> {
        self.messages += 1;
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latency.record(nanoseconds).map_err(|error| error.to_string())
    }

    pub fn report(&self, elapsed: Duration, processor: Duration) -> Value {
        let seconds = elapsed.as_secs_f64();
        let at = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1000.0;
        let latency = json!({
            "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p99.9": at(0.999),
            "max": self.latency.max() as f64 / 1000.0,
        });
        json!({
            "messages": self.messages,
            "latency_us": latency,
            "messages_per_second": self.messages as f64 / seconds,
            "megabytes_per_second": self.bytes as f64 / seconds / 1e6,
            "processor_us_per_message": processor.as_secs_f64() * 1e6 / self.messages as f64,
        })
    }
}
