//! Building something else than a [`Value`] of a value, part by part.

use std::convert::Infallible;
use std::slice::Iter;

use num_bigint::BigInt;

use crate::fault::Fault;

use super::{Blob, Float, Map, Runnable, Set, Uri, Value};

/// Makes something of a value, whose parts come in postfix order: the elements of
/// a container before the container. So a builder keeps a stack: scalars go on it,
/// and containers take their elements from its end.
///
/// What a builder is told is well formed: sets and maps come in canonical order,
/// and keys are scalars.
pub trait Builder<'v> {
    /// Why something cannot be made of a value.
    type Error;

    /// Takes a scalar.
    fn scalar(&mut self, scalar: Scalar<'v>) -> Result<(), Self::Error>;

    /// Takes a whole number, as [`scalar`](Self::scalar) does.
    fn int(&mut self, number: i64) -> Result<(), Self::Error> {
        self.scalar(Scalar::Int(number))
    }

    /// Takes a float, as [`scalar`](Self::scalar) does.
    fn float(&mut self, number: f64) -> Result<(), Self::Error> {
        self.scalar(Scalar::Float(number.into()))
    }

    /// Takes a scalar that is the key of a map's entry; its value comes next.
    fn key(&mut self, key: Scalar<'v>) -> Result<(), Self::Error> {
        self.scalar(key)
    }

    /// Takes the end of a list of the last `length` parts.
    fn list(&mut self, length: usize) -> Result<(), Self::Error>;

    /// Takes the end of a set of the last `length` parts.
    fn set(&mut self, length: usize) -> Result<(), Self::Error>;

    /// Takes the end of a map of the last `length` keys, each with its value after it.
    fn map(&mut self, length: usize) -> Result<(), Self::Error>;

    /// Takes the end of a runnable of the last two parts: the map of its kwargs, and the runnable
    /// that it wraps or null.
    fn runnable(&mut self, uri: Uri, adapter: &'v str) -> Result<(), Self::Error>;
}

/// A value without parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'v> {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number that fits 64 bits with a sign.
    Int(i64),
    /// One that does not.
    Big(BigInt),
    /// A 64-bit IEEE 754 number.
    Float(Float),
    /// Unicode text.
    String(&'v str),
    /// Bytes.
    Bytes(&'v [u8]),
    /// A canonical URI.
    Uri(Uri),
    /// Bytes of any length. A blob has no parts that a builder is told, but is not the key of a map.
    Blob(Box<Blob>), // not in place, which would make every value larger
}

/// Why a builder did not get to the end.
#[derive(Debug)]
pub(crate) enum Stopped<E> {
    /// The bytes that it was told from are not a value.
    Source(Fault),
    /// It refused.
    Builder(E),
}

impl<E> From<Fault> for Stopped<E> {
    fn from(fault: Fault) -> Self {
        Self::Source(fault)
    }
}

impl Stopped<Infallible> {
    /// Returns what is wrong with the source, as the builder refuses nothing.
    pub(crate) fn into_source(self) -> Fault {
        match self {
            Self::Source(fault) => fault,
            Self::Builder(never) => match never {},
        }
    }
}

/// What is left to tell of a container.
enum Rest<'v> {
    /// The items of a list (`false`) or set (`true`), and how many there are.
    Items(Iter<'v, Value>, usize, bool),
    /// The entries of a map, and how many there are.
    Entries(Iter<'v, (Value, Value)>, usize),
    /// What a runnable wraps.
    Sub(Option<&'v Runnable>),
    /// The end of a runnable.
    Runnable(&'v Runnable),
}

impl Value {
    /// Tells `builder` the value.
    pub fn build<'v, B: Builder<'v>>(&'v self, builder: &mut B) -> Result<(), B::Error> {
        let mut stack = Vec::new();
        self.begin(builder, &mut stack)?;
        while let Some(rest) = stack.last_mut() {
            match rest {
                Rest::Items(items, length, is_set) => match (items.next(), *length, *is_set) {
                    (Some(item), ..) => item.begin(builder, &mut stack)?,
                    (None, length, is_set) => {
                        stack.pop();
                        if is_set {
                            builder.set(length)?;
                        } else {
                            builder.list(length)?;
                        }
                    }
                },
                Rest::Entries(entries, length) => match (entries.next(), *length) {
                    (Some((key, value)), _) => {
                        if let Some(key) = key.as_scalar() {
                            builder.key(key)?;
                        }
                        value.begin(builder, &mut stack)?;
                    }
                    (None, length) => {
                        stack.pop();
                        builder.map(length)?;
                    }
                },
                Rest::Sub(sub) => {
                    let sub = *sub;
                    stack.pop();
                    match sub {
                        Some(sub) => sub.begin(&mut stack),
                        None => builder.scalar(Scalar::Null)?,
                    }
                }
                Rest::Runnable(runnable) => {
                    let runnable = *runnable;
                    stack.pop();
                    builder.runnable(runnable.uri.clone(), &runnable.adapter)?;
                }
            }
        }
        Ok(())
    }

    /// Tells a scalar; a container goes on the stack.
    fn begin<'v, B: Builder<'v>>(
        &'v self,
        builder: &mut B,
        stack: &mut Vec<Rest<'v>>,
    ) -> Result<(), B::Error> {
        match self {
            Self::List(items) => stack.push(Rest::Items(items.iter(), items.len(), false)),
            Self::Set(set) => {
                stack.push(Rest::Items(set.as_slice().iter(), set.len(), true));
            }
            Self::Map(map) => stack.push(Rest::Entries(map.as_slice().iter(), map.len())),
            Self::Runnable(runnable) => runnable.begin(stack),
            scalar => {
                if let Some(scalar) = scalar.as_scalar() {
                    builder.scalar(scalar)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the value, if it has no parts.
    fn as_scalar(&self) -> Option<Scalar<'_>> {
        Some(match self {
            Self::Null => Scalar::Null,
            Self::Bool(value) => Scalar::Bool(*value),
            Self::Int(number) => match number.to_i64() {
                Some(number) => Scalar::Int(number),
                None => Scalar::Big(number.to_big()),
            },
            Self::Float(number) => Scalar::Float(*number),
            Self::String(text) => Scalar::String(text),
            Self::Bytes(bytes) => Scalar::Bytes(bytes),
            Self::Uri(uri) => Scalar::Uri(uri.clone()),
            Self::Blob(blob) => Scalar::Blob(blob.clone()),
            Self::List(_) | Self::Set(_) | Self::Map(_) | Self::Runnable(_) => return None,
        })
    }
}

impl Runnable {
    fn begin<'v>(&'v self, stack: &mut Vec<Rest<'v>>) {
        stack.push(Rest::Runnable(self));
        stack.push(Rest::Sub(self.sub.as_deref()));
        let kwargs = self.kwargs.as_slice();
        stack.push(Rest::Entries(kwargs.iter(), kwargs.len()));
    }
}

impl From<Scalar<'_>> for Value {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => Self::Bool(value),
            Scalar::Int(number) => Self::Int(number.into()),
            Scalar::Big(number) => Self::Int(number.into()),
            Scalar::Float(number) => Self::Float(number),
            Scalar::String(text) => Self::String(text.to_owned()),
            Scalar::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Scalar::Uri(uri) => Self::Uri(uri),
            Scalar::Blob(blob) => Self::Blob(blob),
        }
    }
}

/// Builds the value again.
#[derive(Default)]
pub(crate) struct ValueBuilder {
    stack: Vec<Value>,
}

impl ValueBuilder {
    /// Returns what was built.
    pub(crate) fn into_value(mut self) -> Value {
        self.stack.pop().unwrap_or(Value::Null)
    }

    fn last(&mut self, length: usize) -> Vec<Value> {
        self.stack
            .split_off(self.stack.len().saturating_sub(length))
    }
}

impl Builder<'_> for ValueBuilder {
    type Error = Infallible;

    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Infallible> {
        self.stack.push(scalar.into());
        Ok(())
    }

    fn list(&mut self, length: usize) -> Result<(), Infallible> {
        let items = self.last(length);
        self.stack.push(Value::List(items));
        Ok(())
    }

    fn set(&mut self, length: usize) -> Result<(), Infallible> {
        let items = self.last(length);
        self.stack.push(Value::Set(Set::from_sorted(items)));
        Ok(())
    }

    fn map(&mut self, length: usize) -> Result<(), Infallible> {
        let mut entries = Vec::with_capacity(length);
        let mut parts = self.last(2 * length).into_iter();
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            entries.push((key, value));
        }
        self.stack.push(Value::Map(Map::from_sorted(entries)));
        Ok(())
    }

    fn runnable(&mut self, uri: Uri, adapter: &str) -> Result<(), Infallible> {
        let sub = match self.stack.pop() {
            Some(Value::Runnable(sub)) => Some(sub),
            _ => None,
        };
        let kwargs = match self.stack.pop() {
            Some(Value::Map(kwargs)) => kwargs,
            _ => Map::default(),
        };
        self.stack.push(Value::Runnable(Box::new(Runnable {
            uri,
            adapter: adapter.to_owned(),
            kwargs,
            sub,
        })));
        Ok(())
    }
}
