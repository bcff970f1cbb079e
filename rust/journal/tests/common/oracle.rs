//! A reader of journals by `docs/replica-format.md` alone. It shares no code with the crate.
//!
//! It stops at the first bytes that are no record, and does not ask why.

/// Sequence, epoch, foreign keys and payload.
pub type Set = (u64, u64, bool, Vec<u8>);

/// The sets in segments, whose numbers begin with 1. A set that was replaced is left out.
pub fn read(segments: &[Vec<u8>]) -> Vec<Set> {
    let mut sets: Vec<(Set, [u8; 32], [u8; 32])> = Vec::new();
    let mut ordinal = None;
    for (index, content) in segments.iter().enumerate() {
        let Some(header) = content.get(..80) else { break };
        let is_whole = &header[..8] == b"CLNWJRNL"
            && header[76..80] == crc32c::crc32c(&header[..76]).to_le_bytes()
            && header[72..76] == 1_u32.to_le_bytes()
            && u64_of(&header[8..]) == index as u64 + 1
            && u64_of(&header[16..]) == content.len() as u64;
        if !is_whole || ordinal.is_some_and(|next| next != u64_of(&header[24..])) {
            break;
        }
        let mut next = u64_of(&header[24..]);
        let mut start = Some((u64_of(&header[32..]), header[40..72].to_vec()));
        let mut at = 80;
        while let Some((set, chain, length)) = record(content, at, next) {
            let before = match sets.last() {
                None => start.take().filter(|(first, _)| *first == set.0).map(|(_, chain)| chain),
                Some((last, _, after)) if last.0.checked_add(1) == Some(set.0) => {
                    Some(after.to_vec())
                }
                Some((last, before, _)) if last.0 == set.0 => Some(before.to_vec()),
                Some(_) => None,
            };
            let Some(before) = before else { return finish(sets) };
            if start.take().is_some_and(|(first, chain)| first != set.0 || chain != before) {
                return finish(sets);
            }
            let flag = [u8::from(set.2)];
            let whole = [&set.3[..], &before, &set.0.to_le_bytes(), &flag].concat();
            if blake3::hash(&whole).as_bytes() != &chain {
                return finish(sets);
            }
            if sets.last().is_some_and(|(last, ..)| last.0 == set.0) {
                sets.pop();
            }
            let mut kept = [0; 32];
            kept.copy_from_slice(&before);
            sets.push((set, kept, chain));
            (at, next) = (at + length, next.wrapping_add(1));
        }
        ordinal = Some(next);
        if content[at..].iter().any(|&byte| byte != 0) {
            break;
        }
    }
    finish(sets)
}

fn finish(sets: Vec<(Set, [u8; 32], [u8; 32])>) -> Vec<Set> {
    sets.into_iter().map(|(set, ..)| set).collect()
}

fn record(content: &[u8], at: usize, ordinal: u64) -> Option<(Set, [u8; 32], usize)> {
    let header = content.get(at..at + 72)?;
    let crc = crc32c::crc32c(&header[..68]);
    if &header[..4] != b"SET\xb1" || header[68..] != crc.to_le_bytes() {
        return None;
    }
    if header[64] != 1
        || header[65] > 1
        || header[66..68] != [0, 0]
        || u64_of(&header[8..]) != ordinal
    {
        return None;
    }
    let length = (u64_of(&header[..8]) >> 32) as usize;
    let payload = content.get(at + 72..at + 72 + length)?;
    let padded = length.next_multiple_of(8);
    let padding = content.get(at + 72 + length..at + 72 + padded)?;
    let end = content.get(at + 72 + padded..at + 80 + padded)?;
    let sound = padding.iter().all(|&byte| byte == 0)
        && end[..4] == crc32c::crc32c(payload).to_le_bytes()
        && &end[4..] == b"END\xb1";
    let mut chain = [0; 32];
    chain.copy_from_slice(&header[32..64]);
    let set = (u64_of(&header[16..]), u64_of(&header[24..]), header[65] == 1, payload.to_vec());
    sound.then_some((set, chain, padded + 80))
}

fn u64_of(bytes: &[u8]) -> u64 {
    bytes[..8].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}
