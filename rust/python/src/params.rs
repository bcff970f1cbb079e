//! What a handler gets of a message.

/// A message's params or payload, as JSON text.
#[derive(Clone, Copy)]
pub struct Params<'a> {
    /// The text.
    pub text: &'a [u8],
    /// The text is known to have no escape and no character beyond ASCII.
    pub is_plain: bool,
}
