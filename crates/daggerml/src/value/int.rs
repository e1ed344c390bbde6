//! Whole numbers of any size.

use std::fmt;
use std::str::FromStr;

use num_bigint::{BigInt, ParseBigIntError};

/// A whole number of any size: a machine word where it fits, so that equal
/// numbers have one form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Int(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64),
    Big(BigInt),
}

impl Int {
    /// Returns the number, when it fits 64 bits with a sign.
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(number) => Some(*number),
            Repr::Big(_) => None,
        }
    }

    /// Returns the number as a big integer.
    pub fn to_big(&self) -> BigInt {
        match &self.0 {
            Repr::Small(number) => BigInt::from(*number),
            Repr::Big(number) => number.clone(),
        }
    }
}

impl From<i64> for Int {
    fn from(number: i64) -> Self {
        Self(Repr::Small(number))
    }
}

impl From<BigInt> for Int {
    fn from(number: BigInt) -> Self {
        Self(match i64::try_from(&number) {
            Ok(small) => Repr::Small(small),
            Err(_) => Repr::Big(number),
        })
    }
}

impl FromStr for Int {
    type Err = ParseBigIntError;

    fn from_str(text: &str) -> Result<Self, ParseBigIntError> {
        text.parse::<BigInt>().map(Self::from)
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(number) => number.fmt(f),
            Repr::Big(number) => number.fmt(f),
        }
    }
}

impl fmt::Debug for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
