//! Facts about compiled code: ELF, Mach-O and PE, read with the `object` crate.
//!
//! Like the archive readers, these report and do not judge.

pub mod code_signature;
pub mod elf;
pub mod macho;
pub mod pe;

/// What kind of compiled file some bytes are, with the facts read from them.
#[derive(Debug, Clone)]
pub enum Binary {
    /// Linux and its kin.
    Elf(elf::Elf),
    /// macOS; one slice for each architecture.
    MachO(Vec<macho::Slice>),
    /// Windows.
    Pe(pe::Pe),
    /// It begins like one of these and cannot be read as one.
    Unreadable {
        /// `ELF`, `Mach-O` or `PE`.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// A symbol that a binary expects others to provide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// Name, without Mach-O's leading underscore.
    pub name: String,
    /// Whether loading succeeds without it.
    pub weak: bool,
}

/// Most architectures in one Mach-O file; Java class files share the magic
/// number and would otherwise look like files with dozens.
const MAX_SLICES: usize = 16;

impl Binary {
    /// Reads `bytes` when they begin like compiled code; `None` when they do not.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let unreadable = |format| move |reason| Self::Unreadable { format, reason };
        match bytes.get(..4)? {
            b"\x7fELF" => Some(elf::read(bytes).map_or_else(unreadable("ELF"), Self::Elf)),
            b"\xcf\xfa\xed\xfe" | b"\xce\xfa\xed\xfe" | b"\xfe\xed\xfa\xcf"
            | b"\xfe\xed\xfa\xce" => Some(
                macho::read(bytes)
                    .map_or_else(unreadable("Mach-O"), |slice| Self::MachO(vec![slice])),
            ),
            b"\xca\xfe\xba\xbe" | b"\xca\xfe\xba\xbf" if slices(bytes) <= MAX_SLICES => {
                Some(macho::read_fat(bytes).map_or_else(unreadable("Mach-O"), Self::MachO))
            }
            [b'M', b'Z', ..] if pe::has_signature(bytes) => {
                Some(pe::read(bytes).map_or_else(unreadable("PE"), Self::Pe))
            }
            _ => None,
        }
    }

    /// The name of its format.
    pub fn format(&self) -> &'static str {
        match self {
            Self::Elf(_) => "ELF",
            Self::MachO(_) => "Mach-O",
            Self::Pe(_) => "PE",
            Self::Unreadable { format, .. } => format,
        }
    }

    /// Names of the machines it runs on, as platform tags write them.
    pub fn machines(&self) -> Vec<String> {
        match self {
            Self::Elf(elf) => vec![elf.machine.clone()],
            Self::MachO(slices) => slices.iter().map(|s| s.machine.clone()).collect(),
            Self::Pe(pe) => vec![pe.machine.clone()],
            Self::Unreadable { .. } => Vec::new(),
        }
    }

    /// Symbols of the Python C API that it imports, sorted, each once.
    pub fn python_imports(&self) -> Vec<&Import> {
        let mut imports: Vec<&Import> = match self {
            Self::Elf(elf) => elf.python_imports.iter().collect(),
            Self::MachO(slices) => slices.iter().flat_map(|s| &s.python_imports).collect(),
            Self::Pe(pe) => pe.python_imports.iter().collect(),
            Self::Unreadable { .. } => Vec::new(),
        };
        imports.sort();
        imports.dedup();
        imports
    }

    /// The functions it exports that Python calls to load a module: `PyInit_…`, and
    /// `PyModExport_…` (PEP 793).
    pub fn module_inits(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match self {
            Self::Elf(elf) => elf.module_inits.iter().map(String::as_str).collect(),
            Self::MachO(slices) => slices
                .iter()
                .flat_map(|s| s.module_inits.iter().map(String::as_str))
                .collect(),
            Self::Pe(pe) => pe.module_inits.iter().map(String::as_str).collect(),
            Self::Unreadable { .. } => Vec::new(),
        };
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn slices(bytes: &[u8]) -> usize {
    bytes
        .get(4..8)
        .and_then(|b| <[u8; 4]>::try_from(b).ok())
        .map_or(usize::MAX, |b| u32::from_be_bytes(b) as usize)
}

/// Whether a symbol belongs to the Python C API by its name.
fn is_python_api(name: &str) -> bool {
    (name.starts_with("Py") || name.starts_with("_Py")) && !is_module_init(name)
}

fn is_module_init(name: &str) -> bool {
    ["PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_"]
        .iter()
        .any(|hook| name.starts_with(hook))
}

/// Bytes as text for people, undecodable ones replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bounds the work on tables whose entries can point at the same bytes again
/// and again: a small file may otherwise ask for hours.
#[derive(Debug)]
struct Budget(usize);

impl Budget {
    const fn new() -> Self {
        Self(256 << 20)
    }

    /// Takes the price of one entry that named `len` bytes.
    fn spend(&mut self, len: usize) -> Result<(), String> {
        self.0 = self
            .0
            .checked_sub(len.saturating_add(16))
            .ok_or("its tables ask for more work than any real file")?;
        Ok(())
    }
}
