//! One page: a branch, a leaf, or the first of a run of overflow pages.

use std::cmp::Ordering;

use super::meta::{u16_at, u32_at, u64_at};
use super::{Checked, Damage, View};

/// Bytes before a page's content.
pub(crate) const HEADER: usize = 16;
/// Bytes before a node's key.
const NODE: usize = 8;

const P_BRANCH: u16 = 0x01;
const P_LEAF: u16 = 0x02;
const P_OVERFLOW: u16 = 0x04;

/// The data is on overflow pages.
const F_BIG: u16 = 0x01;
/// The data is the root of a table.
const F_TABLE: u16 = 0x02;

/// A branch or leaf page, whose header is sound.
#[derive(Clone, Copy)]
pub(crate) struct Page<'v> {
    pub number: u64,
    pub leaf: bool,
    /// How many nodes it has.
    pub len: usize,
    upper: usize,
    bytes: &'v [u8],
}

/// One node of a page: a key, and the child or the data.
#[derive(Clone, Copy)]
pub(crate) struct Node<'v> {
    pub key: &'v [u8],
    flags: u16,
    /// The low half of a child's number, or the length of the data.
    low: u32,
    rest: &'v [u8],
}

/// Where the data of a leaf's node is.
pub(crate) enum Data<'v> {
    Inline(&'v [u8]),
    /// The first overflow page and the length.
    Overflow(u64, usize),
    /// The root of a table.
    Table(&'v [u8]),
}

/// Returns the first bytes of a key as a number: where two keys have other numbers, they are in the
/// order of these.
fn first_bytes(key: &[u8]) -> u64 {
    let bytes = key.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        bytes
    });
    u64::from_be_bytes(bytes)
}

impl Node<'_> {
    /// Returns the number of the child, of a branch.
    fn child(&self) -> u64 {
        u64::from(self.low) | u64::from(self.flags) << 32
    }
}

impl<'v> Page<'v> {
    pub(super) fn parse(number: u64, bytes: &'v [u8]) -> Checked<Self> {
        let fail = |detail: &str| Err(Damage::new(number, detail));
        if u64_at(bytes, 0) != number {
            return fail("it says it is another page");
        }
        let leaf = match u16_at(bytes, 10) {
            P_BRANCH => false,
            P_LEAF => true,
            _ => return fail("neither a branch nor a leaf"),
        };
        let (lower, upper) = (
            usize::from(u16_at(bytes, 12)),
            usize::from(u16_at(bytes, 14)),
        );
        if lower < HEADER || lower % 2 != 0 || lower > upper || upper > bytes.len() {
            return fail("its free space is impossible");
        }
        Ok(Self {
            number,
            leaf,
            len: (lower - HEADER) / 2,
            upper,
            bytes,
        })
    }

    fn fail<T>(&self, index: usize) -> Checked<T> {
        Err(Damage::new(
            self.number,
            format!("entry {index} of {} is not inside the page", self.len),
        ))
    }

    /// Returns the node at `index`.
    pub fn node(&self, index: usize) -> Checked<Node<'v>> {
        if index >= self.len {
            return self.fail(index);
        }
        let at = usize::from(u16_at(self.bytes, HEADER + 2 * index));
        let Some(node) = self.bytes.get(at..).filter(|node| node.len() >= NODE) else {
            return self.fail(index);
        };
        let key_end = NODE + usize::from(u16_at(node, 6));
        match (node.get(NODE..key_end), node.get(key_end..)) {
            (Some(key), Some(rest)) => Ok(Node {
                key,
                flags: u16_at(node, 4),
                low: u32_at(node, 0),
                rest,
            }),
            _ => self.fail(index),
        }
    }

    /// Returns the key at `index`. Searches call nothing else, so it does no more than that takes.
    fn key(&self, index: usize) -> Checked<&'v [u8]> {
        let at = usize::from(u16_at(self.bytes, HEADER + 2 * index));
        let node = self.bytes.get(at..);
        let key = node.and_then(|node| {
            let (head, rest) = node.split_first_chunk::<NODE>()?;
            let [.., low, high] = *head;
            rest.get(..usize::from(u16::from_le_bytes([low, high])))
        });
        match key {
            Some(key) if index < self.len => Ok(key),
            _ => self.fail(index),
        }
    }

    /// Returns the number of the child at `index`, of a branch.
    pub fn child(&self, index: usize) -> Checked<u64> {
        Ok(self.node(index)?.child())
    }

    /// Returns the data at `index`, of a leaf.
    pub fn data(&self, index: usize) -> Checked<Data<'v>> {
        self.data_of(index, &self.node(index)?)
    }

    fn data_of(&self, index: usize, node: &Node<'v>) -> Checked<Data<'v>> {
        let length = node.low as usize;
        match node.flags {
            0 | F_TABLE => match node.rest.get(..length) {
                Some(bytes) if node.flags == 0 => Ok(Data::Inline(bytes)),
                Some(bytes) => Ok(Data::Table(bytes)),
                None => self.fail(index),
            },
            F_BIG if node.rest.len() >= 8 => Ok(Data::Overflow(u64_at(node.rest, 0), length)),
            _ => self.fail(index),
        }
    }

    /// Returns the bytes at `index`, of a leaf, wherever they are.
    pub fn value(&self, view: &'v View, index: usize) -> Checked<&'v [u8]> {
        match self.data(index)? {
            Data::Inline(bytes) | Data::Table(bytes) => Ok(bytes),
            Data::Overflow(first, length) => view.overflow(first, length),
        }
    }

    /// Returns the first index whose key is not less than `key`. A branch's first key
    /// counts as less than any.
    pub fn lower_bound(&self, key: &[u8]) -> Checked<usize> {
        let (mut low, mut high) = (usize::from(!self.leaf), self.len);
        let first = first_bytes(key);
        while low < high {
            let middle = low.midpoint(high);
            let found = self.key(middle)?;
            // Most keys differ in their first bytes, and numbers are compared more quickly than bytes.
            let is_less = match first_bytes(found).cmp(&first) {
                Ordering::Equal => found < key,
                other => other.is_lt(),
            };
            if is_less {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Returns the index of the child that `key` belongs to, of a branch.
    pub fn child_for(&self, key: &[u8]) -> Checked<usize> {
        let bound = self.lower_bound(key)?;
        let exact = bound < self.len && self.node(bound)?.key == key;
        Ok(if exact {
            bound
        } else {
            bound.saturating_sub(1)
        })
    }

    /// Checks everything that LMDB relies on: nodes lie inside and side by side,
    /// and, if `ordered`, keys ascend.
    pub fn check(&self, pages: u64, ordered: bool) -> Checked<()> {
        let fail = |detail: String| Err(Damage::new(self.number, detail));
        let mut used = 0;
        let mut before: Option<&[u8]> = None;
        for index in 0..self.len {
            let at = usize::from(u16_at(self.bytes, HEADER + 2 * index));
            let node = self.node(index)?;
            let data = if self.leaf {
                match self.data_of(index, &node)? {
                    Data::Inline(bytes) | Data::Table(bytes) => bytes.len(),
                    Data::Overflow(first, _) if first < 2 || first >= pages => {
                        return fail(format!("entry {index} is on page {first} of {pages}"));
                    }
                    Data::Overflow(..) => 8,
                }
            } else {
                let child = node.child();
                if child < 2 || child >= pages {
                    return fail(format!("child {index} is page {child} of {pages}"));
                }
                0
            };
            if at < self.upper || at % 2 != 0 {
                return self.fail(index);
            }
            used += (NODE + node.key.len() + data).next_multiple_of(2);
            // The first key of a branch is not used.
            let compare = ordered && (self.leaf || index > 1);
            if compare && before.is_some_and(|before| before >= node.key) {
                return fail(format!("the keys are out of order at entry {index}"));
            }
            before = Some(node.key);
        }
        if used != self.bytes.len() - self.upper {
            return fail("its entries do not fill what they should".to_owned());
        }
        Ok(())
    }
}

/// Checks the header of overflow pages, and returns how many pages it is for.
pub(super) fn check_overflow(number: u64, bytes: &[u8]) -> Checked<u64> {
    if u64_at(bytes, 0) == number && u16_at(bytes, 10) == P_OVERFLOW {
        Ok(u64::from(u32_at(bytes, 12)))
    } else {
        Err(Damage::new(number, "not the overflow pages it should be"))
    }
}
