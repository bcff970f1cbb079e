//! A message's members are where serde_json finds them (the first of duplicates), and the map
//! returns its id byte for byte, once.

#![no_main]

#[path = "../../core/tests/common/oracle.rs"]
#[allow(dead_code)]
mod oracle;

use clnwire_core::{
    Envelope, Framer, IdError, IdMap, Kind, Limits, Member, Outbox, members, text,
};
use libfuzzer_sys::fuzz_target;

const MEMBERS: [Member; 7] = [
    Member::Jsonrpc,
    Member::Id,
    Member::Method,
    Member::Params,
    Member::Result,
    Member::Error,
    Member::Origin,
];

fuzz_target!(|data: &[u8]| {
    let (values, _) = oracle::values(data);
    let mut framer = Framer::new(Limits::default());
    let mut ids = IdMap::new();
    let mut inserted = Vec::new();
    framer.feed(data);
    framer.feed(b"");
    for value in values {
        let Ok(Some(frame)) = framer.next_frame() else { panic!("a frame is missing") };
        let bytes = &data[value];
        let expected = oracle::envelope(bytes);
        assert_eq!(MEMBERS.map(|member| frame.envelope().range(member)), expected);
        let parsed = Envelope::parse(bytes, Limits::default()).expect("it is one value");
        assert_eq!(&parsed, frame.envelope());
        assert_eq!(frame.kind(), kind(&expected));
        same_members(bytes);
        if let Some(method) = frame.get(Member::Method) {
            let name: Option<String> = serde_json::from_slice(method).ok();
            assert_eq!(frame.method().as_deref(), name.as_deref());
        }
        if let Some(params) = frame.get(Member::Params) {
            same_payload(params, frame.payload("connect"));
        }
        if let Some(token) = frame.id() {
            inserted.push((ids.insert(token), token.to_vec()));
        }
    }
    each_is_answered_once(ids, inserted);
});

fn kind(members: &[Option<std::ops::Range<usize>>; 7]) -> Kind {
    let has = |member: Member| members[member as usize].is_some();
    match (has(Member::Method), has(Member::Id)) {
        (true, true) => Kind::Request,
        (true, false) => Kind::Notification,
        (false, true) if has(Member::Result) || has(Member::Error) => Kind::Reply,
        _ => Kind::Other,
    }
}

/// All members whose name is text, in order.
fn same_members(bytes: &[u8]) {
    let expected: Vec<(String, &[u8])> = oracle::members(bytes)
        .into_iter()
        .filter_map(|(key, value)| Some((serde_json::from_str(key).ok()?, value.as_bytes())))
        .collect();
    match members(bytes) {
        Ok(found) => assert_eq!(found, expected),
        Err(_) => assert!(!bytes.starts_with(b"{")),
    }
}

/// The payload is unwrapped if its only member, spelled without an escape, has the topic's name.
fn same_payload(params: &[u8], found: &[u8]) {
    let expected = match oracle::members(params)[..] {
        [("\"connect\"", payload)] => payload.as_bytes(),
        _ => params,
    };
    assert_eq!(found, expected);
}

/// Answers the newest first, so that answers come in another order than requests.
fn each_is_answered_once(mut ids: IdMap, inserted: Vec<(u64, Vec<u8>)>) {
    let keys: Vec<u64> = inserted.iter().map(|(key, _)| *key).collect();
    assert_eq!(ids.waiting(), keys);
    for (key, token) in inserted.iter().rev() {
        assert_eq!(ids.token(*key), Ok(&token[..]));
        assert_eq!(ids.take(*key), Ok(&token[..]));
        assert_eq!(ids.take(*key), Err(IdError::AlreadyAnswered(*key)));
        comes_back(token);
    }
    assert!(ids.is_empty());
}

/// A reply with the token is read back as one, and its text as the same text.
fn comes_back(token: &[u8]) {
    let message = String::from_utf8_lossy(token);
    let mut outbox = Outbox::new();
    outbox.error(token, -1, &message, Some(token));
    let mut framer = Framer::new(Limits::default());
    framer.feed(outbox.pending());
    let Ok(Some(frame)) = framer.next_frame() else { panic!("the reply is no frame") };
    assert_eq!((frame.kind(), frame.id()), (Kind::Reply, Some(token)));
    let error = members(frame.get(Member::Error).expect("an error")).expect("an object");
    assert_eq!(text::decode(error[1].1).as_deref(), Some(&*message));
    assert_eq!(error[2], ("data".to_owned(), token));
}
