//! Object files in ELF, for 64-bit little-endian machines.

use super::similar::{self, Piece};
use super::{long, put, put_word, short, text, word};

/// The sections that move, each kind among its own.
const KINDS: [&str; 4] = [".text.", ".gcc_except_table.", ".rodata.", ".data.rel.ro."];

// Kinds of sections.
const CONTENT: usize = 1;
const SYMBOLS: usize = 2;
const RELOCATIONS: usize = 4;
const GROUP: usize = 17;
const LONG_SECTION_NUMBERS: usize = 18;

/// A flag: the linker may take the section apart.
const MERGED: usize = 0x10;
/// From here on, the number of a section is not that of a section.
const RESERVED: u16 = 0xff00;

// Sizes of entries, in bytes.
const HEADER: usize = 64;
const SYMBOL: usize = 24;
const RELOCATION: usize = 24;

/// Returns `file` with its sections in another order.
///
/// Only headers of sections change places, and what names a section by its number.
pub(super) fn reordered(file: &[u8]) -> Option<Vec<u8>> {
    let object = Object::read(file)?;
    let moved = object.order()?;
    let new = |number: usize| moved.get(number).copied();
    let mut out = file.to_vec();
    for (number, header) in object.headers.iter().enumerate() {
        let mut header = header.to_vec();
        let linked = new(word(&header, 0x28)?)?;
        put_word(&mut header, 0x28, linked)?;
        let at = long(&header, 0x18)?;
        match object.kind(number)? {
            RELOCATIONS => {
                let of = new(word(&header, 0x2c)?)?;
                put_word(&mut header, 0x2c, of)?;
            }
            SYMBOLS => {
                for (nth, symbol) in object.content(number)?.chunks_exact(SYMBOL).enumerate() {
                    let section = short(symbol, 6)?;
                    if section < RESERVED {
                        let section = u16::try_from(new(section.into())?).ok()?;
                        put(&mut out, at + nth * SYMBOL + 6, &section.to_le_bytes())?;
                    }
                }
            }
            GROUP => {
                let members = object.content(number)?.chunks_exact(4).enumerate();
                for (nth, member) in members.skip(1) {
                    put_word(&mut out, at + nth * 4, new(word(member, 0)?)?)?;
                }
            }
            LONG_SECTION_NUMBERS => return None,
            _ => {}
        }
        put(&mut out, object.table + new(number)? * HEADER, &header)?;
    }
    Some(out)
}

/// An object file.
struct Object<'a> {
    file: &'a [u8],
    /// Where the headers of sections are.
    table: usize,
    headers: Vec<&'a [u8]>,
    names: &'a [u8],
}

impl<'a> Object<'a> {
    fn read(file: &'a [u8]) -> Option<Self> {
        const BITS_64: u8 = 2;
        const LITTLE_ENDIAN: u8 = 1;
        if file.get(4..6)? != [BITS_64, LITTLE_ENDIAN] || usize::from(short(file, 0x3a)?) != HEADER
        {
            return None;
        }
        let table = long(file, 0x28)?;
        let count = short(file, 0x3c)?;
        if count >= RESERVED {
            return None;
        }
        let headers = file.get(table..table.checked_add(usize::from(count) * HEADER)?)?;
        let mut object = Self {
            file,
            table,
            headers: headers.chunks_exact(HEADER).collect(),
            names: &[],
        };
        object.names = object.content(usize::from(short(file, 0x3e)?))?;
        Some(object)
    }

    fn kind(&self, section: usize) -> Option<usize> {
        word(self.headers.get(section)?, 4)
    }

    fn content(&self, section: usize) -> Option<&'a [u8]> {
        let header = self.headers.get(section)?;
        let at = long(header, 0x18)?;
        self.file.get(at..at.checked_add(long(header, 0x20)?)?)
    }

    /// Does this section move with those of `kind`?
    fn moves(&self, section: usize, kind: &str) -> Option<bool> {
        let header = self.headers.get(section)?;
        Some(
            self.kind(section)? == CONTENT
                && long(header, 8)? & MERGED == 0
                && text(self.names, word(header, 0)?)?.starts_with(kind.as_bytes()),
        )
    }

    /// The new number of each section.
    fn order(&self) -> Option<Vec<usize>> {
        let count = self.headers.len();
        let mut pieces: Vec<Piece> = Vec::new();
        pieces.resize_with(count, Piece::default);
        for number in 0..count {
            match self.kind(number)? {
                CONTENT => pieces[number].bytes = self.content(number)?,
                RELOCATIONS => {
                    let of = word(self.headers[number], 0x2c)?;
                    for relocation in self.content(number)?.chunks_exact(RELOCATION) {
                        pieces.get_mut(of)?.unknown.push(long(relocation, 0)?);
                    }
                }
                _ => {}
            }
        }
        let mut moved: Vec<usize> = (0..count).collect();
        for kind in KINDS {
            let mut places = Vec::new();
            let mut members = Vec::new();
            for (number, piece) in pieces.iter_mut().enumerate() {
                if self.moves(number, kind)? {
                    places.push(number);
                    members.push(std::mem::take(piece));
                }
            }
            for (place, member) in similar::order(members).into_iter().enumerate() {
                moved[places[member]] = places[place];
            }
        }
        Some(moved)
    }
}
