//! One file for each fixed bug.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod arrays_are_the_same_however_cut;
mod bare_word_starts_at_its_first_byte;
mod decode_takes_only_strings;
mod large_tokens_are_let_go;
mod no_bytes_allowed;
mod outbox_forgets_what_is_written;
