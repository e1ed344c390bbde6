//! What was called: entries of the table `calls` beside those of the cache.
//!
//! A key is a hash, from which nothing can be read. So what each call was made of is
//! noted under its key, and under the name of its function, newest first: that
//! is how the nearest earlier call is found among many.

use std::collections::HashSet;

use crate::cbor::{Reader, Writer};
use crate::error::{Error, ExecutionError, Fault, FaultKind, Result};
use crate::id::{DatumId, ObjectId, TypedId};
use crate::record::{CallKey, Datum, Time};
use crate::store::{ReadObjects, Snapshot, Table, WriteTxn};
use crate::value::{Runnable, Value};

/// The version of an entry.
const VERSION: u64 = 1;

/// The length of a part of a hash. It is not that of an id, so that garbage collection does
/// not take it for one.
const PART: usize = 16;

/// The first bytes of the hash of an argument's datum.
pub(super) type Print = [u8; PART];

/// What a call was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Called {
    pub runnable: DatumId,
    /// The name of the function.
    pub name: String,
    /// When it was first run to its end.
    pub first: Option<Time>,
    pub args: Vec<Print>,
}

/// Returns the name that people know a runnable by: of its function or program, else its URI.
pub fn name_of(runnable: &Runnable) -> String {
    let mut inner = runnable;
    while let Some(sub) = &inner.sub {
        inner = sub;
    }
    let kwarg = |name: &str| inner.kwargs.get(&Value::from(name));
    if let Some(Value::String(name)) = kwarg("function") {
        return name.clone();
    }
    if let Some(Value::List(argv)) = kwarg("argv")
        && let Some(Value::String(program)) = argv.first()
    {
        return program.clone();
    }
    inner.uri.as_str().to_owned()
}

/// Returns the first bytes of the id of a datum.
pub(super) fn print(id: DatumId) -> Print {
    part(id.object())
}

fn part(id: ObjectId) -> Print {
    id.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Returns the beginning of the keys of all calls of functions of that name.
fn of_name(name: &str) -> Print {
    part(ObjectId::of(&[b"dml.called\0", name.as_bytes()].concat()))
}

/// Beside the call's entry in the cache.
fn own_key(key: CallKey) -> [u8; 33] {
    let mut own = [0; 33];
    if let Some(first) = own.first_chunk_mut() {
        *first = *key.as_bytes();
    }
    own
}

fn name_key(called: &Called, key: CallKey, first: Time) -> Vec<u8> {
    // Newest first, in bytewise order.
    let order = !(first.0.cast_unsigned() ^ (1 << 63));
    [
        &of_name(&called.name)[..],
        &order.to_be_bytes()[..],
        &key.as_bytes()[..],
    ]
    .concat()
}

impl Called {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(5);
        writer.uint(VERSION);
        writer.id(self.runnable);
        writer.text(&self.name);
        match self.first {
            Some(time) => writer.int(time.0),
            None => writer.null(),
        }
        writer.array(self.args.len());
        self.args.iter().for_each(|arg| writer.bytes(arg));
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let reader = &mut Reader::new(bytes);
        reader.array_of(5)?;
        match reader.uint()? {
            VERSION => {}
            other => return Err(reader.fault(FaultKind::Header, format!("entry {other}"))),
        }
        let called = Self {
            runnable: reader.id()?,
            name: reader.text()?.to_owned(),
            first: if reader.is_null() {
                None
            } else {
                Some(Time(reader.int()?))
            },
            args: (0..reader.array()?)
                .map(|_| {
                    let bytes = reader.bytes()?;
                    bytes
                        .try_into()
                        .map_err(|_| reader.fault(FaultKind::Bounds, "a part of another length"))
                })
                .collect::<Result<_, _>>()?,
        };
        reader.finish()?;
        Ok(called)
    }

    fn read(key: CallKey, bytes: &[u8]) -> Result<Self> {
        Self::decode(bytes).map_err(|fault| {
            ExecutionError::StateInvalid {
                what: "note of what was called",
                key,
                detail: fault.to_string(),
            }
            .into()
        })
    }
}

/// Notes what the call `key` is made of. `ended` says when it was run to its end, if it was.
pub(super) fn note(
    txn: &mut WriteTxn<'_>,
    key: CallKey,
    runnable: DatumId,
    args: &[DatumId],
    ended: Option<Time>,
) -> Result<()> {
    let before = match txn.get(Table::Calls, &own_key(key))? {
        Some(bytes) => Some(Called::read(key, bytes)?),
        None => None,
    };
    let mut called = match before {
        Some(called) if called.first.is_some() || ended.is_none() => return Ok(()),
        Some(called) => called,
        None => {
            let value = match txn.load::<_, Datum>(runnable) {
                Ok(datum) => datum.value,
                Err(error) if matches!(*error, Error::Excised { .. }) => return Ok(()), // there is nothing to tell
                Err(error) => return Err(error),
            };
            let Value::Runnable(runnable_value) = value else {
                return Ok(());
            };
            Called {
                runnable,
                name: name_of(&runnable_value),
                first: None,
                args: args.iter().map(|arg| print(*arg)).collect(),
            }
        }
    };
    called.first = ended;
    txn.put(Table::Calls, &own_key(key), &called.encode())?;
    if let Some(first) = ended {
        let name_key = name_key(&called, key, first);
        txn.put(Table::Calls, &name_key, &called.encode())?;
    }
    Ok(())
}

/// Returns what the call `key` was made of, if that was noted.
pub(super) fn find(snapshot: &Snapshot, key: CallKey) -> Result<Option<Called>> {
    snapshot
        .get(Table::Calls, &own_key(key))?
        .map(|bytes| Called::read(key, bytes))
        .transpose()
}

/// Calls `visit` with the calls of functions of that name which were run to their end, newest
/// first, until it says no.
pub(super) fn each(
    snapshot: &Snapshot,
    name: &str,
    visit: &mut dyn FnMut(CallKey, Called) -> Result<bool>,
) -> Result<()> {
    let prefix = of_name(name);
    let mut seen = HashSet::new();
    for entry in snapshot.scan(Table::Calls, &prefix)? {
        let (key, value) = entry?;
        let Some(call) = key.get(PART + 8..).and_then(|rest| rest.try_into().ok()) else {
            continue; // the key of a call that begins like this
        };
        let call = CallKey::from_bytes(call);
        let called = Called::read(call, value)?;
        if called.name == name && seen.insert(call) && !visit(call, called)? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_were_written_and_newest_first() {
        let datum = DatumId::from_object(ObjectId::of(b"a"));
        let called = |first| Called {
            runnable: datum,
            name: "f".to_owned(),
            first,
            args: vec![print(datum)],
        };
        for first in [None, Some(Time(0)), Some(Time(-5)), Some(Time(i64::MAX))] {
            let entry = called(first);
            assert_eq!(Called::decode(&entry.encode()), Ok(entry));
        }
        let key = CallKey::new(datum, &[]);
        let mut keys: Vec<_> = [-7, 3, 0, i64::MIN, i64::MAX]
            .map(|time| (name_key(&called(None), key, Time(time)), time))
            .into();
        keys.sort();
        let times: Vec<_> = keys.into_iter().map(|(_, time)| time).collect();
        assert_eq!(times, [i64::MAX, 3, 0, -7, i64::MIN]);
        assert!(Called::decode(b"\x85\x02").is_err());
    }
}
