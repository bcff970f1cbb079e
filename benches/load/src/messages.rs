//! What the daemon sends, as today's daemon spells it.

use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::Payload;

/// What a `db_write`, and any hook that is passed, is answered with.
pub const CONTINUE: &str = r#"{"result":"continue"}"#;
/// What `total` is answered with.
pub const TOTAL: &str = r#"{"amount":123000,"count":4,"total":492000}"#;

/// A request: its bytes around the number that makes it unlike the others.
pub struct Template {
    before: String,
    between: String,
    after: String,
    prefix: String,
    numbered: bool,
    /// What it must be answered with.
    pub result: &'static str,
}

impl Template {
    /// The request with this number into the buffer; gives its id's token.
    pub fn write(&self, number: u64, frame: &mut Vec<u8>) -> String {
        let token = format!("\"{}#{number}\"", self.prefix);
        frame.extend_from_slice(self.before.as_bytes());
        frame.extend_from_slice(token.as_bytes());
        frame.extend_from_slice(self.between.as_bytes());
        if self.numbered {
            frame.extend_from_slice(number.to_string().as_bytes());
        }
        frame.extend_from_slice(self.after.as_bytes());
        token
    }
}

/// The request of a payload.
pub fn template(payload: Payload, size: usize) -> Template {
    match payload {
        Payload::DbWrite | Payload::Capture => db_write(size),
        Payload::Htlc => hook("htlc_accepted", &htlc()),
        Payload::Total | Payload::Connect => total("[123000, 4]"),
        Payload::BlankLine => total("[123000,\n\n4]"),
    }
}

fn db_write(size: usize) -> Template {
    let head = r#","method":"db_write","params":{"data_version":"#;
    Template {
        before: r#"{"jsonrpc":"2.0","id":"#.into(),
        between: head.into(),
        after: format!(",\"writes\":[{}]}}}}\n\n", statements(size.saturating_sub(120))),
        prefix: "cln:db_write".into(),
        numbered: true,
        result: CONTINUE,
    }
}

fn hook(name: &str, params: &str) -> Template {
    Template {
        before: r#"{"jsonrpc":"2.0","id":"#.into(),
        between: format!(",\"method\":\"{name}\",\"params\":{params}}}\n\n"),
        after: String::new(),
        prefix: format!("cln:{name}"),
        numbered: false,
        result: CONTINUE,
    }
}

/// A forwarded call: the caller's bytes, its own white space included, and the id behind them.
fn total(params: &str) -> Template {
    Template {
        before: format!(r#"{{"jsonrpc": "2.0", "method": "total", "params": {params},"id":"#),
        between: "}\n\n".into(),
        after: String::new(),
        prefix: "cli:total#71/cln:total".into(),
        numbered: false,
        result: TOTAL,
    }
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
        text.push_str(&format!(
            r#"{comma}"UPDATE channels SET next_htlc_id=17, msatoshi_local=999000 WHERE state='{blob}';""#
        ));
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

/// A notification without an answer.
pub fn connect() -> String {
    let id = "02ab".repeat(16) + "03";
    format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"connect\",\"params\":{{\"connect\":{{\"id\":\"{id}\",\"direction\":\"in\",\"address\":{{\"type\":\"ipv4\",\"address\":\"127.0.0.1\",\"port\":9735}}}}}}}}\n\n"
    )
}

pub fn init(folder: &str) -> String {
    let features = r#"{"init":"800898880a8a59a1","node":"808898880a8a59a1","channel":"","invoice":"02000002024100"}"#;
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":\"cln:init#2\",\"method\":\"init\",\"params\":{{\"options\":{{}},\"configuration\":{{\"lightning-dir\":\"{folder}\",\"rpc-file\":\"lightning-rpc\",\"startup\":true,\"network\":\"regtest\",\"feature_set\":{features}}}}}}}\n\n"
    )
}

pub const GETMANIFEST: &str = "{\"jsonrpc\":\"2.0\",\"id\":\"cln:getmanifest#1\",\"method\":\"getmanifest\",\"params\":{\"allow-deprecated-apis\":false}}\n\n";

/// The recorded `db_write`s, each with its id's token.
pub fn recorded(path: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut found = Vec::new();
    for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
        let line = line.map_err(|error| format!("{}: {error}", path.display()))?;
        let entry: serde_json::Value = serde_json::from_str(&line).map_err(|e| e.to_string())?;
        let text = entry["frame"].as_str().unwrap_or_default();
        if entry["dir"] == "in" && text.contains("\"method\":\"db_write\"") {
            let frame: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
            found.push((frame["id"].to_string(), format!("{text}\n\n").into_bytes()));
        }
    }
    if found.is_empty() { Err(format!("{}: no db_write in it", path.display())) } else { Ok(found) }
}
