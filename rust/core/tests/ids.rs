//! Ids are returned byte for byte, each once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::{HashMap, HashSet};

use clnwire_core::{Framer, IdError, IdMap, Limits, Outbox};
use common::Random;
use proptest::collection::vec;
use proptest::prelude::*;

const TOKENS: [&str; 16] = [
    r#""a/cln:x#1""#,
    r#""cln:hello#7""#,
    r#""""#,
    r#""\"quoted\" \\ \u00e9 é""#,
    r#""a/\"b/\\\"c\\\"\"/cln:x#2""#,
    "0",
    "7",
    "-0",
    "-1",
    "1.50",
    "1e2",
    "12345678901234567890",
    "123456789012345678901234567890.123456789",
    "null",
    "true",
    r#"[1,{"id":2}]"#,
];

#[test]
fn tokens_are_restored_verbatim() {
    let mut ids = IdMap::new();
    let keys = TOKENS.map(|token| ids.insert(token.as_bytes()));
    assert_eq!(keys, std::array::from_fn(|n| n as u64 + 1), "keys start at 1 and grow by one");
    for (key, token) in keys.into_iter().zip(TOKENS).rev() {
        assert_eq!(ids.token(key), Ok(token.as_bytes()));
        assert_eq!(ids.take(key), Ok(token.as_bytes()));
    }
    assert!(ids.is_empty());
}

#[test]
fn from_a_request_to_its_reply() {
    for token in TOKENS {
        let (mut framer, mut ids, mut outbox) =
            (Framer::new(Limits::default()), IdMap::new(), Outbox::new());
        framer.feed(format!("{{\"method\":\"m\",\"id\" : {token} }}").as_bytes());
        let key = ids.insert(framer.next_frame().unwrap().unwrap().id().unwrap());
        outbox.reply(ids.take(key).unwrap(), b"{}");
        let expected = format!("{{\"jsonrpc\":\"2.0\",\"id\":{token},\"result\":{{}}}}\n\n");
        assert_eq!(outbox.pending(), expected.as_bytes());
    }
}

#[test]
fn the_same_token_twice_is_two_requests() {
    let mut ids = IdMap::new();
    let (first, second) = (ids.insert(b"1"), ids.insert(b"1"));
    assert_ne!(first, second);
    assert_eq!(ids.take(first), Ok(&b"1"[..]));
    assert_eq!(ids.take(second), Ok(&b"1"[..]));
}

#[test]
fn each_is_answered_once() {
    let mut ids = IdMap::new();
    let key = ids.insert(b"\"x\"");
    assert!(ids.take(key).is_ok());
    assert_eq!(ids.take(key), Err(IdError::AlreadyAnswered(key)));
    assert_eq!(ids.token(key), Err(IdError::AlreadyAnswered(key)));
    let text = IdError::AlreadyAnswered(key).to_string();
    assert_eq!(text, "request 1 is answered already; each is answered exactly once");
}

#[test]
fn an_unknown_key() {
    let mut ids = IdMap::new();
    let key = ids.insert(b"1");
    for unknown in [0, key + 1, u64::MAX] {
        assert_eq!(ids.take(unknown), Err(IdError::Unknown(unknown)));
        assert_eq!(ids.token(unknown), Err(IdError::Unknown(unknown)));
    }
    assert_eq!(IdError::Unknown(9).to_string(), "there never was a request 9");
    assert_eq!(ids.len(), 1);
}

#[test]
fn a_key_is_never_used_again() {
    let mut ids = IdMap::new();
    for expected in 1..=5000 {
        let key = ids.insert(b"1");
        assert_eq!(key, expected);
        ids.take(key).unwrap();
    }
    assert_eq!(ids.take(1), Err(IdError::AlreadyAnswered(1)));
}

#[test]
fn those_that_wait_are_found_oldest_first() {
    let mut ids = IdMap::new();
    for token in TOKENS {
        ids.insert(token.as_bytes());
    }
    for answered in [3, 1, 16, 8] {
        ids.take(answered).unwrap();
    }
    assert_eq!(ids.waiting(), [2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15]);
    assert_eq!(ids.len(), 12);
}

#[test]
fn a_short_token_in_the_memory_of_a_long_one() {
    let mut ids = IdMap::new();
    for length in [500, 3, 100, 0, 1000, 1] {
        let token = "9".repeat(length);
        let key = ids.insert(token.as_bytes());
        assert_eq!(ids.take(key), Ok(token.as_bytes()));
    }
}

#[test]
fn a_hundred_thousand_in_flight_answered_in_random_order() {
    const COUNT: usize = 100_000;
    let token = |n: usize| format!("\"caller/cln:method#{n}\"");
    let mut ids = IdMap::new();
    let mut keys: Vec<(u64, usize)> =
        (0..COUNT).map(|n| (ids.insert(token(n).as_bytes()), n)).collect();
    assert_eq!(ids.len(), COUNT);
    let mut random = Random::new(11);
    for left in (1..COUNT).rev() {
        keys.swap(left, random.below(left + 1));
    }
    for (key, n) in keys {
        assert_eq!(ids.take(key), Ok(token(n).as_bytes()));
        assert_eq!(ids.take(key), Err(IdError::AlreadyAnswered(key)));
    }
    assert!(ids.is_empty());
    assert!(ids.waiting().is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<u8>),
    Take(u64),
    Look(u64),
}

fn step() -> impl Strategy<Value = Step> {
    // Some keys have not been issued, so they are unknown.
    prop_oneof![
        3 => vec(any::<u8>(), 0..40).prop_map(Step::Insert),
        3 => (0..80_u64).prop_map(Step::Take),
        1 => (0..80_u64).prop_map(Step::Look),
    ]
}

/// A map that keeps everything, to compare with.
#[derive(Default)]
struct Model {
    issued: u64,
    waiting: HashMap<u64, Vec<u8>>,
    answered: HashSet<u64>,
}

impl Model {
    fn find(&self, key: u64) -> Result<&[u8], IdError> {
        match self.waiting.get(&key) {
            Some(token) => Ok(token),
            None if self.answered.contains(&key) => Err(IdError::AlreadyAnswered(key)),
            None => Err(IdError::Unknown(key)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn does_what_a_simple_map_does(steps in vec(step(), 0..200)) {
        let (mut ids, mut model) = (IdMap::new(), Model::default());
        for step in steps {
            match step {
                Step::Insert(token) => {
                    model.issued += 1;
                    prop_assert_eq!(ids.insert(&token), model.issued);
                    model.waiting.insert(model.issued, token);
                }
                Step::Take(key) => {
                    prop_assert_eq!(ids.take(key), model.find(key));
                    if model.waiting.remove(&key).is_some() {
                        model.answered.insert(key);
                    }
                }
                Step::Look(key) => prop_assert_eq!(ids.token(key), model.find(key)),
            }
            prop_assert_eq!(ids.len(), model.waiting.len());
            prop_assert_eq!(ids.is_empty(), model.waiting.is_empty());
        }
        let mut waiting: Vec<u64> = model.waiting.into_keys().collect();
        waiting.sort_unstable();
        prop_assert_eq!(ids.waiting(), waiting);
    }
}
