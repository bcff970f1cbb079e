//! The part of a message that a handler gets.

/// A message's params or payload, as JSON text.
#[derive(Clone, Copy)]
pub struct Params<'a> {
    /// The text.
    pub text: &'a [u8],
    /// Whether the text is known to have no escape and no character beyond ASCII.
    pub is_plain: bool,
}
