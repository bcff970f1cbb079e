//! Changes to segments, each of eight bytes; some repair a checksum, so that what they change is
//! looked at.

/// Applies the changes.
pub fn mutate(files: &mut [Vec<u8>], changes: &[u8]) {
    for change in changes.chunks_exact(8) {
        let [kind, file, a, b, c, d, count, value] = *change else { continue };
        let file = usize::from(file) % files.len();
        let size = files[file].len().max(1);
        let (at, to) = (number(a, b) % size, number(c, d) % size);
        let content = &mut files[file];
        match kind % 8 {
            0 => set(content, at, value),
            1 => {
                let flipped = content.get(at).map_or(0, |byte| byte ^ 1 << (value % 8));
                set(content, at, flipped);
            }
            2 => content.truncate(at),
            3 => {
                let count = (usize::from(count) * 8 + 1).min(size - at.max(to));
                if content.len() == size {
                    content.copy_within(at..at + count, to);
                }
            }
            4 => {
                let start = at / 512 * 512;
                let end = (start + 512).min(content.len());
                content.get_mut(start..end).into_iter().flatten().for_each(|byte| *byte = 0);
            }
            5 => repair(content, at / 8 * 8, 68),
            6 => repair(content, 0, 76),
            _ => {
                let from = usize::from(value) % files.len();
                files[file] = files[from].clone();
            }
        }
    }
}

fn number(low: u8, high: u8) -> usize {
    usize::from(low) | usize::from(high) << 8
}

fn set(content: &mut [u8], at: usize, value: u8) {
    if let Some(byte) = content.get_mut(at) {
        *byte = value;
    }
}

/// Gives a header of `length` bytes, the first one from `from` on, its checksum.
fn repair(content: &mut [u8], from: usize, length: usize) {
    let magic: &[u8] = if length == 68 { b"SET\xb1" } else { b"CLNWJRNL" };
    let found = (from..content.len()).step_by(8).find(|&at| content[at..].starts_with(magic));
    if let Some(at) = found
        && at + length + 4 <= content.len()
    {
        let checksum = crc32c::crc32c(&content[at..at + length]).to_le_bytes();
        content[at + length..at + length + 4].copy_from_slice(&checksum);
    }
}
