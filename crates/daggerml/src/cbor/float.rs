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

/// Returns whether only 64 bits hold `number`.
#[inline]
pub(super) fn is_double(number: f64) -> bool {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "to see whether it loses something"
    )]
    let single = number as f32;
    !number.is_nan() && f64::from(single).to_bits() != number.to_bits()
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
            let found = match Float::shortest(number) {
                Float::Half(_) => 3,
                Float::Single(_) => 5,
                Float::Double(_) => 9,
            };
            assert_eq!(found, length, "{number}");
        }
    }
}
