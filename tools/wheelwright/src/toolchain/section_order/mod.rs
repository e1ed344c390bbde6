//! The order of sections in an object file.
//!
//! An extension is compiled into one object file, in which each function is a section of
//! its own. The linker takes them in the order of the file, which is the order of their
//! crates. Here, similar ones become neighbours before they are linked. The code is the
//! same; a wheel, which is compressed, gets smaller by 4 %.

mod coff;
mod elf;
mod similar;

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// These files: all that decides the order.
pub const SOURCES: [&str; 4] = [
    include_str!("mod.rs"),
    include_str!("coff.rs"),
    include_str!("elf.rs"),
    include_str!("similar.rs"),
];

/// Reorders the sections of the one object file that is linked by `arguments`, if a
/// dynamic library is linked of one.
///
/// The order among several object files stays the linker's.
///
/// # Errors
/// The file cannot be read or written.
pub(super) fn before_linking(arguments: &[OsString]) -> io::Result<()> {
    if !arguments.iter().any(|argument| argument == "-shared") {
        return Ok(());
    }
    let mut objects = arguments
        .iter()
        .map(Path::new)
        .filter(|path| path.to_string_lossy().ends_with(".rcgu.o"));
    match (objects.next(), objects.next()) {
        (Some(object), None) => rewrite(object),
        _ => Ok(()),
    }
}

/// Runs the tool of this name, which a build by other means starts before it links:
/// its arguments are those of the linker.
pub(super) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match before_linking(&arguments.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wheelwright: cannot order the sections of an object file: {error}");
            ExitCode::from(2)
        }
    }
}

/// Reorders the sections of an object file of rustc, which deletes it after linking.
fn rewrite(object: &Path) -> io::Result<()> {
    match reordered(&std::fs::read(object)?) {
        Some(bytes) => std::fs::write(object, bytes),
        None => Ok(()),
    }
}

/// The object file with its sections in another order; `None` if it is of an unknown
/// format, or not as that format says.
fn reordered(file: &[u8]) -> Option<Vec<u8>> {
    if file.starts_with(b"\x7fELF") {
        elf::reordered(file)
    } else {
        coff::reordered(file)
    }
}

/// The little-endian number of two bytes at `at`.
fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

/// The little-endian number of four bytes at `at`.
fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
}

/// The little-endian number of eight bytes at `at`.
fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    usize::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()
}

/// Writes `value` over the bytes at `at`.
fn put(bytes: &mut [u8], at: usize, value: &[u8]) -> Option<()> {
    bytes
        .get_mut(at..at.checked_add(value.len())?)?
        .copy_from_slice(value);
    Some(())
}

/// Writes a number of four bytes at `at`.
fn put_word(bytes: &mut [u8], at: usize, value: usize) -> Option<()> {
    put(bytes, at, &u32::try_from(value).ok()?.to_le_bytes())
}

/// The text at `at` of a table of texts that end with a zero.
fn text(table: &[u8], at: usize) -> Option<&[u8]> {
    table.get(at..)?.split(|byte| *byte == 0).next()
}

#[cfg(test)]
mod tests;
