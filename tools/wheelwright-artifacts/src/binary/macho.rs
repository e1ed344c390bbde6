//! What an audit needs to know of a Mach-O file.

use object::Endianness;
use object::macho as raw;
use object::read::macho::{
    FatArch, LoadCommandVariant, MachHeader, MachOFatFile32, MachOFatFile64, MachOFile, Nlist as _,
    Section as _, Segment as _,
};

use super::code_signature::{self, Signature};
use super::{Budget, Import, is_module_init, is_python_api, text};

/// Facts of one architecture's part of a Mach-O file.
#[derive(Debug, Clone, Default)]
pub struct Slice {
    /// `x86_64` or `arm64`, as the platform tags write it.
    pub machine: String,
    /// Lowest macOS version it says it runs on.
    pub min_os: Option<(u32, u32)>,
    /// The system it is for, when that is not macOS.
    pub foreign_os: Option<String>,
    /// Its own install name.
    pub id: Option<String>,
    /// Libraries it loads.
    pub dylibs: Vec<Dylib>,
    /// `LC_RPATH`, in order.
    pub rpaths: Vec<String>,
    /// Python C API symbols wanted.
    pub python_imports: Vec<Import>,
    /// `PyInit_…` and `PyModExport_…` functions given.
    pub module_inits: Vec<String>,
    /// Its code signature, with every page hash recomputed.
    pub signature: Signature,
    /// Debug sections and paths of object files left in the symbol table.
    pub debug: Vec<String>,
    /// Whether it is a program rather than a library.
    pub program: bool,
}

/// A library that a Mach-O file loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dylib {
    /// Install name.
    pub path: String,
    /// Whether loading succeeds without it.
    pub weak: bool,
}

/// Reads every slice of a file for several architectures.
///
/// # Errors
/// A sentence on why it is not a readable Mach-O file.
pub fn read_fat(bytes: &[u8]) -> Result<Vec<Slice>, String> {
    let say = |e: object::Error| e.to_string();
    if bytes.starts_with(&[0xca, 0xfe, 0xba, 0xbf]) {
        let fat = MachOFatFile64::parse(bytes).map_err(say)?;
        read_slices(fat.arches(), bytes)
    } else {
        let fat = MachOFatFile32::parse(bytes).map_err(say)?;
        read_slices(fat.arches(), bytes)
    }
}

fn read_slices<A: FatArch>(arches: &[A], bytes: &[u8]) -> Result<Vec<Slice>, String> {
    arches
        .iter()
        .map(|arch| read(arch.data(bytes).map_err(|e| e.to_string())?))
        .collect()
}

/// Reads the facts of one architecture.
///
/// # Errors
/// A sentence on why it is not a readable Mach-O file.
pub fn read(bytes: &[u8]) -> Result<Slice, String> {
    let wide = bytes
        .get(..4)
        .is_some_and(|m| m == [0xcf, 0xfa, 0xed, 0xfe] || m == [0xfe, 0xed, 0xfa, 0xcf]);
    if wide {
        read_as::<raw::MachHeader64<Endianness>>(bytes)
    } else {
        read_as::<raw::MachHeader32<Endianness>>(bytes)
    }
}

fn read_as<H: MachHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Slice, String> {
    let say = |e: object::Error| e.to_string();
    let file = MachOFile::<H>::parse(bytes).map_err(say)?;
    let endian = file.endian();
    let header = file.macho_header();
    let mut slice = Slice {
        machine: machine(header.cputype(endian)),
        program: header.filetype(endian) == raw::MH_EXECUTE,
        ..Slice::default()
    };
    let mut budget = Budget::new();
    let mut commands = file.macho_load_commands().map_err(say)?;
    while let Some(command) = commands.next().map_err(say)? {
        budget.spend(command.cmdsize() as usize)?;
        match command.variant().map_err(say)? {
            LoadCommandVariant::Dylib(dylib) => slice.dylibs.push(Dylib {
                path: text(command.string(endian, dylib.dylib.name).map_err(say)?),
                weak: command.cmd() == raw::LC_LOAD_WEAK_DYLIB,
            }),
            LoadCommandVariant::IdDylib(dylib) => {
                slice.id = Some(text(command.string(endian, dylib.dylib.name).map_err(say)?));
            }
            LoadCommandVariant::Rpath(rpath) => {
                slice
                    .rpaths
                    .push(text(command.string(endian, rpath.path).map_err(say)?));
            }
            LoadCommandVariant::BuildVersion(build, _) => {
                slice.min_os = Some(version(build.minos.get(endian).0));
                let platform = build.platform.get(endian);
                if platform != raw::PLATFORM_MACOS {
                    slice.foreign_os = Some(format!("Mach-O platform {}", platform.0));
                }
            }
            LoadCommandVariant::VersionMin(min) => {
                if command.cmd() == raw::LC_VERSION_MIN_MACOSX {
                    slice.min_os = Some(version(min.version.get(endian).0));
                } else {
                    slice.foreign_os = Some("iOS, tvOS or watchOS".into());
                }
            }
            LoadCommandVariant::LinkeditData(data) if command.cmd() == raw::LC_CODE_SIGNATURE => {
                slice.signature = data.code_signature(endian, bytes).map_or_else(
                    |e| Signature::Broken(e.to_string()),
                    |signature| code_signature::verify(&signature, bytes),
                );
            }
            LoadCommandVariant::Segment64(segment, data) => {
                for section in segment.sections(endian, data).map_err(say)? {
                    note_debug(&mut slice, section.segment_name(), section.name());
                }
            }
            LoadCommandVariant::Segment32(segment, data) => {
                for section in segment.sections(endian, data).map_err(say)? {
                    note_debug(&mut slice, section.segment_name(), section.name());
                }
            }
            _ => {}
        }
    }
    read_symbols(&file, &mut slice, &mut budget)?;
    Ok(slice)
}

fn note_debug(slice: &mut Slice, segment: &[u8], section: &[u8]) {
    if segment == b"__DWARF" {
        slice.debug.push(format!("__DWARF,{}", text(section)));
    }
}

fn read_symbols<H: MachHeader<Endian = Endianness>>(
    file: &MachOFile<'_, H>,
    slice: &mut Slice,
    budget: &mut Budget,
) -> Result<(), String> {
    let endian = file.endian();
    let symbols = file.macho_symbol_table();
    for symbol in symbols.iter() {
        let Ok(name) = symbol.name(endian, symbols.strings()) else {
            // Finding no end of the name may have cost a walk over all names.
            budget.spend(file.data().len())?;
            continue;
        };
        budget.spend(name.len())?;
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        if symbol.is_stab() {
            if symbol.n_type().0 == raw::N_OSO.0 && slice.debug.len() < 8 {
                slice.debug.push(format!("N_OSO {name}"));
            }
            continue;
        }
        let name = name.strip_prefix('_').unwrap_or(name);
        if symbol.is_undefined() {
            if is_python_api(name) {
                slice.python_imports.push(Import {
                    name: name.to_owned(),
                    weak: symbol.n_desc(endian).0 & raw::N_WEAK_REF.0 != 0,
                });
            }
        } else if is_module_init(name) {
            slice.module_inits.push(name.to_owned());
        }
    }
    Ok(())
}

/// `xxxx.yy.zz` packed in a word, as (x, y).
fn version(word: u32) -> (u32, u32) {
    (word >> 16, (word >> 8) & 0xff)
}

fn machine(cpu: raw::CpuType) -> String {
    match cpu {
        raw::CPU_TYPE_X86_64 => "x86_64".into(),
        raw::CPU_TYPE_ARM64 => "arm64".into(),
        raw::CPU_TYPE_X86 => "i386".into(),
        raw::CPU_TYPE_POWERPC => "ppc".into(),
        raw::CPU_TYPE_POWERPC64 => "ppc64".into(),
        other => format!("Mach-O cpu {}", other.0),
    }
}
