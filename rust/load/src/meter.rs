//! Collects the results.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::reply::Checker;

/// Percentiles are of round trips; without round trips they are 0.
#[derive(Serialize)]
pub struct Figures {
    messages: usize,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    p999_us: f64,
    messages_per_second: f64,
    megabytes_per_second: f64,
    /// The plugin's processor time per message.
    processor_us: f64,
}

pub struct Meter {
    latency: Histogram<u64>,
    pub bytes: usize,
    pub messages: usize,
    pub checker: Checker,
    number: u64,
}

impl Meter {
    /// A meter whose requests are numbered from `first` on.
    pub fn new(first: u64) -> Result<Self, String> {
        Ok(Self {
            latency: Histogram::new(3).map_err(|error| error.to_string())?,
            bytes: 0,
            messages: 0,
            checker: Checker::default(),
            number: first,
        })
    }

    /// Drops what was measured; the numbers go on.
    pub fn reset(&mut self) {
        self.latency.reset();
        (self.bytes, self.messages) = (0, 0);
    }

    /// The number of the next request.
    pub fn next(&mut self) -> u64 {
        self.number += 1;
        self.number - 1
    }

    pub fn count(&mut self, latency: Duration) -> Result<(), String> {
        self.messages += 1;
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latency.record(nanoseconds).map_err(|error| error.to_string())
    }

    pub fn figures(&self, elapsed: Duration, processor: Duration) -> Figures {
        let seconds = elapsed.as_secs_f64();
        let at = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1000.0;
        Figures {
            messages: self.messages,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            messages_per_second: self.messages as f64 / seconds,
            megabytes_per_second: self.bytes as f64 / seconds / 1e6,
            processor_us: processor.as_secs_f64() * 1e6 / self.messages as f64,
        }
    }
}
