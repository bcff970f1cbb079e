//! Which arrays and objects are open.

/// The open arrays and objects, one bit each: a hundred thousand of them take 12 kB.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    depth: usize,
    objects: Vec<u64>,
}

impl Nesting {
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) fn clear(&mut self) {
        self.depth = 0;
    }

    pub(crate) fn open(&mut self, object: bool) {
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if word == self.objects.len() {
            self.objects.push(0);
        }
        if object {
            self.objects[word] |= bit;
        } else {
            self.objects[word] &= !bit;
        }
        self.depth += 1;
    }

    /// Requires that something is open.
    pub(crate) fn close(&mut self) {
        self.depth -= 1;
    }

    /// Requires that something is open.
    pub(crate) fn in_object(&self) -> bool {
        let innermost = self.depth - 1;
        self.objects[innermost / 64] & (1 << (innermost % 64)) != 0
    }

    /// Whether the innermost open value is an array; false if nothing is open.
    pub(crate) fn in_array(&self) -> bool {
        self.depth > 0 && !self.in_object()
    }
}
