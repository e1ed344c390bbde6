//! The operations that the engine does itself, on values, as Python does them.
//!
//! An index may be negative and then counts from the end; a slice may reach
//! beyond it. Values of different types are different: `1`, `1.0` and `true`
//! are three keys. Sets and maps keep their canonical order.

use crate::error::{BuiltinError, Result};
use crate::record::Builtin;
use crate::value::{Map, Set, Value};

/// The most characters of a key that an error shows.
const SHOWN: usize = 64;

/// Returns the value of `op` done to `args`.
///
/// Its size and depth are checked when it is encoded.
pub fn apply(op: Builtin, args: &[&Value]) -> Result<Value> {
    match op {
        Builtin::List => Ok(Value::List(cloned(args))),
        Builtin::Set => Ok(Value::Set(Set::new(cloned(args))?)),
        Builtin::Map => map(args),
        Builtin::Get => get(args),
        Builtin::Slice => slice(args),
        Builtin::Contains => contains(args),
        Builtin::Len => len(args),
        Builtin::Conj => conj(args),
        Builtin::Assoc => assoc(args),
        Builtin::Update => update(args),
        Builtin::Intersection | Builtin::Difference => keep(op, args),
        Builtin::Remove => remove(args),
        Builtin::Keys | Builtin::Values => column(op, args),
    }
}

fn map(args: &[&Value]) -> Result<Value> {
    let pairs = args.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        let wanted = "an even number of arguments (key, value, ...)";
        return Err(miscounted(Builtin::Map, wanted, args).into());
    }
    let entries = pairs
        .filter_map(|pair| match pair {
            [key, value] => Some(((*key).clone(), (*value).clone())),
            _ => None,
        })
        .collect();
    Ok(Value::Map(Map::new(entries)?))
}

fn get(args: &[&Value]) -> Result<Value> {
    let op = Builtin::Get;
    match args {
        [Value::List(items), index] => {
            let at = position(op, index, items.len())?;
            Ok(items.get(at).cloned().unwrap_or(Value::Null))
        }
        [collection @ Value::Map(map), key, default @ ..] if default.len() < 2 => map
            .get(scalar(op, key)?)
            .or(default.first().copied())
            .cloned()
            .ok_or_else(|| missing(op, key, collection).into()),
        [Value::List(_), _, _] => {
            Err(mistyped(op, "collection", "a map, where there is a default", args).into())
        }
        [_, _] | [_, _, _] => Err(mistyped(op, "collection", "a list or map", args).into()),
        _ => Err(miscounted(op, "2 or 3 arguments", args).into()),
    }
}

fn slice(args: &[&Value]) -> Result<Value> {
    let op = Builtin::Slice;
    let [collection, bounds @ ..] = args else {
        return Err(miscounted(op, "1 to 4 arguments", args).into());
    };
    if bounds.len() > 3 {
        return Err(miscounted(op, "1 to 4 arguments", args).into());
    }
    let Value::List(items) = collection else {
        return Err(mistyped(op, "collection", "a list", args).into());
    };
    let bound = |at: usize, argument| match bounds.get(at) {
        None | Some(Value::Null) => Ok(None),
        // A number that needs more than 64 bits is beyond the end of any list.
        Some(Value::Int(number)) => Ok(Some(number.to_i64().map_or_else(
            || {
                if number.to_big().sign() == num_bigint::Sign::Minus {
                    i128::from(i64::MIN)
                } else {
                    i128::from(i64::MAX)
                }
            },
            i128::from,
        ))),
        Some(other) => Err(BuiltinError::Type {
            op,
            argument,
            allowed: "an int or null",
            found: other.type_name(),
        }),
    };
    let (start, stop) = (bound(0, "start")?, bound(1, "stop")?);
    let step = bound(2, "step")?.unwrap_or(1);
    if step == 0 {
        return Err(BuiltinError::ZeroStep.into());
    }
    let length = i128::try_from(items.len()).unwrap_or(i128::MAX);
    // As in Python: going backwards, the position before the first element is a bound too.
    let (least, most) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let clamp = |bound: i128| (if bound < 0 { bound + length } else { bound }).clamp(least, most);
    let (first, last) = if step > 0 {
        (least, most)
    } else {
        (most, least)
    };
    let mut at = start.map_or(first, clamp);
    let stop = stop.map_or(last, clamp);
    let mut taken = Vec::new();
    while if step > 0 { at < stop } else { at > stop } {
        taken.extend(
            usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at))
                .cloned(),
        );
        at += step;
    }
    Ok(Value::List(taken))
}

fn contains(args: &[&Value]) -> Result<Value> {
    let op = Builtin::Contains;
    Ok(Value::Bool(match args {
        [Value::List(items), item] => items.contains(item),
        [Value::Set(set), item] => set.contains(item),
        [Value::Map(map), key] => map.get(scalar(op, key)?).is_some(),
        [_, _] => return Err(mistyped(op, "collection", "a list, set or map", args).into()),
        _ => return Err(miscounted(op, "2 arguments", args).into()),
    }))
}

fn len(args: &[&Value]) -> Result<Value> {
    let op = Builtin::Len;
    let length = match args {
        [Value::List(items)] => items.len(),
        [Value::Set(set)] => set.len(),
        [Value::Map(map)] => map.len(),
        [_] => return Err(mistyped(op, "collection", "a list, set or map", args).into()),
        _ => return Err(miscounted(op, "1 argument", args).into()),
    };
    Ok(Value::from(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn conj(args: &[&Value]) -> Result<Value> {
    let op = Builtin::Conj;
    match args {
        [Value::List(items), item] => {
            let mut longer = Vec::with_capacity(items.len() + 1);
            longer.extend_from_slice(items);
            longer.push((*item).clone());
            Ok(Value::List(longer))
        }
        [Value::Set(set), item] => {
            let mut larger = set.clone();
            larger.insert((*item).clone())?;
            Ok(Value::Set(larger))
        }
        [_, _] => Err(mistyped(op, "collection", "a list or set", args).into()),
        _ => Err(miscounted(op, "2 arguments", args).into()),
    }
}

fn assoc(args: &[&Value]) -> Result<Value> {
    let op = Builtin::Assoc;
    match args {
        [Value::List(items), index, item] => {
            let at = position(op, index, items.len())?;
            let mut changed = items.clone();
            if let Some(place) = changed.get_mut(at) {
                *place = (*item).clone();
            }
            Ok(Value::List(changed))
        }
        [Value::Map(map), key, item] => {
            let mut changed = map.clone();
            changed.insert(scalar(op, key)?.clone(), (*item).clone())?;
            Ok(Value::Map(changed))
        }
        [_, _, _] => Err(mistyped(op, "collection", "a list or map", args).into()),
        _ => Err(miscounted(op, "3 arguments", args).into()),
    }
}

fn update(args: &[&Value]) -> Result<Value> {
    let op = Builtin::Update;
    match args {
        [Value::Map(map), Value::Map(over)] => {
            let mut entries = over.clone().into_vec();
            let kept = map
                .as_slice()
                .iter()
                .filter(|(key, _)| over.get(key).is_none());
            entries.extend(kept.cloned());
            Ok(Value::Map(Map::new(entries)?))
        }
        [Value::Set(set), Value::Set(other)] => {
            let items = [set.as_slice(), other.as_slice()].concat();
            Ok(Value::Set(Set::new(items)?))
        }
        [Value::Map(_), other] => Err(mistyped_second(op, "a map, as the first is", other).into()),
        [Value::Set(_), other] => Err(mistyped_second(op, "a set, as the first is", other).into()),
        [_, _] => Err(mistyped(op, "collection", "a map or set", args).into()),
        _ => Err(miscounted(op, "2 arguments", args).into()),
    }
}

/// Returns the intersection or the difference of two sets.
fn keep(op: Builtin, args: &[&Value]) -> Result<Value> {
    match args {
        [Value::Set(set), Value::Set(other)] => {
            let common = op == Builtin::Intersection;
            let kept = set
                .as_slice()
                .iter()
                .filter(|&item| other.contains(item) == common);
            Ok(Value::Set(Set::from_sorted(kept.cloned().collect())))
        }
        [Value::Set(_), other] => Err(mistyped_second(op, "a set", other).into()),
        [_, _] => Err(mistyped(op, "collection", "a set", args).into()),
        _ => Err(miscounted(op, "2 arguments", args).into()),
    }
}

fn remove(args: &[&Value]) -> Result<Value> {
    let op = Builtin::Remove;
    match args {
        [Value::List(items), index] => {
            let mut shorter = items.clone();
            shorter.remove(position(op, index, items.len())?);
            Ok(Value::List(shorter))
        }
        [collection @ Value::Set(set), item] => {
            let mut smaller = set.clone();
            if smaller.remove(item) {
                Ok(Value::Set(smaller))
            } else {
                Err(missing(op, item, collection).into())
            }
        }
        [collection @ Value::Map(map), key] => {
            let mut smaller = map.clone();
            match smaller.remove(scalar(op, key)?) {
                Some(_) => Ok(Value::Map(smaller)),
                None => Err(missing(op, key, collection).into()),
            }
        }
        [_, _] => Err(mistyped(op, "collection", "a list, set or map", args).into()),
        _ => Err(miscounted(op, "2 arguments", args).into()),
    }
}

/// Returns a map's keys or its values.
fn column(op: Builtin, args: &[&Value]) -> Result<Value> {
    let [Value::Map(map)] = args else {
        return Err(match args {
            [_] => mistyped(op, "collection", "a map", args).into(),
            _ => miscounted(op, "1 argument", args).into(),
        });
    };
    let entries = map.as_slice().iter();
    Ok(Value::List(if op == Builtin::Keys {
        entries.map(|(key, _)| key.clone()).collect()
    } else {
        entries.map(|(_, value)| value.clone()).collect()
    }))
}

fn cloned(args: &[&Value]) -> Vec<Value> {
    args.iter().map(|&value| value.clone()).collect()
}

/// Returns where the element `index` of a list of `length` is.
fn position(op: Builtin, index: &Value, length: usize) -> Result<usize, BuiltinError> {
    let Value::Int(number) = index else {
        return Err(BuiltinError::Type {
            op,
            argument: "index",
            allowed: "an int",
            found: index.type_name(),
        });
    };
    let out = || BuiltinError::Index {
        op,
        index: number.to_string(),
        length,
    };
    let at = number.to_i64().ok_or_else(out)?;
    let distance = usize::try_from(at.unsigned_abs()).map_err(|_| out())?;
    let at = if at < 0 {
        length.checked_sub(distance).ok_or_else(out)?
    } else {
        distance
    };
    if at < length { Ok(at) } else { Err(out()) }
}

fn scalar(op: Builtin, key: &Value) -> Result<&Value, BuiltinError> {
    if key.is_scalar() {
        return Ok(key);
    }
    Err(BuiltinError::Type {
        op,
        argument: "key",
        allowed: "null, a bool, int, float, string, bytes or uri",
        found: key.type_name(),
    })
}

fn miscounted(op: Builtin, wanted: &'static str, args: &[&Value]) -> BuiltinError {
    BuiltinError::Arity {
        op,
        wanted,
        found: args.len(),
    }
}

/// Returns the error that says that the first argument has a type that is not allowed.
fn mistyped(
    op: Builtin,
    argument: &'static str,
    allowed: &'static str,
    args: &[&Value],
) -> BuiltinError {
    BuiltinError::Type {
        op,
        argument,
        allowed,
        found: args.first().map_or("nothing", |value| value.type_name()),
    }
}

fn mistyped_second(op: Builtin, allowed: &'static str, found: &Value) -> BuiltinError {
    BuiltinError::Type {
        op,
        argument: "second collection",
        allowed,
        found: found.type_name(),
    }
}

fn missing(op: Builtin, key: &Value, collection: &Value) -> BuiltinError {
    let mut text = match key {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.get().to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Value::Uri(uri) => uri.to_string(),
        other => format!("{other:?}"),
    };
    if let Some((end, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    BuiltinError::Missing {
        op,
        key: text,
        collection: collection.type_name(),
    }
}
