//! The measured plugin on cln-plugin. It dies of a `db_write` before `init`, and of a blank line
//! inside a message.

use anyhow::{Error, anyhow};
use cln_plugin::{Builder, Plugin};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let builder = Builder::new(tokio::io::stdin(), tokio::io::stdout());
    let builder = if std::env::args().any(|argument| argument == "writes") {
        builder.hook("db_write", go_on)
    } else {
        builder
            .hook("htlc_accepted", go_on)
            .rpcmethod("total", "Multiplies", total)
            .subscribe("connect", async |_: Plugin<()>, _: Value| Ok(()))
    };
    match builder.start(()).await? {
        Some(plugin) => plugin.join().await,
        None => Ok(()),
    }
}

async fn go_on(_: Plugin<()>, _: Value) -> Result<Value, Error> {
    Ok(json!({"result": "continue"}))
}

async fn total(_: Plugin<()>, params: Value) -> Result<Value, Error> {
    let number = |at: usize| params[at].as_i64().ok_or_else(|| anyhow!("a number is missing"));
    let (amount, count) = (number(0)?, number(1)?);
    Ok(json!({"amount": amount, "count": count, "total": amount * count}))
}
