//! Naming the place of a difference: line of a text, section and symbol of
//! compiled code.

use std::fmt;

use object::read::{File, Object as _, ObjectSection as _, ObjectSymbol};
use serde::Serialize;

use super::Difference;

/// The section of what is in none.
const HEADERS: &str = "headers";

/// The most sections that are compared one by one.
const MOST_SECTIONS: usize = 1000;

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
            let end = if self.symbol.is_none() && self.offset.is_none() {
                ": "
            } else {
                ", "
            };
            write!(f, "section {section}{end}")?;
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
        // Where the layout differs, the headers are the first to show it and say nothing.
        if section == HEADERS
            && let Some(found) = first_section(a, b)
        {
            return found;
        }
        place.section = Some(section);
        place.symbol = symbol;
    }
    (place, show(a), show(b))
}

/// Describes the first section that only one of two files has, or whose content differs.
fn first_section(a: &[u8], b: &[u8]) -> Option<(Place, String, String)> {
    let (sections_a, sections_b) = (sections(a)?, sections(b)?);
    let place = |section: &str| Place {
        section: Some(section.to_owned()),
        ..Place::default()
    };
    let has = |sections: &[(String, &[u8])], name: &str| {
        let mut names = sections.iter().map(|(own, _)| own);
        names.any(|own| own == name)
    };
    let says = |there: bool| if there { "is there" } else { "is not there" }.to_owned();
    for (name, _) in sections_a.iter().chain(&sections_b) {
        let (in_a, in_b) = (has(&sections_a, name), has(&sections_b, name));
        if in_a != in_b {
            return Some((place(name), says(in_a), says(in_b)));
        }
    }
    for ((name, content_a), (_, content_b)) in sections_a.iter().zip(&sections_b) {
        if content_a != content_b {
            let size = |content: &[u8]| format!("{} bytes", content.len());
            let (mut size_a, mut size_b) = (size(content_a), size(content_b));
            if size_a == size_b {
                let at = content_a
                    .iter()
                    .zip(content_b.iter())
                    .position(|(x, y)| x != y)?;
                let show = |content: &[u8]| {
                    let rest = content.get(at..).unwrap_or_default();
                    crate::artifact::hex(&rest[..rest.len().min(8)])
                };
                (size_a, size_b) = (show(content_a), show(content_b));
            }
            return Some((place(name), size_a, size_b));
        }
    }
    None
}

/// Returns the sections of a file; `None` for one whose sections are too many, or together
/// longer than the file, as only a hostile one's are.
fn sections(bytes: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let file = File::parse(bytes).ok()?;
    let (mut found, mut total) = (Vec::new(), 0);
    for section in file.sections() {
        let (Ok(name), Ok(content)) = (section.name(), section.data()) else {
            continue;
        };
        total += content.len();
        if found.len() >= MOST_SECTIONS || total > bytes.len() {
            return None;
        }
        found.push((name.to_owned(), content));
    }
    Some(found)
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
        return Some((HEADERS.into(), None));
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
