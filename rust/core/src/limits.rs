//! How long and how deep a frame may be.

/// The default of [`Limits::max_frame_bytes`]: five times the largest known reply of a daemon
/// (about 100 MB of gossip). It bounds the memory for a frame that never ends.
pub const DEFAULT_MAX_FRAME_BYTES: usize = 512 << 20;

/// The default of [`Limits::max_depth`]. A level costs one bit here, so the limit can be far above
/// what decoders accept. They guard their own stack.
pub const DEFAULT_MAX_DEPTH: usize = 1 << 20;

/// What a framer accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest frame, in bytes. 0 counts as 1.
    pub max_frame_bytes: usize,
    /// The deepest nesting of arrays and objects.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_frame_bytes: DEFAULT_MAX_FRAME_BYTES, max_depth: DEFAULT_MAX_DEPTH }
    }
}
