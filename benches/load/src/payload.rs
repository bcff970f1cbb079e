//! What the daemon sends, as today's daemon spells it.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

use crate::{Job, Payload};

/// What a hook that is passed is answered with.
const CONTINUE: &str = r#"{"result":"continue"}"#;
/// What `total` is answered with.
const TOTAL: &str = r#"{"amount":123000,"count":4,"total":492000}"#;

/// A request: its bytes around the number that makes it unlike the others.
pub struct Template<'a> {
    before: String,
    between: String,
    after: String,
    prefix: String,
    numbered: bool,
    /// What it must be answered with; nothing if any result will do.
    pub result: Option<&'a str>,
}

impl<'a> Template<'a> {
    pub fn new(job: &'a Job) -> Result<Self, String> {
        Ok(match job.payload {
            Payload::DbWrite => Self::db_write(job.size),
            Payload::Htlc => Self::request("htlc_accepted", &htlc(), Some(CONTINUE)),
            Payload::Total => Self::total("[123000, 4]"),
            Payload::BlankLine => Self::total("[123000,\n\n4]"),
            Payload::Request if job.method.is_empty() => {
                return Err("--payload request needs --method NAME".to_owned());
            }
            Payload::Request => {
                check("--params", &job.params)?;
                Self::request(&job.method, &job.params, job.expect.as_deref())
            }
            Payload::Capture => return Err("a recording has requests of its own".to_owned()),
        })
    }

    pub fn db_write(size: usize) -> Self {
        let head = r#","method":"db_write","params":{"data_version":"#;
        Self {
            before: r#"{"jsonrpc":"2.0","id":"#.into(),
            between: head.into(),
            after: format!(",\"writes\":[{}]}}}}\n\n", statements(size.saturating_sub(120))),
            prefix: "cln:db_write".into(),
            numbered: true,
            result: Some(CONTINUE),
        }
    }

    fn request(method: &str, params: &str, result: Option<&'a str>) -> Self {
        Self {
            before: r#"{"jsonrpc":"2.0","id":"#.into(),
            between: format!(",\"method\":\"{method}\",\"params\":{params}}}\n\n"),
            after: String::new(),
            prefix: format!("cln:{method}"),
            numbered: false,
            result,
        }
    }

    /// A forwarded call: the caller's bytes, its own white space included, and the id behind them.
    fn total(params: &str) -> Self {
        Self {
            before: format!(r#"{{"jsonrpc": "2.0", "method": "total", "params": {params},"id":"#),
            between: "}\n\n".into(),
            after: String::new(),
            prefix: "cli:total#71/cln:total".into(),
            numbered: false,
            result: Some(TOTAL),
        }
    }

    /// Puts the request with this number behind the others, and its id into `token`.
    pub fn write(&self, number: u64, frames: &mut Vec<u8>, token: &mut String) {
        token.clear();
        // A string takes whatever is written.
        let _ = write!(token, "\"{}#{number}\"", self.prefix);
        frames.extend_from_slice(self.before.as_bytes());
        frames.extend_from_slice(token.as_bytes());
        frames.extend_from_slice(self.between.as_bytes());
        if self.numbered {
            frames.extend_from_slice(number.to_string().as_bytes());
        }
        frames.extend_from_slice(self.after.as_bytes());
    }
}

fn check(option: &str, text: &str) -> Result<(), String> {
    serde_json::from_str::<Value>(text).map(drop).map_err(|error| format!("{option}: {error}"))
}

/// Statements of 90 and 250 bytes, quotes and all, as a node's database gets them.
fn statements(length: usize) -> String {
    let mut text = String::new();
    for number in 0.. {
        let left = length.saturating_sub(text.len());
        if left == 0 && number > 0 {
            return text;
        }
        let blob = left.min(if number % 3 == 0 { 90 } else { 250 }).saturating_sub(76);
        let comma = if number == 0 { "" } else { "," };
        let blob = "a".repeat(blob);
        let _ = write!(
            text,
            r#"{comma}"UPDATE channels SET next_htlc_id=17, msatoshi_local=999000 WHERE state='{blob}';""#
        );
    }
    text
}

fn htlc() -> String {
    let (key, onion) = ("02ab".repeat(16) + "03", "00032d3f7ae0a982".repeat(170));
    format!(
        r#"{{"peer_id":"{key}","onion":{{"payload":"2b020203e8040172","type":"tlv","forward_msat":1000,"outgoing_cltv_value":114,"total_msat":1000,"payment_secret":"{secret}","next_onion":"{onion}","shared_secret":"{secret}"}},"htlc":{{"short_channel_id":"103x1x0","id":0,"amount_msat":1000,"cltv_expiry":120,"cltv_expiry_relative":12,"payment_hash":"{secret}"}}}}"#,
        secret = "2e6a7552ea2bb389".repeat(4)
    )
}

/// A notification, which has no answer.
pub fn notification(job: &Job) -> Result<String, String> {
    let params = match &job.event {
        Some(event) => event.clone(),
        None if job.topic == "connect" => format!(r#"{{"connect":{}}}"#, connection()),
        None => return Err(format!("--topic {} needs --event JSON", job.topic)),
    };
    check("--event", &params)?;
    let topic = &job.topic;
    Ok(format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{topic}\",\"params\":{params}}}\n\n"))
}

fn connection() -> String {
    let id = "02ab".repeat(16) + "03";
    format!(
        r#"{{"id":"{id}","direction":"in","address":{{"type":"ipv4","address":"127.0.0.1","port":9735}}}}"#
    )
}

pub fn init(folder: &str, options: &Value) -> String {
    let features = r#"{"init":"800898880a8a59a1","node":"808898880a8a59a1","channel":"","invoice":"02000002024100"}"#;
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":\"cln:init#2\",\"method\":\"init\",\"params\":{{\"options\":{options},\"configuration\":{{\"lightning-dir\":\"{folder}\",\"rpc-file\":\"lightning-rpc\",\"startup\":true,\"network\":\"regtest\",\"feature_set\":{features}}}}}}}\n\n"
    )
}

pub const GETMANIFEST: &str = "{\"jsonrpc\":\"2.0\",\"id\":\"cln:getmanifest#1\",\"method\":\"getmanifest\",\"params\":{\"allow-deprecated-apis\":false}}\n\n";

/// A recording's requests for these hooks, each with its id's token.
pub fn recorded(path: &Path, hooks: &[&str]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let wrong = |reason: String| format!("{}: {reason}", path.display());
    let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
        let line = line.map_err(|error| wrong(error.to_string()))?;
        let entry: Value = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        let text = entry["frame"].as_str().unwrap_or_default();
        // A daemon can send what is no JSON: such a frame is no request.
        let Ok(frame) = serde_json::from_str::<Value>(text) else { continue };
        let method = frame["method"].as_str().unwrap_or_default();
        if entry["dir"] == "in" && frame.get("id").is_some() && hooks.contains(&method) {
            found.push((frame["id"].to_string(), format!("{text}\n\n").into_bytes()));
        }
    }
    if found.is_empty() {
        return Err(wrong("none of its requests is for a hook of this plugin".to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn job(words: &[&str]) -> Job {
        let all = [&["load"], words, &["--", "plugin"]].concat();
        Job::try_parse_from(all).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A template's frame with the number 7, taken apart, and its length.
    fn frame(words: &[&str]) -> (Value, usize) {
        let (job, mut frame, mut token) = (job(words), Vec::new(), String::new());
        let template = Template::new(&job).unwrap_or_else(|error| panic!("{error}"));
        template.write(7, &mut frame, &mut token);
        let value: Value = serde_json::from_slice(&frame).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(value["id"].to_string(), token);
        assert!(token.ends_with("#7\""), "{token}");
        assert!(frame.ends_with(b"}\n\n"));
        (value, frame.len())
    }

    #[test]
    fn each_payload_is_a_request() {
        for (words, method) in [
            (&["--payload", "db-write"][..], "db_write"),
            (&["--payload", "htlc"], "htlc_accepted"),
            (&["--payload", "total"], "total"),
            (&["--payload", "blank-line"], "total"),
            (&["--payload", "request", "--method", "x", "--params", "[1]"], "x"),
        ] {
            assert_eq!(frame(words).0["method"], method);
        }
    }

    #[test]
    fn a_db_write_has_the_size_that_was_asked_for() {
        for size in [400, 2_400, 12_000, 1_000_000] {
            let (_, length) = frame(&["--payload", "db-write", "--size", &size.to_string()]);
            assert!(length.abs_diff(size) <= 80, "{length} instead of {size}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_before_a_plugin_sees_it() {
        let job_without = job(&["--payload", "request"]);
        assert!(Template::new(&job_without).is_err_and(|error| error.contains("--method")));
        let wrong = job(&["--payload", "request", "--method", "x", "--params", "{"]);
        assert!(Template::new(&wrong).is_err_and(|error| error.contains("--params")));
        let topic = job(&["--payload", "total", "--topic", "block_added"]);
        assert!(notification(&topic).is_err_and(|error| error.contains("--event")));
        let known = notification(&job(&["--payload", "total"])).unwrap_or_default();
        assert!(serde_json::from_str::<Value>(&known).is_ok_and(|it| it["method"] == "connect"));
    }
}
