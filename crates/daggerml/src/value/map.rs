//! Maps: values by scalar key, stored in one order whatever order they came in.

use std::cmp::Ordering;

use crate::fault::ValueError;
use crate::sorting::sort_by;

use super::{Value, encode_value};

/// Values by scalar key, in canonical order (bytewise order of the keys' encodings).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Map(Vec<(Value, Value)>);

impl Map {
    /// Makes a map of `entries`. A key that is not a scalar, or comes twice, is an error.
    pub fn new(entries: Vec<(Value, Value)>) -> Result<Self, ValueError> {
        if entries
            .iter()
            .all(|(key, _)| matches!(key, Value::String(_)))
        {
            return Self::of_strings(entries);
        }
        let mut keyed = entries
            .into_iter()
            .map(|entry| {
                if !entry.0.is_scalar() {
                    return Err(ValueError::KeyNotScalar {
                        key_type: entry.0.type_name(),
                    });
                }
                Ok((encode_value(&entry.0)?, entry))
            })
            .collect::<Result<Vec<_>, ValueError>>()?;
        sort_by(&mut keyed, |a, b| a.0.cmp(&b.0));
        if let Some(pair) = keyed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(ValueError::DuplicateKey {
                key: format!("{:?}", pair[0].1.0),
            });
        }
        Ok(Self(keyed.into_iter().map(|(_, entry)| entry).collect()))
    }

    /// Returns a map whose keys are all strings, whose order is known without encoding them:
    /// the length comes first in the encoding.
    fn of_strings(mut entries: Vec<(Value, Value)>) -> Result<Self, ValueError> {
        let order = |a: &Value, b: &Value| match (a, b) {
            (Value::String(a), Value::String(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            _ => Ordering::Equal, // not reached
        };
        sort_by(&mut entries, |a, b| order(&a.0, &b.0));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(ValueError::DuplicateKey {
                key: format!("{:?}", pair[0].0),
            });
        }
        Ok(Self(entries))
    }

    /// Takes entries already checked and in canonical order: for the decoder.
    pub(crate) fn from_sorted(entries: Vec<(Value, Value)>) -> Self {
        Self(entries)
    }

    /// Returns the value of `key`.
    pub fn get(&self, key: &Value) -> Option<&Value> {
        let found = self.find(key).ok()?.ok()?;
        self.0.get(found).map(|(_, value)| value)
    }

    /// Sets the value of `key`. A key that is not a scalar is an error.
    pub fn insert(&mut self, key: Value, value: Value) -> Result<(), ValueError> {
        if !key.is_scalar() {
            return Err(ValueError::KeyNotScalar {
                key_type: key.type_name(),
            });
        }
        match self.find(&key)? {
            Ok(found) => {
                if let Some(entry) = self.0.get_mut(found) {
                    entry.1 = value;
                }
            }
            Err(place) => self.0.insert(place, (key, value)),
        }
        Ok(())
    }

    /// Takes `key` out, and returns its value if it was there.
    pub fn remove(&mut self, key: &Value) -> Option<Value> {
        let found = self.find(key).ok()?.ok()?;
        Some(self.0.remove(found).1)
    }

    /// Returns where `key` is, or where it would have to be.
    fn find(&self, key: &Value) -> Result<Result<usize, usize>, ValueError> {
        let wanted = encode_value(key)?;
        Ok(self
            .0
            .binary_search_by(|(key, _)| encode_value(key).unwrap_or_default().cmp(&wanted)))
    }

    /// Returns the entries in canonical order.
    pub fn as_slice(&self) -> &[(Value, Value)] {
        &self.0
    }

    /// Returns the entries in canonical order.
    pub fn into_vec(self) -> Vec<(Value, Value)> {
        self.0
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the map has no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_keys_are_in_the_order_of_their_encodings() {
        let lengths = [0, 1, 2, 23, 24, 25, 255, 256, 257, 65_535, 65_536];
        let keys = lengths
            .iter()
            .flat_map(|&length| ["a", "b", "\u{ff}"].map(|text| text.repeat(length).into()));
        let mut keys: Vec<Value> = keys.collect();
        keys.dedup();
        keys.reverse();
        let entries = keys.iter().map(|key| (key.clone(), Value::Null)).collect();
        let map = Map::new(entries).unwrap();
        keys.sort_by_key(|key| encode_value(key).unwrap());
        let sorted: Vec<_> = map.as_slice().iter().map(|(key, _)| key).collect();
        assert_eq!(sorted, keys.iter().collect::<Vec<_>>());
    }
}
