//! The three forms of a float: canonical is the shortest that loses nothing.

/// A number in one of the forms that CBOR has for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Float {
    /// The bits of an IEEE 754 half. NaN only has this form, as the quiet NaN.
    Half(u16),
    /// 32 bits.
    Single(f32),
    /// 64 bits.
    Double(f64),
}

impl Float {
    /// Returns the shortest form that holds `number` exactly.
    pub fn shortest(number: f64) -> Self {
        if let Some(half) = to_half(number) {
            return Self::Half(half);
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked on the next line")]
        let single = number as f32;
        if f64::from(single).to_bits() == number.to_bits() {
            Self::Single(single)
        } else {
            Self::Double(number)
        }
    }
}

/// Returns the number in the eight bytes of a double, if it is canonical there: only 64 bits hold it.
#[inline]
pub(super) fn quick_double(bytes: [u8; 8]) -> Option<f64> {
    let number = f64::from_be_bytes(bytes);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "to see whether it loses something"
    )]
    let single = number as f32;
    (!number.is_nan() && f64::from(single).to_bits() != number.to_bits()).then_some(number)
}

/// Returns the number in the four bytes of a single, if it is plainly canonical there: it is in
/// the range of normal halves or above, and has more digits than a half.
#[inline]
pub(super) fn quick_single(bytes: [u8; 4]) -> Option<f64> {
    let bits = u32::from_be_bytes(bytes);
    let exponent = (bits >> 23) & 0xff;
    let plain = (127 - 14..0xff).contains(&exponent) && bits & 0x1fff != 0;
    plain.then(|| f64::from(f32::from_bits(bits)))
}

/// Returns the number in the two bytes of a half, if it is zero or a normal one. All of them are
/// canonical but `-0.0`.
#[inline]
pub(super) fn quick_half(bytes: [u8; 2]) -> Option<f64> {
    let half = u16::from_be_bytes(bytes);
    let plain = half == 0 || (1..31).contains(&((half >> 10) & 0x1f));
    plain.then(|| from_half(half))
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

/// Makes the number that the bits of an IEEE 754 half stand for.
#[inline]
pub(super) fn from_half(half: u16) -> f64 {
    let sign = u64::from(half >> 15) << 63;
    let rest = u64::from(half & 0x7fff);
    let size = match (rest >> 10, rest & 0x3ff) {
        (0, mantissa) => return subnormal(sign, mantissa),
        (31, 0) => f64::INFINITY.to_bits(),
        (31, _) => return f64::NAN,
        // The exponents have different zeros, 15 and 1023.
        _ => (rest << 42) + (1008 << 52),
    };
    f64::from_bits(sign | size)
}

/// Makes a number below the normal halves.
fn subnormal(sign: u64, mantissa: u64) -> f64 {
    let size = f64::from(u16::try_from(mantissa).unwrap_or_default()) / f64::from(1 << 24);
    f64::from_bits(sign | size.to_bits())
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

    /// The bits of numbers of each form and of their neighbours.
    fn bits() -> impl Iterator<Item = u64> {
        let halves = (0..=u16::MAX).map(|half| from_half(half).to_bits());
        let singles = (0..=u32::MAX).step_by(65_521);
        let singles = singles.map(|bits| f64::from(f32::from_bits(bits)).to_bits());
        let numbers = halves.chain(singles);
        numbers.flat_map(|bits| [bits, bits.wrapping_add(1), bits.wrapping_sub(1 << 29)])
    }

    #[test]
    fn what_is_read_quickly_is_canonical_and_most_floats_are() {
        let mut quick = [0; 3];
        for bits in bits() {
            let number = f64::from_bits(bits);
            #[expect(
                clippy::cast_possible_truncation,
                reason = "to try what loses something"
            )]
            let single = number as f32;
            let forms = [
                (quick_double(number.to_be_bytes()), Float::Double(number)),
                (quick_single(single.to_be_bytes()), Float::Single(single)),
            ];
            for (at, (found, form)) in forms.into_iter().enumerate() {
                if let Some(found) = found {
                    assert_eq!(Float::shortest(found), form, "{number:e}");
                    quick[at] += 1;
                }
            }
        }
        for half in 0..=u16::MAX {
            if let Some(found) = quick_half(half.to_be_bytes()) {
                assert_eq!(Float::shortest(found), Float::Half(half));
                assert!(found != 0.0 || found.is_sign_positive());
                quick[2] += 1;
            }
        }
        assert_eq!(quick[2], 2 * 30 * 1024 + 1);
        assert!(quick[0] > 100_000 && quick[1] > 10_000, "{quick:?}");
    }

    #[test]
    fn halves_are_what_their_bits_say() {
        let pairs = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_625e-5),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x83ff, -6.097_555_160_522_461e-5),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (half, number) in pairs {
            assert_eq!(from_half(half).to_bits(), f64::to_bits(number), "{half:x}");
        }
        assert!(from_half(0x8000).is_sign_negative());
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
            let found = match Float::shortest(number) {
                Float::Half(_) => 3,
                Float::Single(_) => 5,
                Float::Double(_) => 9,
            };
            assert_eq!(found, length, "{number}");
        }
    }
}
