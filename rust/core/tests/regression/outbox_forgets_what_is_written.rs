//! While messages were waiting, the outbox kept everything written since it was last empty: a
//! reader that was always a little behind made it grow without end.

use allocation_counter::measure;
use clnwire_core::Outbox;

#[test]
fn a_reader_that_is_always_behind() {
    let result = vec![b'1'; 1000];
    let memory = measure(|| {
        let mut outbox = Outbox::new();
        outbox.reply(b"0", &result);
        let behind = outbox.pending().len();
        for _ in 0..10_000 {
            outbox.reply(b"1", &result);
            outbox.advance(outbox.pending().len() - behind);
            assert_eq!(outbox.pending().len(), behind);
        }
    });
    assert!(memory.bytes_max < 50_000, "{} bytes for a kilobyte that waits", memory.bytes_max);
}

#[test]
fn what_waits_is_neither_lost_nor_repeated() {
    let (mut outbox, mut expected, mut written) = (Outbox::new(), Vec::new(), Vec::new());
    for n in 0..2000_usize {
        let token = n.to_string();
        outbox.reply(token.as_bytes(), b"{}");
        expected.extend_from_slice(
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{token},\"result\":{{}}}}\n\n").as_bytes(),
        );
        let count = (n * 7919 % 61).min(outbox.pending().len());
        written.extend_from_slice(&outbox.pending()[..count]);
        outbox.advance(count);
    }
    written.extend_from_slice(outbox.pending());
    assert!(written == expected);
}
