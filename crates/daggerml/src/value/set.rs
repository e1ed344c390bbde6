//! Sets: distinct values, stored in one order whatever order they came in.

use crate::fault::ValueError;
use crate::sorting::sort_by;

use super::{Value, encode_value};

/// Distinct values in canonical order (bytewise order of their encodings).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Set(Vec<Value>);

impl Set {
    /// Makes a set of `values`; repeated ones count once.
    pub fn new(values: Vec<Value>) -> Result<Self, ValueError> {
        let mut keyed = values
            .into_iter()
            .map(|value| Ok((encode_value(&value)?, value)))
            .collect::<Result<Vec<_>, ValueError>>()?;
        sort_by(&mut keyed, |a, b| a.0.cmp(&b.0));
        keyed.dedup_by(|a, b| a.0 == b.0);
        Ok(Self(keyed.into_iter().map(|(_, value)| value).collect()))
    }

    /// Takes values already distinct and in canonical order: for the decoder.
    pub(crate) fn from_sorted(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// Returns whether `value` is in the set.
    pub fn contains(&self, value: &Value) -> bool {
        matches!(self.find(value), Ok(Ok(_)))
    }

    /// Puts `value` in, and says whether it was new.
    pub fn insert(&mut self, value: Value) -> Result<bool, ValueError> {
        let place = self.find(&value)?;
        if let Err(place) = place {
            self.0.insert(place, value);
        }
        Ok(place.is_err())
    }

    /// Takes `value` out, and says whether it was there.
    pub fn remove(&mut self, value: &Value) -> bool {
        let Ok(Ok(found)) = self.find(value) else {
            return false;
        };
        self.0.remove(found);
        true
    }

    /// Returns where `value` is, or where it would have to be.
    fn find(&self, value: &Value) -> Result<Result<usize, usize>, ValueError> {
        let wanted = encode_value(value)?;
        Ok(self
            .0
            .binary_search_by(|item| encode_value(item).unwrap_or_default().cmp(&wanted)))
    }

    /// Returns the values in canonical order.
    pub fn as_slice(&self) -> &[Value] {
        &self.0
    }

    /// Returns the values in canonical order.
    pub fn into_vec(self) -> Vec<Value> {
        self.0
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the set has no values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
