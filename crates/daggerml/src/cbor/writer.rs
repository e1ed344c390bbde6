//! Writes canonical CBOR items.

use super::major;

/// A buffer of canonical CBOR.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes written from `start` on.
    pub(crate) fn since(&self, start: usize) -> &[u8] {
        self.bytes.get(start..).unwrap_or_default()
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
        self.raw(bytes);
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
        if let Some(half) = to_half(number) {
            self.bytes.push(0xf9);
            self.raw(&half.to_be_bytes());
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked on the next line")]
        let single = number as f32;
        if f64::from(single).to_bits() == number.to_bits() {
            self.bytes.push(0xfa);
            self.raw(&single.to_be_bytes());
        } else {
            self.bytes.push(0xfb);
            self.raw(&number.to_be_bytes());
        }
    }
}

/// `number` as an IEEE 754 half, when that loses nothing. NaN is the quiet NaN.
fn to_half(number: f64) -> Option<u16> {
    if number.is_nan() {
        return Some(0x7e00);
    }
    let bits = number.to_bits();
    let sign = u16::from(bits >> 63 == 1) << 15;
    if number.is_infinite() {
        return Some(sign | 0x7c00);
    }
    if number == 0.0 {
        return Some(sign);
    }
    let exponent = ((bits >> 52) & 0x7ff).cast_signed() - 1023;
    let mantissa = bits & ((1 << 52) - 1);
    let (field, dropped) = match exponent {
        // Normal: ten bits of mantissa.
        -14..=15 => {
            let field = (u64::try_from(exponent + 15).ok()? << 10) | (mantissa >> 42);
            (field, 42)
        }
        // Subnormal: the leading one becomes explicit and shifts right.
        -24..=-15 => {
            let shift = u32::try_from(28 - exponent).ok()?;
            let full = mantissa | 1 << 52;
            (full >> shift, shift)
        }
        _ => return None,
    };
    let whole = mantissa | 1 << 52;
    if whole & ((1 << dropped) - 1) != 0 {
        return None;
    }
    u16::try_from(field).ok().map(|field| sign | field)
}

/// The number that the bits of an IEEE 754 half stand for.
pub(super) fn from_half(half: u16) -> f64 {
    let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from((half >> 10) & 0x1f);
    let mantissa = f64::from(half & 0x3ff);
    match exponent {
        0 => sign * mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1.0 + mantissa / 1024.0) * 2f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives() {
        for half in 0..=u16::MAX {
            let number = from_half(half);
            let back = to_half(number).unwrap();
            if number.is_nan() {
                assert_eq!(back, 0x7e00);
            } else {
                assert_eq!(back, half, "{number}");
            }
        }
    }

    #[test]
    fn floats_take_their_shortest_form() {
        for (number, length) in [
            (1.5, 3),
            (65504.0, 3),
            (65505.0, 5),
            (1e-8, 9),
            (0.1, 9),
            (3.4e38, 9),
        ] {
            let mut writer = Writer::new();
            writer.float(number);
            assert_eq!(writer.len(), length, "{number}");
        }
    }
}
