//! Writes canonical CBOR items.

use super::float::Float;
use super::major;
use crate::large;

/// A buffer of canonical CBOR.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Whether a value that was written has a blob in it.
    pub(crate) met_blob: bool,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn bytes_so_far(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that are canonical CBOR already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A head: major type and argument, in the fewest bytes.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each arm's pattern bounds the argument"
    )]
    pub(crate) fn head(&mut self, major: u8, argument: u64) {
        let top = major << 5;
        match argument {
            0..=23 => self.bytes.push(top | argument as u8),
            24..=0xff => self.raw(&[top | 24, argument as u8]),
            0x100..=0xffff => {
                self.bytes.push(top | 25);
                self.raw(&(argument as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.bytes.push(top | 26);
                self.raw(&(argument as u32).to_be_bytes());
            }
            _ => {
                self.bytes.push(top | 27);
                self.raw(&argument.to_be_bytes());
            }
        }
    }

    pub(crate) fn array(&mut self, length: usize) {
        self.head(major::ARRAY, length as u64);
    }

    pub(crate) fn map(&mut self, length: usize) {
        self.head(major::MAP, length as u64);
    }

    pub(crate) fn tag(&mut self, tag: u64) {
        self.head(major::TAG, tag);
    }

    pub(crate) fn uint(&mut self, number: u64) {
        self.head(major::UNSIGNED, number);
    }

    pub(crate) fn int(&mut self, number: i64) {
        if number < 0 {
            self.head(major::NEGATIVE, !number.cast_unsigned());
        } else {
            self.head(major::UNSIGNED, number.cast_unsigned());
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.head(major::BYTES, bytes.len() as u64);
        large::append(&mut self.bytes, bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head(major::TEXT, text.len() as u64);
        self.raw(text.as_bytes());
    }

    pub(crate) fn null(&mut self) {
        self.bytes.push(0xf6);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.bytes.push(if value { 0xf5 } else { 0xf4 });
    }

    /// A float in the shortest of the three forms that holds it exactly.
    pub(crate) fn float(&mut self, number: f64) {
        match Float::shortest(number) {
            Float::Half(half) => {
                self.bytes.push(0xf9);
                self.raw(&half.to_be_bytes());
            }
            Float::Single(single) => {
                self.bytes.push(0xfa);
                self.raw(&single.to_be_bytes());
            }
            Float::Double(number) => {
                self.bytes.push(0xfb);
                self.raw(&number.to_be_bytes());
            }
        }
    }
}
