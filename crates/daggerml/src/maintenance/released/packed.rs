//! `MessagePack`, as far as daggerml 0.1 writes it: a reader of bytes that may be anything.

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Packed {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Packed>),
    Map(Vec<(String, Packed)>),
    /// The name of another object: `dag:1f0c...`.
    Ref(String),
}

/// The deepest nesting. Objects refer to what they hold, so they are flat; stacks of
/// errors hold what somebody put there.
const MAX_DEPTH: usize = 64;

/// The type of an extension that is a ref.
const REF: u8 = 1;

impl Packed {
    /// Reads the only value in `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = Reader { rest: bytes };
        let value = reader.value(0)?;
        if reader.rest.is_empty() {
            Ok(value)
        } else {
            Err(format!("{} bytes follow the value", reader.rest.len()))
        }
    }

    /// Returns the field of an object.
    pub fn field(&self, name: &str) -> Result<&Self, String> {
        match self {
            Self::Map(entries) => entries
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
                .ok_or_else(|| format!("it has no field {name:?}")),
            _ => Err("it is no object".to_owned()),
        }
    }

    pub fn text(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err("text is wanted".to_owned()),
        }
    }

    pub fn list(&self) -> Result<&[Self], String> {
        match self {
            Self::List(items) => Ok(items),
            _ => Err("a list is wanted".to_owned()),
        }
    }

    pub fn map(&self) -> Result<&[(String, Self)], String> {
        match self {
            Self::Map(entries) => Ok(entries),
            _ => Err("a map is wanted".to_owned()),
        }
    }

    pub fn reference(&self) -> Result<&str, String> {
        match self {
            Self::Ref(name) => Ok(name),
            _ => Err("a ref is wanted".to_owned()),
        }
    }

    /// Returns a ref; `None` for null.
    pub fn reference_or_none(&self) -> Result<Option<&str>, String> {
        match self {
            Self::Null => Ok(None),
            other => other.reference().map(Some),
        }
    }

    /// Calls `visit` with every ref inside.
    pub fn refs<'p>(&'p self, visit: &mut dyn FnMut(&'p str)) {
        match self {
            Self::Ref(name) => visit(name),
            Self::List(items) => items.iter().for_each(|item| item.refs(visit)),
            Self::Map(entries) => entries.iter().for_each(|(_, item)| item.refs(visit)),
            _ => {}
        }
    }
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], String> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| "it is cut off".to_owned())?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    /// Returns a big-endian number of `length` bytes.
    fn number(&mut self, length: usize) -> Result<u64, String> {
        let bytes = self.take(length)?;
        Ok(bytes.iter().fold(0, |n, byte| (n << 8) | u64::from(*byte)))
    }

    fn length(&mut self, length: usize) -> Result<usize, String> {
        usize::try_from(self.number(length)?).map_err(|_| "it is too long".to_owned())
    }

    fn signed(&mut self, length: usize) -> Result<Packed, String> {
        let bits = 64 - 8 * u32::try_from(length).unwrap_or(8);
        let shifted = self.number(length)? << bits;
        Ok(Packed::Int(i128::from(shifted.cast_signed() >> bits)))
    }

    fn text(&mut self, length: usize) -> Result<String, String> {
        let bytes = self.take(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| "text in it is not UTF-8".to_owned())
    }

    fn list(&mut self, length: usize, depth: usize) -> Result<Packed, String> {
        // Each takes a byte at least, so a length that lies reserves nothing.
        let mut items = Vec::with_capacity(length.min(self.rest.len()));
        for _ in 0..length {
            items.push(self.value(depth + 1)?);
        }
        Ok(Packed::List(items))
    }

    fn map(&mut self, length: usize, depth: usize) -> Result<Packed, String> {
        let mut entries = Vec::with_capacity(length.min(self.rest.len()));
        for _ in 0..length {
            let Packed::Text(key) = self.value(depth + 1)? else {
                return Err("a key in it is not text".to_owned());
            };
            entries.push((key, self.value(depth + 1)?));
        }
        Ok(Packed::Map(entries))
    }

    fn extension(&mut self, length: usize) -> Result<Packed, String> {
        match self.byte()? {
            REF => Ok(Packed::Ref(self.text(length)?)),
            other => Err(format!("it has an extension of type {other}")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Packed, String> {
        if depth > MAX_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let first = self.byte()?;
        Ok(match first {
            0x00..=0x7f => Packed::Int(i128::from(first)),
            0x80..=0x8f => return self.map(usize::from(first & 0x0f), depth),
            0x90..=0x9f => return self.list(usize::from(first & 0x0f), depth),
            0xa0..=0xbf => Packed::Text(self.text(usize::from(first & 0x1f))?),
            0xc0 => Packed::Null,
            0xc2 => Packed::Bool(false),
            0xc3 => Packed::Bool(true),
            0xc7..=0xc9 => {
                let length = self.length(1 << (first - 0xc7))?;
                return self.extension(length);
            }
            0xca => {
                let bits = u32::try_from(self.number(4)?).unwrap_or_default();
                Packed::Float(f64::from(f32::from_bits(bits)))
            }
            0xcb => Packed::Float(f64::from_bits(self.number(8)?)),
            0xcc..=0xcf => Packed::Int(i128::from(self.number(1 << (first - 0xcc))?)),
            0xd0..=0xd3 => return self.signed(1 << (first - 0xd0)),
            0xd4..=0xd8 => return self.extension(1 << (first - 0xd4)),
            0xd9..=0xdb => {
                let length = self.length(1 << (first - 0xd9))?;
                Packed::Text(self.text(length)?)
            }
            0xdc | 0xdd => {
                let length = self.length(2 << (first - 0xdc))?;
                return self.list(length, depth);
            }
            0xde | 0xdf => {
                let length = self.length(2 << (first - 0xde))?;
                return self.map(length, depth);
            }
            0xe0..=0xff => Packed::Int(i128::from(first.cast_signed())),
            other => return Err(format!("it has a value of type {other:#04x}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_are_read() {
        let cases: [(&[u8], i128); 8] = [
            (&[0x7f], 127),
            (&[0xff], -1),
            (&[0xcc, 0xff], 255),
            (
                &[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                (1 << 64) - 1,
            ),
            (&[0xd0, 0x80], -128),
            (&[0xd1, 0xff, 0x00], -256),
            (&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], -(1 << 63)),
            (&[0xcd, 0x01, 0x00], 256),
        ];
        for (bytes, number) in cases {
            assert_eq!(Packed::read(bytes), Ok(Packed::Int(number)));
        }
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        for bytes in [
            &[][..],
            &[0xa2, b'a'],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
            &[0xc1],
            &[0xd4, 2, b'x'],
            &[0xa1, 0xff],
            &[0x00, 0x00],
            &[0x81, 0x01, 0x01],
        ] {
            assert!(Packed::read(bytes).is_err(), "{bytes:?}");
        }
        assert!(Packed::read(&[0x91; 1000]).is_err());
    }
}
