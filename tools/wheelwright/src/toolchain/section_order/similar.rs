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
    /// Every `GRAM` bytes in a row, once each, without what the linker replaces.
    fn grams(mut self) -> Vec<u64> {
        self.unknown.sort_unstable();
        let mut unknown = self.unknown.iter().peekable();
        let mut grams = Vec::with_capacity(self.bytes.len());
        for (at, window) in self.bytes.windows(GRAM).enumerate() {
            while unknown
                .next_if(|start| start.saturating_add(4) <= at)
                .is_some()
            {}
            if unknown.peek().is_none_or(|start| **start >= at + GRAM) {
                let mut gram = [0; 8];
                gram[..GRAM].copy_from_slice(window);
                grams.push(u64::from_le_bytes(gram));
            }
        }
        grams.sort_unstable();
        grams.dedup();
        grams
    }
}

/// Returns the numbers of `pieces` in the order in which they compress well; as they are
/// if there are so many that it would take long, or gigabytes of memory.
pub(super) fn order(pieces: Vec<Piece<'_>>) -> Vec<usize> {
    let sizes: Vec<usize> = pieces.iter().map(|piece| piece.bytes.len()).collect();
    if sizes.len() > MOST || sizes.iter().sum::<usize>() > LARGEST {
        return (0..sizes.len()).collect();
    }
    let mut grams: Vec<(u64, usize)> = Vec::new();
    for (number, piece) in pieces.into_iter().enumerate() {
        grams.extend(piece.grams().into_iter().map(|gram| (gram, number)));
    }
    grams.sort_unstable();
    let shared: Vec<&[(u64, usize)]> = grams
        .chunk_by(|one, other| one.0 == other.0)
        .filter(|pieces| (2..=COMMON).contains(&pieces.len()))
        .collect();
    let mut of_piece: Vec<Vec<usize>> = vec![Vec::new(); sizes.len()];
    for (gram, pieces) in shared.iter().enumerate() {
        for (_, number) in *pieces {
            of_piece[*number].push(gram);
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
                for (_, number) in shared[*gram] {
                    score[*number] += 1;
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
                    for (_, number) in shared[*gram] {
                        score[*number] -= 1;
                    }
                }
            }
        }
    }
    ordered
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
