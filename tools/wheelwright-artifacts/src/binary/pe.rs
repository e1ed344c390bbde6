//! What an audit needs to know of a PE file (a Windows DLL).

use object::LittleEndian as LE;
use object::pe as raw;
use object::read::Object as _;
use object::read::coff::CoffHeader as _;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader as _, ImageThunkData as _, PeFile};

use super::{Budget, Import, is_module_init, is_python_api, text};

/// Facts of one PE file.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not states"
)]
#[derive(Debug, Clone, Default)]
pub struct Pe {
    /// `amd64`, `arm64` or `x86`, as the platform tags write it.
    pub machine: String,
    /// Whether it is a DLL.
    pub dll: bool,
    /// DLLs it loads, delayed ones too, as written.
    pub dlls: Vec<String>,
    /// Python C API symbols wanted.
    pub python_imports: Vec<Import>,
    /// `PyInit_…` and `PyModExport_…` functions given.
    pub module_inits: Vec<String>,
    /// Link time stamps that are not zero, with where each stands.
    pub timestamps: Vec<(&'static str, u32)>,
    /// Whether the linker says that its stamps are hashes of the content.
    pub reproducible: bool,
    /// Address space layout randomisation.
    pub dynamic_base: bool,
    /// The same over the whole 64-bit space.
    pub high_entropy: bool,
    /// Data pages are not executable.
    pub nx: bool,
    /// Path of the program database, if one is named.
    pub pdb: Option<String>,
    /// Sections with DWARF debug information.
    pub debug_sections: Vec<String>,
}

/// Whether a file that begins with `MZ` really is PE.
pub fn has_signature(bytes: &[u8]) -> bool {
    bytes
        .get(0x3c..0x40)
        .and_then(|b| <[u8; 4]>::try_from(b).ok())
        .map(|b| u32::from_le_bytes(b) as usize)
        .and_then(|at| bytes.get(at..at.checked_add(4)?))
        == Some(b"PE\0\0")
}

/// Reads the facts.
///
/// # Errors
/// A sentence on why it is not a readable PE file.
pub fn read(bytes: &[u8]) -> Result<Pe, String> {
    match object::read::pe::optional_header_magic(bytes).map_err(|e| e.to_string())? {
        raw::IMAGE_NT_OPTIONAL_HDR32_MAGIC => read_as::<raw::ImageNtHeaders32>(bytes),
        raw::IMAGE_NT_OPTIONAL_HDR64_MAGIC => read_as::<raw::ImageNtHeaders64>(bytes),
        magic => Err(format!("its optional header magic {magic:#x} is unknown")),
    }
}

fn read_as<H: ImageNtHeaders>(bytes: &[u8]) -> Result<Pe, String> {
    let say = |e: object::Error| e.to_string();
    let file = PeFile::<H>::parse(bytes).map_err(say)?;
    let header = file.nt_headers().file_header();
    let flags = file.nt_headers().optional_header().dll_characteristics();
    let has = |flag: raw::DllFlags| flags.0 & flag.0 != 0;
    let mut pe = Pe {
        machine: machine(header.machine.get(LE)),
        dll: header.characteristics.get(LE).0 & raw::IMAGE_FILE_DLL.0 != 0,
        dynamic_base: has(raw::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE),
        high_entropy: has(raw::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA),
        nx: has(raw::IMAGE_DLLCHARACTERISTICS_NX_COMPAT),
        pdb: file.pdb_info().map_err(say)?.map(|info| text(info.path())),
        ..Pe::default()
    };
    let mut budget = Budget::new();
    pe.stamp("file header", header.time_date_stamp.get(LE));
    read_imports(&file, &mut pe, &mut budget)?;
    if let Some(exports) = file.export_table().map_err(say)? {
        pe.stamp("export table", exports.directory().time_date_stamp.get(LE));
        for (pointer, _) in exports.name_iter() {
            let name = exports.name_from_pointer(pointer).map_err(say)?;
            budget.spend(name.len())?;
            let name = text(name);
            if is_module_init(&name) {
                pe.module_inits.push(name);
            }
        }
    }
    if let Some(directory) = file.data_directory(raw::IMAGE_DIRECTORY_ENTRY_DEBUG) {
        let data = directory.data(bytes, &file.section_table()).map_err(say)?;
        let (entries, _) = object::pod::slice_from_bytes::<raw::ImageDebugDirectory>(
            data,
            data.len() / size_of::<raw::ImageDebugDirectory>(),
        )
        .map_err(|()| "its debug directory is damaged")?;
        for entry in entries {
            pe.stamp("debug directory", entry.time_date_stamp.get(LE));
            pe.reproducible |= entry.typ.get(LE) == raw::IMAGE_DEBUG_TYPE_REPRO;
        }
    }
    let strings = header.symbols(bytes).ok();
    for section in file.section_table().iter() {
        let name = match &strings {
            Some(symbols) => section.name(symbols.strings()).unwrap_or(&[]),
            None => section.raw_name(),
        };
        if name.starts_with(b".debug_") || name.starts_with(b".zdebug_") {
            pe.debug_sections.push(text(name));
        }
    }
    Ok(pe)
}

impl Pe {
    fn stamp(&mut self, place: &'static str, stamp: u32) {
        if stamp != 0 && !self.timestamps.contains(&(place, stamp)) {
            self.timestamps.push((place, stamp));
        }
    }

    /// Notes the function that a thunk names.
    fn note_import<H: ImageNtHeaders>(
        &mut self,
        file: &PeFile<'_, H>,
        thunk: H::ImageThunkData,
        budget: &mut Budget,
    ) -> Result<(), String> {
        budget.spend(0)?;
        if thunk.is_ordinal() {
            return Ok(());
        }
        // Two bytes of hint come before the name.
        let at = thunk.address().wrapping_add(2);
        let name = text_at(file, at).ok_or("an import has no readable name")?;
        budget.spend(name.len())?;
        let name = text(name);
        if is_python_api(&name) {
            self.python_imports.push(Import { name, weak: false });
        }
        Ok(())
    }
}

/// The text at an address in memory, wherever its section is: tools that rename
/// what a DLL loads put names into another section than the table's.
fn text_at<'data, H: ImageNtHeaders>(file: &PeFile<'data, H>, address: u32) -> Option<&'data [u8]> {
    let bytes = file.section_table().pe_data_at(file.data(), address)?;
    bytes.get(..bytes.iter().position(|b| *b == 0)?)
}

const NAMELESS: &str = "a DLL that it loads has no readable name";

fn read_imports<H: ImageNtHeaders>(
    file: &PeFile<'_, H>,
    pe: &mut Pe,
    budget: &mut Budget,
) -> Result<(), String> {
    let say = |e: object::Error| e.to_string();
    if let Some(table) = file.import_table().map_err(say)? {
        let mut descriptors = table.descriptors().map_err(say)?;
        while let Some(descriptor) = descriptors.next().map_err(say)? {
            let dll = text_at(file, descriptor.name.get(LE)).ok_or(NAMELESS)?;
            budget.spend(dll.len())?;
            pe.dlls.push(text(dll));
            let first = match descriptor.original_first_thunk.get(LE) {
                0 => descriptor.first_thunk.get(LE),
                first => first,
            };
            let mut thunks = table.thunks(first).map_err(say)?;
            while let Some(thunk) = thunks.next::<H>().map_err(say)? {
                pe.note_import(file, thunk, budget)?;
            }
        }
    }
    if let Some(table) = file.delay_load_import_table().map_err(say)? {
        let mut descriptors = table.descriptors().map_err(say)?;
        while let Some(descriptor) = descriptors.next().map_err(say)? {
            let dll = text_at(file, descriptor.dll_name_rva.get(LE)).ok_or(NAMELESS)?;
            budget.spend(dll.len())?;
            pe.dlls.push(text(dll));
            let mut thunks = table
                .thunks(descriptor.import_name_table_rva.get(LE))
                .map_err(say)?;
            while let Some(thunk) = thunks.next::<H>().map_err(say)? {
                pe.note_import(file, thunk, budget)?;
            }
        }
    }
    Ok(())
}

fn machine(machine: raw::Machine) -> String {
    match machine {
        raw::IMAGE_FILE_MACHINE_AMD64 => "amd64".into(),
        raw::IMAGE_FILE_MACHINE_ARM64 => "arm64".into(),
        raw::IMAGE_FILE_MACHINE_I386 => "x86".into(),
        other => format!("PE machine {:#x}", other.0),
    }
}

/// Ranges of a PE file that hold link times, the checksum and the identity of
/// its debug information; `None` when it is not a readable PE file.
pub fn volatile(bytes: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    match object::read::pe::optional_header_magic(bytes).ok()? {
        raw::IMAGE_NT_OPTIONAL_HDR32_MAGIC => volatile_as::<raw::ImageNtHeaders32>(bytes),
        _ => volatile_as::<raw::ImageNtHeaders64>(bytes),
    }
}

fn volatile_as<H: ImageNtHeaders>(bytes: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    let file = PeFile::<H>::parse(bytes).ok()?;
    let header = usize::try_from(file.dos_header().nt_headers_offset()).ok()?;
    // The file header's TimeDateStamp and the optional header's CheckSum.
    let mut ranges = vec![header + 8..header + 12, header + 24 + 64..header + 24 + 68];
    let mut within = |directory: usize, start: usize, len: usize| {
        let place = file
            .data_directory(directory)
            .and_then(|d| d.file_range(&file.section_table()).ok())
            .and_then(|(at, size)| Some((usize::try_from(at).ok()?, size)));
        if let Some((at, _)) = place {
            ranges.push(at + start..at + start + len);
        }
    };
    within(raw::IMAGE_DIRECTORY_ENTRY_EXPORT, 4, 4);
    if let Some(directory) = file.data_directory(raw::IMAGE_DIRECTORY_ENTRY_DEBUG)
        && let Ok((at, size)) = directory.file_range(&file.section_table())
    {
        let (at, size) = (usize::try_from(at).ok()?, usize::try_from(size).ok()?);
        let entries = bytes.get(at..at.checked_add(size)?)?;
        for (index, entry) in entries.as_chunks::<28>().0.iter().enumerate() {
            let word = |i: usize| {
                let word: [u8; 4] = entry.get(i..i + 4)?.try_into().ok()?;
                usize::try_from(u32::from_le_bytes(word)).ok()
            };
            ranges.push(at + index * 28 + 4..at + index * 28 + 8);
            // A CodeView record's GUID and age follow its signature.
            if word(12) == Some(2)
                && let Some(view) = word(24)
            {
                ranges.push(view.saturating_add(4)..view.saturating_add(24));
            }
        }
    }
    Some(ranges)
}
