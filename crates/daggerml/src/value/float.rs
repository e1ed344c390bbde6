//! Floats: every 64-bit IEEE 754 number, with one NaN and one zero.

/// A 64-bit float. All NaNs are one NaN and `-0.0` is `0.0`, so that equal
/// floats have equal bytes and can be compared and hashed.
#[derive(Clone, Copy, Debug)]
pub struct Float(f64);

impl Float {
    /// Returns the number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl From<f64> for Float {
    fn from(number: f64) -> Self {
        Self(if number.is_nan() {
            f64::NAN
        } else if number == 0.0 {
            0.0
        } else {
            number
        })
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Float {}

impl std::hash::Hash for Float {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_nan_and_one_zero() {
        assert_eq!(Float::from(-f64::NAN), Float::from(f64::NAN));
        assert_eq!(Float::from(-0.0), Float::from(0.0));
        assert!(Float::from(-0.0).get().is_sign_positive());
    }
}
