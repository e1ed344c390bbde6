//! Seals: a short hash over each entry that is not an object.
//!
//! Objects are checked against their ids. Refs, drafts, calls and facts have
//! no such id, so each of their entries ends in the first eight bytes of a hash
//! of table, key and value. A flipped bit gives an error, never another branch.

use crate::store::Table;

/// Bytes of a seal.
pub(super) const LENGTH: usize = 8;

fn hash(table: Table, key: &[u8], value: &[u8]) -> [u8; LENGTH] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(table.name().as_bytes());
    hasher.update(&[0]);
    hasher.update(&(key.len() as u64).to_be_bytes());
    hasher.update(key);
    hasher.update(value);
    let mut seal = [0; LENGTH];
    hasher.finalize_xof().fill(&mut seal);
    seal
}

/// `value` with its seal.
pub(super) fn seal(table: Table, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(value.len() + LENGTH);
    sealed.extend_from_slice(value);
    sealed.extend_from_slice(&hash(table, key, value));
    sealed
}

/// Returns the value of a sealed entry; `None` when it is damaged.
pub(super) fn unseal<'b>(table: Table, key: &[u8], sealed: &'b [u8]) -> Option<&'b [u8]> {
    let (value, seal) = sealed.split_at_checked(sealed.len().checked_sub(LENGTH)?)?;
    (hash(table, key, value) == seal).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_seen() {
        let sealed = seal(Table::Refs, b"HEAD", b"ref: heads/main");
        assert_eq!(
            unseal(Table::Refs, b"HEAD", &sealed),
            Some(&b"ref: heads/main"[..])
        );
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal(Table::Refs, b"HEAD", &bad), None);
        }
        assert_eq!(unseal(Table::Refs, b"HEAE", &sealed), None);
        assert_eq!(unseal(Table::Meta, b"HEAD", &sealed), None);
        assert_eq!(unseal(Table::Refs, b"HEAD", b"short"), None);
    }
}
