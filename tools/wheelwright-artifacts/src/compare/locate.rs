//! Naming the place of a difference: line of a text, section and symbol of
//! compiled code.

use std::fmt;

use object::read::{File, Object as _, ObjectSection as _, ObjectSymbol};
use serde::Serialize;

use super::Difference;

/// A place in a member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Line from 1, in text.
    pub line: Option<usize>,
    /// Byte from 0, in anything else.
    pub offset: Option<usize>,
    /// Section of compiled code.
    pub section: Option<String>,
    /// Symbol that the byte belongs to.
    pub symbol: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(section) = &self.section {
            write!(f, "section {section}, ")?;
        }
        if let Some(symbol) = &self.symbol {
            write!(f, "symbol {symbol}, ")?;
        }
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(offset) = self.offset {
            write!(f, "byte {offset:#x}: ")?;
        }
        Ok(())
    }
}

/// Describes the first difference between two contents that differ.
pub fn difference(member: &str, a: &[u8], b: &[u8]) -> Difference {
    let (place, a, b) = match (text(a), text(b)) {
        (Some(text_a), Some(text_b)) => line(text_a, text_b),
        _ => byte(a, b),
    };
    Difference {
        member: Some(member.to_owned()),
        place,
        a,
        b,
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|t| !t.contains('\0'))
}

fn line(a: &str, b: &str) -> (Place, String, String) {
    let (mut lines_a, mut lines_b) = (a.split('\n'), b.split('\n'));
    let mut number = 0;
    loop {
        number += 1;
        let (x, y) = (lines_a.next(), lines_b.next());
        if x != y || x.is_none() {
            let show = |line: Option<&str>| {
                line.map_or_else(
                    || "the text has ended".to_owned(),
                    |line| format!("{:?}", line.chars().take(120).collect::<String>()),
                )
            };
            let place = Place {
                line: Some(number),
                ..Place::default()
            };
            return (place, show(x), show(y));
        }
    }
}

fn byte(a: &[u8], b: &[u8]) -> (Place, String, String) {
    let at = a
        .iter()
        .zip(b)
        .position(|(x, y)| x != y)
        .unwrap_or_else(|| a.len().min(b.len()));
    let show = |bytes: &[u8]| match bytes.get(at..) {
        None | Some([]) => "the content has ended".to_owned(),
        Some(rest) => crate::artifact::hex(&rest[..rest.len().min(8)]),
    };
    let mut place = Place {
        offset: Some(at),
        ..Place::default()
    };
    if let Some((section, symbol)) = section(a, at).or_else(|| section(b, at)) {
        place.section = Some(section);
        place.symbol = symbol;
    }
    (place, show(a), show(b))
}

/// The section that byte `at` of a file is in, and the symbol.
fn section(bytes: &[u8], at: usize) -> Option<(String, Option<String>)> {
    let file = File::parse(bytes).ok()?;
    let at = at as u64;
    let section = file.sections().find(|section| {
        section
            .file_range()
            .is_some_and(|(start, len)| start <= at && at - start < len)
    });
    let Some(section) = section else {
        return Some(("headers".into(), None));
    };
    let (start, _) = section.file_range()?;
    let address = section.address().checked_add(at - start)?;
    let symbol = file
        .symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| symbol.is_definition() && symbol.address() <= address)
        .filter(|symbol| symbol.section_index() == Some(section.index()))
        .max_by_key(ObjectSymbol::address)
        .and_then(|symbol| symbol.name().ok().map(str::to_owned));
    let name = section.name().unwrap_or("?").to_owned();
    Some((name, symbol.filter(|name| !name.is_empty())))
}
