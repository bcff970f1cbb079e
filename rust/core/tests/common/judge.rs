//! What holds for any bytes. The fuzz targets assert it, and `every.rs` for all short texts; so
//! memory is reused from one case to the next.

use std::ops::Range;

use clnwire_core::{
    Envelope, Frame, Framer, IdError, IdMap, Kind, Limits, Malformed, Member, Outbox, members, text,
};

use super::{MEMBERS, lax, oracle, spans};

#[derive(Debug, Clone, PartialEq)]
struct Seen {
    place: Range<usize>,
    envelope: Envelope,
    fault: Option<Malformed>,
    is_refused: bool,
    is_plain: bool,
}

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    frames: Vec<Seen>,
    error: Option<Malformed>,
}

/// Judges streams.
#[derive(Default)]
pub struct Streams {
    whole: Outcome,
    cut: Outcome,
}

impl Streams {
    /// The stream gives the same frames and the same error whole and byte by byte; and serde_json,
    /// and for what is not JSON a second implementation of lightningd's parser, find the same.
    pub fn judge(&mut self, stream: &[u8]) {
        self.same_by_byte(stream, Limits::default());
        agreed(stream, &self.whole);
    }

    /// It gives the same in chunks of these lengths, which repeat, and under any limits.
    pub fn same_in_chunks(&mut self, stream: &[u8], lengths: &[u8], limits: Limits) {
        self.same_by_byte(stream, limits);
        self.cut.read(stream, Chunks { rest: stream, lengths: lengths.iter().cycle() }, limits);
        assert_eq!(self.cut, self.whole, "in chunks of {lengths:?} under {limits:?}");
    }

    /// The stream in two pieces, with another message behind a blank line, is what serde_json and
    /// the other parser find.
    pub fn judge_with_follower(&mut self, stream: &mut Vec<u8>, follower: &[u8]) {
        let length = stream.len();
        stream.extend_from_slice(b"\n\n");
        stream.extend_from_slice(follower);
        let (first, second) = stream.split_at(length + 3);
        self.cut.read(stream, [first, second], Limits::default());
        agreed(stream, &self.cut);
        stream.truncate(length);
    }

    fn same_by_byte(&mut self, stream: &[u8], limits: Limits) {
        self.whole.read(stream, [stream], limits);
        self.cut.read(stream, stream.chunks(1), limits);
        assert_eq!(self.cut, self.whole, "byte by byte under {limits:?}");
    }
}

struct Chunks<'a, Lengths> {
    rest: &'a [u8],
    lengths: Lengths,
}

impl<'a, 'b, Lengths: Iterator<Item = &'b u8>> Iterator for Chunks<'a, Lengths> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(*self.lengths.next().filter(|_| !self.rest.is_empty())?);
        let (chunk, rest) = self.rest.split_at(length.clamp(1, self.rest.len()));
        self.rest = rest;
        Some(chunk)
    }
}

impl Outcome {
    fn read<'a>(
        &mut self,
        stream: &[u8],
        chunks: impl IntoIterator<Item = &'a [u8]>,
        limits: Limits,
    ) {
        self.frames.clear();
        self.error = None;
        let mut framer = Framer::new(limits);
        for chunk in chunks.into_iter().filter(|chunk| !chunk.is_empty()) {
            framer.feed(chunk);
            self.take(&mut framer, stream);
        }
        framer.feed(b"");
        self.take(&mut framer, stream);
    }

    fn take(&mut self, framer: &mut Framer, stream: &[u8]) {
        loop {
            match framer.next_frame() {
                Ok(None) => return,
                Ok(Some(frame)) => {
                    assert_eq!(self.error, None, "a frame behind an error");
                    self.frames.push(Seen::new(&frame, stream));
                }
                Err(error) => {
                    assert_eq!(*self.error.get_or_insert(error), error, "a second error");
                    return;
                }
            }
        }
    }
}

impl Seen {
    fn new(frame: &Frame<'_>, stream: &[u8]) -> Self {
        let start = frame.offset() as usize;
        let place = start..start + frame.bytes().len();
        assert_eq!(&stream[place.clone()], frame.bytes());
        Self {
            place,
            envelope: frame.envelope().clone(),
            fault: frame.fault(),
            is_refused: frame.is_refused(),
            is_plain: frame.is_plain(),
        }
    }
}

/// What follows a message that is not JSON is read as a stream of its own.
fn agreed(stream: &[u8], outcome: &Outcome) {
    let mut frames = &outcome.frames[..];
    let mut start = 0;
    loop {
        let sound = frames.iter().position(|frame| frame.fault.is_some()).unwrap_or(frames.len());
        let fault = frames.get(sound).map_or(outcome.error, |lost| lost.fault);
        oracle::agrees(
            &stream[start..],
            frames[..sound].iter().map(|frame| frame.place.start - start..frame.place.end - start),
            fault.map(|fault| Malformed { offset: fault.offset - start as u64, ..fault }),
        );
        for frame in &frames[..sound] {
            let bytes = &stream[frame.place.clone()];
            assert_eq!(frame.is_plain, bytes.is_ascii() && !bytes.contains(&b'\\'));
            assert_eq!(spans(&frame.envelope), oracle::envelope(bytes));
            assert!(!frame.is_refused);
        }
        let Some(lost) = frames.get(sound) else { return };
        lost_alone(stream, lost);
        (frames, start) = (&frames[sound + 1..], lost.place.end);
    }
}

/// A message that is not JSON ends where lightningd's parser ends it. One that even that parser
/// refuses ends at a blank line, or where its brackets close.
fn lost_alone(stream: &[u8], lost: &Seen) {
    let message = &stream[lost.place.start..];
    let length = lost.place.len();
    match lax::read(message) {
        Some(value) => {
            assert_eq!(length, value.end, "where lightningd's parser ends it");
            assert_eq!(spans(&lost.envelope), value.members);
            assert_eq!(lost.is_refused, value.starts_oddly);
        }
        None => {
            let space = message[length..].iter().position(|byte| !b" \t\r\n".contains(byte));
            let behind = &message[length..space.map_or(message.len(), |space| length + space)];
            let is_apart = behind.windows(2).any(|pair| pair == b"\n\n");
            assert!(is_apart || lax::closed(message) == Some(length), "it ends anywhere");
            assert!(lost.is_refused);
        }
    }
}

/// Judges messages, of which all come from the same peer.
#[derive(Default)]
pub struct Messages {
    framer: Peer,
    ids: IdMap,
    values: Vec<Range<usize>>,
    inserted: Vec<(u64, Range<usize>)>,
    replies: Peer,
    outbox: Outbox,
}

struct Peer(Framer);

impl Default for Peer {
    fn default() -> Self {
        Self(Framer::new(Limits::default()))
    }
}

impl Messages {
    /// Each value's members are where serde_json finds them, the first of two; names, kinds and
    /// payloads agree; its id comes back byte for byte and once; and a reply made of it is read as
    /// that reply. Stops at what is not JSON; white space ends the last value.
    pub fn judge(&mut self, stream: &[u8]) {
        self.values.clear();
        oracle::values(stream, |value| self.values.push(value));
        let Peer(framer) = &mut self.framer;
        framer.feed(&stream[..self.values.last().map_or(0, |last| last.end)]);
        framer.feed(b"\n\n");
        for value in self.values.drain(..) {
            let Ok(Some(frame)) = framer.next_frame() else { panic!("a frame is missing") };
            let bytes = &stream[value.clone()];
            assert_eq!(frame.bytes(), bytes);
            judge_members(&frame, bytes);
            if let Some(token) = frame.id() {
                let start = value.start + frame.envelope().range(Member::Id).unwrap().start;
                self.inserted.push((self.ids.insert(token), start..start + token.len()));
            }
        }
        assert!(matches!(framer.next_frame(), Ok(None)), "a frame too many");
        self.each_is_answered_once(stream);
    }

    /// Answers the newest first, so that answers come in another order than requests.
    fn each_is_answered_once(&mut self, stream: &[u8]) {
        assert!(self.ids.waiting().iter().eq(self.inserted.iter().map(|(key, _)| key)));
        while let Some((key, place)) = self.inserted.pop() {
            let token = &stream[place];
            assert_eq!(self.ids.token(key), Ok(token));
            assert_eq!(self.ids.take(key), Ok(token));
            assert_eq!(self.ids.take(key), Err(IdError::AlreadyAnswered(key)));
            self.comes_back(token);
        }
        assert!(self.ids.is_empty());
    }

    /// A reply with the token is read back as one, and its text as the same text.
    fn comes_back(&mut self, token: &[u8]) {
        let message = String::from_utf8_lossy(token);
        self.outbox.error(token, -1, &message, Some(token));
        let Peer(replies) = &mut self.replies;
        replies.feed(self.outbox.pending());
        self.outbox.advance(self.outbox.pending().len());
        let Ok(Some(frame)) = replies.next_frame() else { panic!("the reply is no frame") };
        assert_eq!((frame.kind(), frame.id()), (Kind::Reply, Some(token)));
        let error = members(frame.get(Member::Error).expect("an error")).expect("an object");
        assert_eq!(text::decode(error[1].1).as_deref(), Some(&*message));
        assert_eq!(error[2], ("data".to_owned(), token));
    }
}

fn judge_members(frame: &Frame<'_>, bytes: &[u8]) {
    let expected = oracle::envelope(bytes);
    assert_eq!(spans(frame.envelope()), expected);
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
}

fn kind(members: &[Option<Range<usize>>; MEMBERS.len()]) -> Kind {
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
    let expected = oracle::members(bytes);
    let expected = expected
        .iter()
        .filter_map(|(key, value)| Some((serde_json::from_str(key).ok()?, value.as_bytes())));
    match members(bytes) {
        Ok(found) => assert!(expected.eq(found), "of {}", String::from_utf8_lossy(bytes)),
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
