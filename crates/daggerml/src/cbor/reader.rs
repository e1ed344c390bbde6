//! Reads canonical CBOR items and refuses all others.

use crate::fault::{Fault, FaultKind};
use crate::id::ID_LEN;

use super::float::{self, Float, from_half};
use super::major;

/// The head of a byte string of an id's length, whose length takes a byte of its own.
#[expect(clippy::cast_possible_truncation, reason = "32")]
const ID_HEAD: [u8; 2] = [major::BYTES << 5 | 24, ID_LEN as u8];

/// One CBOR head, with the bytes of a string.
#[derive(Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Unsigned(u64),
    /// The number is -1 minus the argument.
    Negative(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(usize),
    Map(usize),
    Tag(u64),
    Bool(bool),
    Null,
    Float(f64),
}

impl Token<'_> {
    fn describe(&self) -> &'static str {
        match self {
            Self::Unsigned(_) | Self::Negative(_) => "an integer",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "text",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Tag(_) => "a tag",
            Self::Bool(_) => "a bool",
            Self::Null => "null",
            Self::Float(_) => "a float",
        }
    }
}

/// A cursor over bytes that should be canonical CBOR.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether a value that was read has a blob in it.
    pub(crate) met_blob: bool,
    /// Whether the record says so.
    pub(crate) tells_blob: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            met_blob: false,
            tells_blob: false,
        }
    }

    /// Returns how many bytes have been read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Returns the bytes from `start` to the cursor.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Returns a fault at the cursor.
    pub(crate) fn fault(&self, kind: FaultKind, detail: impl Into<String>) -> Fault {
        Fault::new(kind, self.at, detail)
    }

    /// Checks that nothing is left.
    pub(crate) fn finish(&self) -> Result<(), Fault> {
        let left = self.bytes.len().saturating_sub(self.at);
        if left == 0 {
            Ok(())
        } else {
            Err(self.fault(FaultKind::Bounds, format!("{left} bytes left over")))
        }
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let taken = self
            .at
            .checked_add(length)
            .and_then(|end| self.bytes.get(self.at..end))
            .ok_or_else(|| {
                let left = self.bytes.len().saturating_sub(self.at);
                self.fault(
                    FaultKind::Bounds,
                    format!("needs {length} bytes, has {left}"),
                )
            })?;
        self.at += length;
        Ok(taken)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    #[inline]
    fn big_endian(&mut self, length: usize) -> Result<u64, Fault> {
        Ok(self
            .take(length)?
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// Returns the argument of a head whose low five bits are `low`.
    #[inline]
    fn argument(&mut self, low: u8) -> Result<u64, Fault> {
        let (length, least) = match low {
            0..=23 => return Ok(u64::from(low)),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            28..=30 => return Err(self.fault(FaultKind::Payload, "reserved head")),
            _ => return Err(self.fault(FaultKind::Payload, "indefinite length")),
        };
        let number = self.big_endian(length)?;
        if number < least {
            return Err(self.fault(FaultKind::Payload, "head is not the shortest"));
        }
        Ok(number)
    }

    /// Returns a count of items of at least `each` bytes, which the rest could hold.
    fn count(&self, argument: u64, each: usize) -> Result<usize, Fault> {
        let left = self.bytes.len().saturating_sub(self.at);
        usize::try_from(argument)
            .ok()
            .filter(|&count| count.checked_mul(each).is_some_and(|least| least <= left))
            .ok_or_else(|| {
                self.fault(
                    FaultKind::Bounds,
                    format!("{argument} items announced, {left} bytes left"),
                )
            })
    }

    /// Returns the next item's major type and argument alone, whatever follows.
    pub(crate) fn head(&mut self) -> Result<(u8, u64), Fault> {
        let first = self.byte()?;
        Ok((first >> 5, self.argument(first & 0x1f)?))
    }

    /// Returns the next item's head, and a string's bytes.
    pub(crate) fn token(&mut self) -> Result<Token<'a>, Fault> {
        let first = self.byte()?;
        let (kind, low) = (first >> 5, first & 0x1f);
        if kind == major::SIMPLE {
            return self.simple(low);
        }
        let argument = self.argument(low)?;
        Ok(match kind {
            major::UNSIGNED => Token::Unsigned(argument),
            major::NEGATIVE => Token::Negative(argument),
            major::BYTES => {
                let length = self.count(argument, 1)?;
                Token::Bytes(self.take(length)?)
            }
            major::TEXT => {
                let length = self.count(argument, 1)?;
                let start = self.at;
                let bytes = self.take(length)?;
                Token::Text(std::str::from_utf8(bytes).map_err(|error| {
                    let offset = start + error.valid_up_to();
                    Fault::new(FaultKind::Utf8, offset, "text is not UTF-8")
                })?)
            }
            major::ARRAY => Token::Array(self.count(argument, 1)?),
            major::MAP => Token::Map(self.count(argument, 2)?),
            _ => Token::Tag(argument),
        })
    }

    /// Returns the next item, if it is one of those that most values are made of: a small number,
    /// a float, a short text, a bool or null. What is not canonical is none of them.
    ///
    /// It is quicker than [`token`](Self::token), which can read any item and says what is wrong.
    #[inline]
    pub(crate) fn quick(&mut self) -> Option<Token<'a>> {
        let (&head, rest) = self.bytes.get(self.at..)?.split_first()?;
        let (token, length) = match head {
            0..=0x17 => (Token::Unsigned(head.into()), 0),
            0x18 => (Token::Unsigned((*rest.first()?).into()), 1),
            0x19 => {
                let number = u16::from_be_bytes(*rest.first_chunk()?);
                (Token::Unsigned(number.into()), 2)
            }
            0x1a => {
                let number = u32::from_be_bytes(*rest.first_chunk()?);
                (Token::Unsigned(number.into()), 4)
            }
            0x60..=0x77 => {
                let length = usize::from(head & 0x1f);
                let text = std::str::from_utf8(rest.get(..length)?).ok()?;
                (Token::Text(text), length)
            }
            0xf4 => (Token::Bool(false), 0),
            0xf5 => (Token::Bool(true), 0),
            0xf6 => (Token::Null, 0),
            0xf9..=0xfb => return self.quick_float().map(Token::Float),
            _ => return None,
        };
        // A number has the shortest head that holds it.
        let short = match (&token, length) {
            (Token::Unsigned(number), 1) => *number < 24,
            (Token::Unsigned(number), 2) => *number <= 0xff,
            (Token::Unsigned(number), 4) => *number <= 0xffff,
            _ => false,
        };
        if short {
            return None;
        }
        self.at += 1 + length;
        Some(token)
    }

    /// Returns the next item, if it is a float. Few that are canonical are left to
    /// [`token`](Self::token).
    #[inline]
    pub(crate) fn quick_float(&mut self) -> Option<f64> {
        let (&head, rest) = self.bytes.get(self.at..)?.split_first()?;
        let (number, length) = match head {
            0xfb => (float::quick_double(*rest.first_chunk()?)?, 8),
            0xfa => (float::quick_single(*rest.first_chunk()?)?, 4),
            0xf9 => (float::quick_half(*rest.first_chunk()?)?, 2),
            _ => return None,
        };
        self.at += 1 + length;
        Some(number)
    }

    /// Goes back to a place that was read before.
    pub(crate) fn back_to(&mut self, position: usize) {
        self.at = position;
    }

    /// Reads the next item with all that it holds.
    pub(crate) fn skip(&mut self) -> Result<(), Fault> {
        let mut left: usize = 1;
        while left > 0 {
            let quick = self.quick();
            let token = match quick {
                Some(token) => token,
                None => self.token()?,
            };
            let more = match token {
                Token::Array(length) => length,
                Token::Map(length) => length.saturating_mul(2),
                Token::Tag(_) => 1,
                _ => 0,
            };
            left = (left - 1).saturating_add(more);
        }
        Ok(())
    }

    fn simple(&mut self, low: u8) -> Result<Token<'a>, Fault> {
        let (number, form) = match low {
            20 => return Ok(Token::Bool(false)),
            21 => return Ok(Token::Bool(true)),
            22 => return Ok(Token::Null),
            25 => {
                let half = u16::try_from(self.big_endian(2)?).unwrap_or_default();
                (from_half(half), Float::Half(half))
            }
            26 => {
                let bits = u32::try_from(self.big_endian(4)?).unwrap_or_default();
                let single = f32::from_bits(bits);
                (f64::from(single), Float::Single(single))
            }
            27 => {
                let number = f64::from_bits(self.big_endian(8)?);
                (number, Float::Double(number))
            }
            _ => return Err(self.fault(FaultKind::Payload, format!("simple value {low}"))),
        };
        if number == 0.0 && number.is_sign_negative() {
            return Err(self.fault(FaultKind::Payload, "float is -0.0"));
        }
        if Float::shortest(number) != form {
            return Err(self.fault(FaultKind::Payload, "float is not the shortest"));
        }
        Ok(Token::Float(number))
    }

    fn unexpected(&self, wanted: &str, found: &Token<'_>) -> Fault {
        self.fault(
            FaultKind::Kind,
            format!("{wanted} expected, {} found", found.describe()),
        )
    }

    pub(crate) fn array(&mut self) -> Result<usize, Fault> {
        match self.token()? {
            Token::Array(length) => Ok(length),
            other => Err(self.unexpected("an array", &other)),
        }
    }

    /// Reads the head of an array of exactly `length` items.
    pub(crate) fn array_of(&mut self, length: usize) -> Result<(), Fault> {
        let found = self.array()?;
        if found == length {
            Ok(())
        } else {
            Err(self.fault(
                FaultKind::Payload,
                format!("{length} items expected, {found} found"),
            ))
        }
    }

    pub(crate) fn map(&mut self) -> Result<usize, Fault> {
        match self.token()? {
            Token::Map(length) => Ok(length),
            other => Err(self.unexpected("a map", &other)),
        }
    }

    pub(crate) fn uint(&mut self) -> Result<u64, Fault> {
        match self.token()? {
            Token::Unsigned(number) => Ok(number),
            other => Err(self.unexpected("an unsigned integer", &other)),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64, Fault> {
        let number = match self.token()? {
            Token::Unsigned(number) => i64::try_from(number).ok(),
            Token::Negative(number) => i64::try_from(number).ok().map(|number| !number),
            other => return Err(self.unexpected("an integer", &other)),
        };
        number.ok_or_else(|| self.fault(FaultKind::Payload, "integer beyond 64 bits"))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        match self.token()? {
            Token::Bytes(bytes) => Ok(bytes),
            other => Err(self.unexpected("bytes", &other)),
        }
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Fault> {
        match self.token()? {
            Token::Text(text) => Ok(text),
            other => Err(self.unexpected("text", &other)),
        }
    }

    /// Returns the next item, if it is as many bytes as an id has: most items of large records
    /// are, and this is several times as quick as to look at any kind of item.
    pub(crate) fn id_bytes(&mut self) -> Option<&'a [u8; ID_LEN]> {
        let (head, rest) = self.bytes.get(self.at..)?.split_first_chunk::<2>()?;
        let bytes = rest.first_chunk().filter(|_| *head == ID_HEAD)?;
        self.at += head.len() + bytes.len();
        Some(bytes)
    }

    /// Returns whether the next item is an array; reads nothing.
    pub(crate) fn is_array(&self) -> bool {
        let head = self.bytes.get(self.at);
        head.is_some_and(|head| head >> 5 == major::ARRAY)
    }

    /// Returns whether the next item is null; reads it if so.
    pub(crate) fn is_null(&mut self) -> bool {
        let null = self.bytes.get(self.at) == Some(&0xf6);
        if null {
            self.at += 1;
        }
        null
    }
}
