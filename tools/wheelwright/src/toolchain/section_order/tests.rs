use std::collections::BTreeMap;

use proptest::prelude::*;

use super::similar::{Piece, order};
use super::{long, put, put_word, reordered, short, text, word};

/// Bytes that repeat nothing.
fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn pieces(contents: &[Vec<u8>]) -> Vec<Piece<'_>> {
    let piece = |bytes| Piece {
        bytes,
        unknown: Vec::new(),
    };
    contents
        .iter()
        .map(|bytes| piece(bytes.as_slice()))
        .collect()
}

#[test]
fn similar_pieces_become_neighbours() {
    let one = noise(1, 1_000);
    let mut other = one.clone();
    other[500] ^= 1;
    let contents = [one, noise(2, 40_000), other, noise(3, 40_000)];
    assert_eq!(order(pieces(&contents)), [0, 2, 1, 3]);
}

#[test]
fn what_the_linker_replaces_makes_nothing_similar() {
    let contents = [noise(1, 1_000), noise(2, 40_000), noise(1, 1_000)];
    let mut pieces = pieces(&contents);
    pieces[2].unknown = (0..1_000).step_by(4).rev().collect();
    assert_eq!(order(pieces), [0, 1, 2]);
}

/// An ELF object file with a function for each of `contents`, a relocation for each that
/// names its section, and a symbol for each.
fn elf(contents: &[Vec<u8>]) -> Vec<u8> {
    let count = contents.len();
    let mut out = vec![0; 64];
    put(&mut out, 0, b"\x7fELF\x02\x01\x01");
    // Null, functions, their relocations, symbols, names.
    let mut headers = vec![vec![0; 64]; 2 * count + 3];
    let mut names = vec![0];
    let mut symbols = vec![0; 24];
    let mut add = |header: &mut Vec<u8>, kind: usize, name: &str, content: &[u8]| {
        put_word(header, 0, names.len());
        names.extend(name.bytes().chain([0]));
        put_word(header, 4, kind);
        put_word(header, 0x18, out.len());
        put_word(header, 0x20, content.len());
        out.extend(content);
    };
    for (number, content) in contents.iter().enumerate() {
        let section = number + 1;
        add(
            &mut headers[section],
            1,
            &format!(".text.f{number}"),
            content,
        );
        let relocations = &mut headers[section + count];
        add(relocations, 4, ".rela", &[0; 24]);
        put_word(relocations, 0x28, 2 * count + 1);
        put_word(relocations, 0x2c, section);
        let mut symbol = vec![0; 24];
        put_word(&mut symbol, 0, number);
        put(
            &mut symbol,
            6,
            &u16::try_from(section).unwrap().to_le_bytes(),
        );
        symbols.extend(symbol);
    }
    add(&mut headers[2 * count + 1], 2, ".symtab", &symbols);
    put_word(&mut headers[2 * count + 2], 4, 3);
    put_word(&mut headers[2 * count + 2], 0x18, out.len());
    put_word(&mut headers[2 * count + 2], 0x20, names.len());
    out.extend(&names);
    let table = out.len();
    put_word(&mut out, 0x28, table);
    put(&mut out, 0x3a, &64_u16.to_le_bytes());
    put(
        &mut out,
        0x3c,
        &u16::try_from(headers.len()).unwrap().to_le_bytes(),
    );
    put(
        &mut out,
        0x3e,
        &u16::try_from(2 * count + 2).unwrap().to_le_bytes(),
    );
    out.extend(headers.concat());
    out
}

/// The functions of an ELF object file, in the order of its sections; and the content of
/// each by the number of its symbol, and again by that of its relocation.
fn read_elf(file: &[u8]) -> (Vec<String>, BTreeMap<usize, Vec<u8>>, Vec<String>) {
    let table = long(file, 0x28).unwrap();
    let count = usize::from(short(file, 0x3c).unwrap());
    let header = |number: usize| &file[table + number * 64..][..64];
    let content = |number: usize| {
        &file[long(header(number), 0x18).unwrap()..][..long(header(number), 0x20).unwrap()]
    };
    let name = |number: usize| {
        let at = word(header(number), 0).unwrap();
        String::from_utf8(text(content(count - 1), at).unwrap().to_vec()).unwrap()
    };
    let functions = (count - 3) / 2;
    let symbols = content(count - 2).chunks_exact(24).skip(1);
    (
        (1..=functions).map(name).collect(),
        symbols
            .map(|symbol| {
                let section = usize::from(short(symbol, 6).unwrap());
                (word(symbol, 0).unwrap(), content(section).to_vec())
            })
            .collect(),
        (functions + 1..=2 * functions)
            .map(|number| name(word(header(number), 0x2c).unwrap()))
            .collect(),
    )
}

#[test]
fn what_names_a_section_of_elf_follows_it() {
    let contents = [
        noise(1, 1_000),
        noise(2, 40_000),
        noise(1, 1_001),
        noise(3, 40_000),
    ];
    let before = elf(&contents);
    let after = reordered(&before).unwrap();
    let (names, symbols, relocations) = read_elf(&after);
    assert_eq!(names, [".text.f0", ".text.f2", ".text.f1", ".text.f3"]);
    assert_eq!(symbols, contents.into_iter().enumerate().collect());
    assert_eq!(
        relocations,
        [".text.f0", ".text.f1", ".text.f2", ".text.f3"]
    );
}

/// A COFF object file with a function for each of `contents`, a section that goes with
/// the last of them, symbols of all sections, and a relocation of the first that is about
/// the second.
fn coff(contents: &[Vec<u8>]) -> Vec<u8> {
    let count = contents.len() + 1;
    let mut out = vec![0; 20 + count * 40];
    put(&mut out, 0, &0x8664_u16.to_le_bytes());
    put(&mut out, 2, &u16::try_from(count).unwrap().to_le_bytes());
    for number in 0..count {
        let name = if number + 1 < count {
            format!(".text$f{number}")
        } else {
            ".pdata".to_owned()
        };
        let content = contents.get(number).cloned().unwrap_or_default();
        let header = 20 + number * 40;
        put(&mut out, header, name.as_bytes());
        put_word(&mut out, header + 16, content.len());
        let at = out.len();
        put_word(&mut out, header + 20, at);
        out.extend(content);
    }
    let at = out.len();
    put_word(&mut out, 20 + 24, at);
    put(&mut out, 20 + 32, &[1, 0]);
    out.extend([0, 0, 0, 0, 2, 0, 0, 0, 4, 0]);
    let at = out.len();
    put_word(&mut out, 8, at);
    put_word(&mut out, 12, 2 * count);
    for number in 1..=count {
        let mut symbol = vec![0; 36];
        put_word(&mut symbol, 0, number);
        put(
            &mut symbol,
            12,
            &u16::try_from(number).unwrap().to_le_bytes(),
        );
        put(&mut symbol, 16, &[3, 1]);
        if number == count {
            put(
                &mut symbol,
                30,
                &u16::try_from(count - 1).unwrap().to_le_bytes(),
            );
            put(&mut symbol, 32, &[5]);
        }
        out.extend(symbol);
    }
    out.extend(4_u32.to_le_bytes());
    out
}

#[test]
fn what_names_a_section_of_coff_follows_it() {
    let contents = [noise(1, 1_000), noise(2, 40_000), noise(1, 1_001)];
    let before = coff(&contents);
    let after = reordered(&before).unwrap();
    let section = |number: u16| {
        let header = &after[20 + usize::from(number - 1) * 40..][..40];
        let content = &after[word(header, 20).unwrap()..][..word(header, 16).unwrap()];
        (text(&header[..8], 0).unwrap(), content)
    };
    for (number, content) in [(1, 0), (2, 2), (3, 1)] {
        let name = format!(".text$f{content}");
        assert_eq!(section(number), (name.as_bytes(), &contents[content][..]));
    }
    assert_eq!(section(4).0, b".pdata");
    // Symbols are in the order of their sections, and the last section goes with the third
    // function, which is the second now.
    let symbols = word(&after, 8).unwrap();
    let symbol = |nth: usize| &after[symbols + nth * 36..][..36];
    let names = [0, 1, 2, 3].map(|nth| word(symbol(nth), 0).unwrap());
    let sections = [0, 1, 2, 3].map(|nth| short(symbol(nth), 12).unwrap());
    assert_eq!((names, sections), ([1, 3, 2, 4], [1, 2, 3, 4]));
    assert_eq!(short(symbol(3), 30), Some(2));
    // The relocation of the first section is about the second function's symbol still.
    let relocation = word(&after[20..60], 24).unwrap();
    assert_eq!(word(&after, relocation + 4), Some(4));
}

proptest! {
    #[test]
    fn every_piece_is_there_once(
        contents in prop::collection::vec(prop::collection::vec(0_u8..3, 0..300), 0..40),
    ) {
        let mut ordered = order(pieces(&contents));
        ordered.sort_unstable();
        prop_assert!(ordered.into_iter().eq(0..contents.len()));
    }

    #[test]
    fn no_file_is_too_broken(
        of_elf: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut: prop::sample::Index,
        whole: bool,
    ) {
        let contents = [noise(1, 20), noise(2, 20), noise(1, 21)];
        let mut file = if of_elf { elf(&contents) } else { coff(&contents) };
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        if !whole {
            file.truncate(cut.index(file.len()));
        }
        if let Some(after) = reordered(&file) {
            prop_assert_eq!(after.len(), file.len());
        }
    }
}
