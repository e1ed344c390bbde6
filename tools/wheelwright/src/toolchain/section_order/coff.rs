//! Object files in COFF, for x86-64 Windows.

use std::collections::BTreeMap;

use super::similar::{self, Piece};
use super::{put, put_word, short, text, word};

/// The sections that move, each kind among its own.
const KINDS: [&str; 3] = [".text", ".xdata", ".rdata"];

const X86_64: u16 = 0x8664;
/// A flag of sections: there are no bytes in the file.
const UNINITIALISED: usize = 0x80;
/// A flag of sections: there are more relocations than the header can say.
const MANY_RELOCATIONS: usize = 0x0100_0000;
/// A class of symbols: sections are among them.
const STATIC: u8 = 3;
/// A class of symbols: another symbol takes their place if they are not defined.
const WEAK: u8 = 105;
/// The section is linked if another one is.
const ASSOCIATIVE: u8 = 5;

// Sizes of entries, in bytes.
const HEADER: usize = 20;
const SECTION: usize = 40;
const SYMBOL: usize = 18;
const RELOCATION: usize = 10;

/// Returns `file` with its sections in another order.
///
/// Headers of sections change places, and what names a section by its number. The linker
/// takes sections in the order of their symbols, so these change places as well, and
/// what names a symbol by its number.
pub(super) fn reordered(file: &[u8]) -> Option<Vec<u8>> {
    let object = Object::read(file)?;
    let mut out = file.to_vec();
    let mut moved: Vec<usize> = (0..object.sections.len()).collect();
    for kind in KINDS {
        let mut places = Vec::new();
        let mut members = Vec::new();
        for number in 0..object.sections.len() {
            if object.moves(number, kind)? {
                places.push(number);
                members.push(object.piece(number)?);
            }
        }
        for (place, member) in similar::order(members).into_iter().enumerate() {
            moved[places[member]] = places[place];
            let section = object.sections[places[member]];
            put(&mut out, HEADER + places[place] * SECTION, section)?;
        }
    }
    object.reorder_symbols(&mut out, &moved)?;
    Some(out)
}

/// An object file.
struct Object<'a> {
    file: &'a [u8],
    sections: Vec<&'a [u8]>,
    /// Where the symbols are, and how many.
    symbols: (usize, usize),
    texts: &'a [u8],
}

impl<'a> Object<'a> {
    fn read(file: &'a [u8]) -> Option<Self> {
        if short(file, 0)? != X86_64 || short(file, 16)? != 0 {
            return None;
        }
        let sections = file.get(HEADER..HEADER + usize::from(short(file, 2)?) * SECTION)?;
        let symbols = (word(file, 8)?, word(file, 12)?);
        let texts = symbols.0.checked_add(symbols.1.checked_mul(SYMBOL)?)?;
        let object = Self {
            file,
            sections: sections.chunks_exact(SECTION).collect(),
            symbols,
            texts: file.get(texts..)?,
        };
        for section in &object.sections {
            if word(section, 36)? & MANY_RELOCATIONS != 0 {
                return None; // their number is in another place
            }
        }
        Some(object)
    }

    fn name(&self, section: usize) -> Option<&'a [u8]> {
        let field = text(self.sections.get(section)?.get(..8)?, 0)?;
        match field.strip_prefix(b"/") {
            // A longer name is among the texts.
            Some(digits) => text(self.texts, std::str::from_utf8(digits).ok()?.parse().ok()?),
            None => Some(field),
        }
    }

    /// Does this section move with those of `kind`?
    fn moves(&self, section: usize, kind: &str) -> Option<bool> {
        let rest = self.name(section)?.strip_prefix(kind.as_bytes());
        Some(
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"$"))
                && word(self.sections[section], 36)? & UNINITIALISED == 0,
        )
    }

    fn piece(&self, section: usize) -> Option<Piece<'a>> {
        let section = self.sections[section];
        let (size, at) = (word(section, 16)?, word(section, 20)?);
        let relocations = word(section, 24)?;
        let mut unknown = Vec::new();
        for nth in 0..usize::from(short(section, 32)?) {
            unknown.push(word(self.file, relocations.checked_add(nth * RELOCATION)?)?);
        }
        let bytes = self.file.get(at..at.checked_add(size)?)?;
        Some(Piece { bytes, unknown })
    }

    /// Replaces the numbers of sections in the symbols of `out`, and puts the symbols in the
    /// order of their sections, among those that take as much space.
    fn reorder_symbols(&self, out: &mut [u8], moved: &[usize]) -> Option<()> {
        // Numbers begin with 1 in the file; 0 stands for none, and so do negative numbers.
        let renumbered = |at: usize| {
            let section = usize::from(short(self.file, at)?.checked_sub(1)?);
            u16::try_from(moved.get(section)? + 1).ok()
        };
        let mut of_size: BTreeMap<usize, Vec<(u16, usize)>> = BTreeMap::new();
        let (start, count) = self.symbols;
        let mut nth = 0;
        while nth < count {
            let at = start + nth * SYMBOL;
            let size = 1 + usize::from(*self.file.get(at + 17)?);
            if *self.file.get(at + 16)? == WEAK {
                return None; // it holds the number of a symbol
            }
            if (1..0x8000).contains(&short(self.file, at + 12)?) {
                let symbol = (renumbered(at + 12)?, nth);
                of_size.entry(size).or_default().push(symbol);
            }
            nth += size;
        }
        let mut places: Vec<usize> = (0..nth).collect();
        for (size, symbols) in of_size {
            let mut ordered = symbols.clone();
            ordered.sort_unstable();
            for ((section, symbol), (_, place)) in ordered.into_iter().zip(symbols) {
                places[symbol] = place;
                let (from, to) = (start + symbol * SYMBOL, start + place * SYMBOL);
                put(out, to, self.file.get(from..from + size * SYMBOL)?)?;
                put(out, to + 12, &section.to_le_bytes())?;
                let more = from + SYMBOL;
                if size == 2
                    && *self.file.get(from + 16)? == STATIC
                    && *self.file.get(more + 14)? == ASSOCIATIVE
                {
                    let of = renumbered(more + 12)?.to_le_bytes();
                    put(out, to + SYMBOL + 12, &of)?;
                }
            }
        }
        for section in &self.sections {
            let relocations = word(section, 24)?;
            for nth in 0..usize::from(short(section, 32)?) {
                let at = relocations.checked_add(nth * RELOCATION + 4)?;
                put_word(out, at, *places.get(word(self.file, at)?)?)?;
            }
        }
        Some(())
    }
}
