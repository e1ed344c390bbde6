//! An order in which similar pieces of a file are near each other.
//!
//! Deflate finds what it has seen in the last 32 KiB only. So each next piece is the one
//! of which the largest part is there already. All is computed with whole numbers: every
//! machine finds the same order.

use std::collections::VecDeque;
/// How far back deflate finds what it has seen, in bytes.
const WINDOW: usize = 32 * 1024;
/// How many bytes are compared at once.
const GRAM: usize = 5;
/// The bits of so many bytes.
const GRAM_BITS: u64 = (1 << (8 * GRAM)) - 1;
/// The bits of a piece's number.
const NUMBER_BITS: u32 = 16;
/// What is in more pieces than this is in the window anyway.
const COMMON: usize = 128;
/// More pieces than this are not ordered.
const MOST: usize = 30_000;
/// Pieces of more bytes than this are not ordered.
const LARGEST: usize = 16 * 1024 * 1024;

/// One piece: the bytes of a function, for example.
#[derive(Debug, Default)]
pub(super) struct Piece<'a> {
    /// Its bytes.
    pub(super) bytes: &'a [u8],
    /// Where the linker will replace four of them.
    pub(super) unknown: Vec<usize>,
}

impl Piece<'_> {
    /// Adds every `GRAM` bytes in a row, without what the linker replaces, to `grams`: each
    /// as one number, with that of the piece in its last bits.
    fn add_grams(mut self, number: usize, grams: &mut Vec<u64>) {
        self.unknown.sort_unstable();
        let mut unknown = self.unknown.iter().peekable();
        let number = number as u64;
        let mut last = 0_u64;
        for (at, byte) in self.bytes.iter().enumerate() {
            last = (last << 8 | u64::from(*byte)) & GRAM_BITS;
            let Some(start) = (at + 1).checked_sub(GRAM) else {
                continue;
            };
            while unknown
                .next_if(|place| place.saturating_add(4) <= start)
                .is_some()
            {}
            if unknown.peek().is_none_or(|place| **place > at) {
                grams.push(last << NUMBER_BITS | number);
            }
        }
    }
}

/// Returns the numbers of `pieces` in the order in which they compress well; as they are
/// if there are so many that it would take long, or gigabytes of memory.
pub(super) fn order(pieces: Vec<Piece<'_>>) -> Vec<usize> {
    let sizes: Vec<usize> = pieces.iter().map(|piece| piece.bytes.len()).collect();
    if sizes.len() > MOST || sizes.iter().sum::<usize>() > LARGEST {
        return (0..sizes.len()).collect();
    }
    let mut grams = Vec::with_capacity(sizes.iter().sum());
    for (number, piece) in pieces.into_iter().enumerate() {
        piece.add_grams(number, &mut grams);
    }
    grams.sort_unstable();
    grams.dedup();
    let shared: Vec<&[u64]> = grams
        .chunk_by(|one, other| one >> NUMBER_BITS == other >> NUMBER_BITS)
        .filter(|pieces| (2..=COMMON).contains(&pieces.len()))
        .collect();
    let mut of_piece: Vec<Vec<usize>> = vec![Vec::new(); sizes.len()];
    for (gram, pieces) in shared.iter().enumerate() {
        for found in *pieces {
            of_piece[number_in(*found)].push(gram);
        }
    }

    let weights: Vec<u64> = sizes.iter().map(|size| weight(*size)).collect();
    // How many of its grams are in the window, for each piece.
    let mut score = vec![0_u64; sizes.len()];
    // How many pieces of the window each gram is in.
    let mut in_window = vec![0_u32; shared.len()];
    let mut window = VecDeque::new();
    let mut filled = 0;
    let mut left: Vec<usize> = (0..sizes.len()).collect();
    let mut ordered = Vec::with_capacity(sizes.len());
    while !left.is_empty() {
        let next = left.remove(best(&left, &score, &weights));
        ordered.push(next);
        window.push_back(next);
        filled += sizes[next];
        for gram in &of_piece[next] {
            in_window[*gram] += 1;
            if in_window[*gram] == 1 {
                for found in shared[*gram] {
                    score[number_in(*found)] += 1;
                }
            }
        }
        while filled > WINDOW
            && let Some(gone) = window.pop_front()
        {
            filled -= sizes[gone];
            for gram in &of_piece[gone] {
                in_window[*gram] -= 1;
                if in_window[*gram] == 0 {
                    for found in shared[*gram] {
                        score[number_in(*found)] -= 1;
                    }
                }
            }
        }
    }
    ordered
}

/// The number of the piece that a gram was found in.
fn number_in(found: u64) -> usize {
    let [.., high, low] = found.to_be_bytes();
    usize::from(u16::from_be_bytes([high, low]))
}

/// The place in `left` of the piece that shares most; of the first one if several do.
///
/// Most of the time goes here. Releases are built by a wheelwright that is not optimised, for
/// which indexing a slice is no call, as it is for a `Vec`, and counting is cheaper than a range.
fn best(left: &[usize], score: &[u64], weights: &[u64]) -> usize {
    let (mut best, mut at) = (0, 1);
    while at < left.len() {
        let (one, other) = (left[at], left[best]);
        if score[one] * weights[other] > score[other] * weights[one] {
            best = at;
        }
        at += 1;
    }
    best
}

/// What the share of a piece is measured by: a little one is no better than it is long.
fn weight(size: usize) -> u64 {
    (size + 256) as u64
}
