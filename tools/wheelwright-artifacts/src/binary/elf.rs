//! What an audit needs to know of an ELF file.

use std::collections::BTreeSet;

use object::Endianness;
use object::elf as raw;
use object::read::elf::{ElfFile, FileHeader, ProgramHeader as _, SectionHeader as _, Sym as _};

use super::{Budget, Import, is_module_init, is_python_api, text};

/// Facts of one ELF file.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not states"
)]
#[derive(Debug, Clone, Default)]
pub struct Elf {
    /// As `uname -m` and the platform tags write it.
    pub machine: String,
    /// Whether it is a shared object (or position independent program).
    pub shared: bool,
    /// Whether it names a program interpreter, so is a program.
    pub interpreter: Option<String>,
    /// Its own name for others to link by.
    pub soname: Option<String>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<String>,
    /// `DT_RPATH`.
    pub rpath: Option<String>,
    /// `DT_RUNPATH`.
    pub runpath: Option<String>,
    /// Symbol versions wanted, as (library, version).
    pub versions: BTreeSet<(String, String)>,
    /// Symbol versions that it defines for others.
    pub defined: BTreeSet<String>,
    /// Level of x86-64 that it says it needs: 2 for x86-64-v2, up to 4.
    pub isa_level: Option<u8>,
    /// Python C API symbols wanted.
    pub python_imports: Vec<Import>,
    /// `PyInit_…` and `PyModExport_…` functions given.
    pub module_inits: Vec<String>,
    /// What the file asks of the stack.
    pub stack: Stack,
    /// How much of the relocated data is made read-only.
    pub relro: Relro,
    /// Whether code must be patched at load time.
    pub text_relocations: bool,
    /// Names of sections with debug information.
    pub debug_sections: Vec<String>,
    /// Whether it has section headers; without them versions cannot be read.
    pub has_sections: bool,
    /// Whether it has a dynamic section, so is meant to be loaded.
    pub dynamic: bool,
}

/// `PT_GNU_STACK`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stack {
    /// No header: the system decides, on most machines for an executable stack.
    #[default]
    Unstated,
    /// Executable.
    Executable,
    /// Not executable.
    Plain,
}

/// Relocations read-only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Relro {
    /// No.
    #[default]
    None,
    /// Only what does not wait for lazy binding.
    Partial,
    /// All of it.
    Full,
}

/// Reads the facts.
///
/// # Errors
/// A sentence on why it is not a readable ELF file.
pub fn read(bytes: &[u8]) -> Result<Elf, String> {
    match bytes.get(4) {
        Some(1) => read_as::<raw::FileHeader32<Endianness>>(bytes),
        Some(2) => read_as::<raw::FileHeader64<Endianness>>(bytes),
        class => Err(format!("its class {class:?} is neither 32 nor 64 bit")),
    }
}

fn read_as<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Elf, String> {
    let say = |e: object::Error| e.to_string();
    let file = ElfFile::<H>::parse(bytes).map_err(say)?;
    let endian = file.endian();
    let header = file.elf_header();
    let mut elf = Elf {
        machine: machine(
            header.e_machine(endian),
            header.is_class_64(),
            endian == Endianness::Little,
        ),
        shared: header.e_type(endian) == raw::ET_DYN,
        has_sections: !file.elf_section_table().is_empty(),
        ..Elf::default()
    };
    let mut relro = false;
    for segment in file.elf_program_headers() {
        match segment.p_type(endian) {
            raw::PT_GNU_STACK => {
                elf.stack = if segment.p_flags(endian).0 & raw::PF_X.0 == 0 {
                    Stack::Plain
                } else {
                    Stack::Executable
                };
            }
            raw::PT_GNU_RELRO => relro = true,
            raw::PT_DYNAMIC => elf.dynamic = true,
            raw::PT_INTERP => {
                elf.interpreter = segment.interpreter(endian, bytes).map_err(say)?.map(text);
            }
            _ => {}
        }
    }
    let mut budget = Budget::new();
    let bind_now = read_dynamic(&file, &mut elf, &mut budget)?;
    elf.relro = match (relro, bind_now) {
        (false, _) => Relro::None,
        (true, false) => Relro::Partial,
        (true, true) => Relro::Full,
    };
    read_versions(&file, bytes, &mut elf, &mut budget)?;
    read_definitions(&file, bytes, &mut elf, &mut budget)?;
    elf.isa_level = isa_level(&file, bytes);
    read_symbols(&file, &mut elf, &mut budget)?;
    for section in file.elf_section_table().iter() {
        let name = text(
            file.elf_section_table()
                .section_name(endian, section)
                .map_err(say)?,
        );
        budget.spend(name.len())?;
        let debug = name.starts_with(".debug_") || name.starts_with(".zdebug_") || name == ".stab";
        if debug && section.sh_type(endian) != raw::SHT_NOBITS {
            elf.debug_sections.push(name);
        }
    }
    Ok(elf)
}

/// Reads `PT_DYNAMIC`; says whether everything is bound at load time.
fn read_dynamic<H: FileHeader<Endian = Endianness>>(
    file: &ElfFile<'_, H>,
    elf: &mut Elf,
    budget: &mut Budget,
) -> Result<bool, String> {
    let mut bind_now = false;
    let table = file.elf_dynamic_table().map_err(|e| e.to_string())?;
    elf.dynamic |= !table.is_empty();
    for entry in &table {
        let mut string = || -> Result<String, String> {
            let string = table.string(entry).map_err(|e| e.to_string())?;
            budget.spend(string.len())?;
            Ok(text(string))
        };
        match entry.tag {
            raw::DT_NEEDED => elf.needed.push(string()?),
            raw::DT_SONAME => elf.soname = Some(string()?),
            raw::DT_RPATH => elf.rpath = Some(string()?),
            raw::DT_RUNPATH => elf.runpath = Some(string()?),
            raw::DT_TEXTREL => elf.text_relocations = true,
            raw::DT_BIND_NOW => bind_now = true,
            raw::DT_FLAGS => {
                bind_now |= entry.val & raw::DF_BIND_NOW.0 != 0;
                elf.text_relocations |= entry.val & raw::DF_TEXTREL.0 != 0;
            }
            raw::DT_FLAGS_1 => bind_now |= entry.val & raw::DF_1_NOW.0 != 0,
            _ => {}
        }
    }
    Ok(bind_now)
}

fn read_versions<H: FileHeader<Endian = Endianness>>(
    file: &ElfFile<'_, H>,
    bytes: &[u8],
    elf: &mut Elf,
    budget: &mut Budget,
) -> Result<(), String> {
    let say = |e: object::Error| e.to_string();
    let endian = file.endian();
    let sections = file.elf_section_table();
    let Some((mut needs, link)) = sections.gnu_verneed(endian, bytes).map_err(say)? else {
        return Ok(());
    };
    let strings = sections.strings(endian, bytes, link).map_err(say)?;
    while let Some((need, mut versions)) = needs.next().map_err(say)? {
        let library = need.file(endian, strings).map_err(say)?;
        budget.spend(library.len())?;
        while let Some(version) = versions.next().map_err(say)? {
            let name = version.name(endian, strings).map_err(say)?;
            budget.spend(name.len() + library.len())?;
            elf.versions.insert((text(library), text(name)));
        }
    }
    Ok(())
}

fn read_definitions<H: FileHeader<Endian = Endianness>>(
    file: &ElfFile<'_, H>,
    bytes: &[u8],
    elf: &mut Elf,
    budget: &mut Budget,
) -> Result<(), String> {
    let say = |e: object::Error| e.to_string();
    let endian = file.endian();
    let sections = file.elf_section_table();
    let Some((mut definitions, link)) = sections.gnu_verdef(endian, bytes).map_err(say)? else {
        return Ok(());
    };
    let strings = sections.strings(endian, bytes, link).map_err(say)?;
    while let Some((_, mut names)) = definitions.next().map_err(say)? {
        // The first is its own name; others are those it is derived from.
        if let Some(name) = names.next().map_err(say)? {
            let name = name.name(endian, strings).map_err(say)?;
            budget.spend(name.len())?;
            elf.defined.insert(text(name));
        }
    }
    Ok(())
}

/// The highest level of x86-64 in the notes that compilers leave; `None` where
/// there is none above the baseline. Damaged notes say nothing.
fn isa_level<H: FileHeader<Endian = Endianness>>(
    file: &ElfFile<'_, H>,
    bytes: &[u8],
) -> Option<u8> {
    let endian = file.endian();
    let mut needed = 0;
    for section in file.elf_section_table().iter() {
        let Ok(Some(mut notes)) = section.notes(endian, bytes) else {
            continue;
        };
        while let Ok(Some(note)) = notes.next() {
            let Some(mut properties) = note.gnu_properties(endian) else {
                continue;
            };
            while let Ok(Some(property)) = properties.next() {
                if property.pr_type() == raw::GNU_PROPERTY_X86_ISA_1_NEEDED {
                    needed |= property.data_u32(endian).unwrap_or(0);
                }
            }
        }
    }
    // One bit a level: the baseline, v2, v3, v4.
    let highest = 32 - needed.leading_zeros();
    u8::try_from(highest)
        .ok()
        .filter(|level| (2..=4).contains(level))
}

fn read_symbols<H: FileHeader<Endian = Endianness>>(
    file: &ElfFile<'_, H>,
    elf: &mut Elf,
    budget: &mut Budget,
) -> Result<(), String> {
    let endian = file.endian();
    let symbols = file.elf_dynamic_symbol_table();
    for symbol in symbols.iter() {
        let Ok(name) = symbols.symbol_name(endian, symbol) else {
            // Finding no end of the name may have cost a walk over all names.
            budget.spend(file.data().len())?;
            continue;
        };
        budget.spend(name.len())?;
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        if symbol.is_undefined(endian) {
            if is_python_api(name) {
                elf.python_imports.push(Import {
                    name: name.to_owned(),
                    weak: symbol.st_bind() == raw::STB_WEAK,
                });
            }
        } else if is_module_init(name) {
            elf.module_inits.push(name.to_owned());
        }
    }
    Ok(())
}

/// The machine's name in platform tags.
fn machine(machine: raw::Machine, wide: bool, little: bool) -> String {
    match (machine, wide, little) {
        (raw::EM_X86_64, true, _) => "x86_64".into(),
        (raw::EM_X86_64, false, _) => "x32".into(),
        (raw::EM_386, ..) => "i686".into(),
        (raw::EM_AARCH64, _, true) => "aarch64".into(),
        (raw::EM_AARCH64, _, false) => "aarch64_be".into(),
        (raw::EM_ARM, ..) => "armv7l".into(),
        (raw::EM_PPC64, _, true) => "ppc64le".into(),
        (raw::EM_PPC64, _, false) => "ppc64".into(),
        (raw::EM_S390, ..) => "s390x".into(),
        (raw::EM_RISCV, true, _) => "riscv64".into(),
        (raw::EM_LOONGARCH, true, _) => "loongarch64".into(),
        (other, ..) => format!("ELF machine {}", other.0),
    }
}
