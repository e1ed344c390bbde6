//! Large buffers in memory.
//!
//! The first write to each page of fresh memory is a fault, and takes longer than to copy
//! what goes there. Linux has pages that are 512 times as large for programs that ask for
//! them, and so 512 times fewer faults: to copy 60 MiB takes a fifth of the time.

use std::mem::MaybeUninit;

/// The least number of bytes for which large pages are asked for.
pub const LARGE: usize = 4 << 20;

/// Appends `bytes` to `buffer`.
pub fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.reserve(bytes.len());
    if let Some(fresh) = buffer.spare_capacity_mut().get_mut(..bytes.len()) {
        ask_for_large_pages(fresh);
    }
    buffer.extend_from_slice(bytes);
}

/// Returns a copy of `bytes`.
pub fn copy(bytes: &[u8]) -> Vec<u8> {
    let mut buffer = Vec::new();
    buffer.reserve_exact(bytes.len());
    append(&mut buffer, bytes);
    buffer
}

/// Asks the system to take large pages for memory that is about to be written for the first
/// time. Where it has none, nothing changes.
#[cfg(target_os = "linux")]
pub fn ask_for_large_pages(fresh: &mut [MaybeUninit<u8>]) {
    /// No page that is not large has more bytes, so the ends of all fit.
    const MULTIPLE: usize = 64 << 10;
    if fresh.len() < LARGE {
        return;
    }
    let before = fresh.as_ptr().addr().wrapping_neg() % MULTIPLE;
    let length = (fresh.len() - before) / MULTIPLE * MULTIPLE;
    if let Some(pages) = fresh.get_mut(before..before + length) {
        let start = pages.as_mut_ptr().cast();
        let advice = rustix::mm::Advice::LinuxHugepage;
        // SAFETY: the pages are in memory that is borrowed here alone, and the advice does not
        // change what is in them. A kernel without large pages refuses; then others do.
        let _refused = unsafe { rustix::mm::madvise(start, length, advice) };
    }
}

/// Does nothing: other systems choose the size of pages themselves.
#[cfg(not(target_os = "linux"))]
pub fn ask_for_large_pages(_fresh: &mut [MaybeUninit<u8>]) {}

/// Gives memory that was freed back to the system, before much more is needed.
///
/// Once a program has freed a large buffer, glibc keeps what it frees of that size and less, in case that
/// it is wanted again: a clone of a million nodes had 28 MiB of it. Other C libraries keep less.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() {
    // SAFETY: it changes only what nobody has, and may be called by any thread at any time.
    unsafe { libc::malloc_trim(0) };
}

/// Does nothing: other C libraries give large buffers back when they are freed.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_any_size_are_equal() {
        for length in [0, 1, LARGE - 1, LARGE, LARGE + 100_001, 3 * LARGE] {
            let bytes: Vec<u8> = (0..=250).cycle().step_by(7).take(length).collect();
            assert_eq!(copy(&bytes), bytes);
            let mut buffer = vec![1, 2, 3];
            append(&mut buffer, &bytes);
            append(&mut buffer, b"end");
            assert_eq!(buffer.len(), length + 6);
            assert!(buffer.starts_with(&[1, 2, 3]) && buffer.ends_with(b"end"));
            assert_eq!(buffer[3..3 + length], bytes);
        }
    }
}
