//! A Mach-O writer: just enough of a library to be judged.

use sha2::{Digest, Sha256};

/// What a Mach-O library says of itself; good for macOS 11 on arm64 as it begins.
#[derive(Clone)]
pub struct Macho {
    pub cpu: u32,
    pub min_os: (u32, u32),
    pub dylibs: Vec<&'static str>,
    pub rpaths: Vec<&'static str>,
    pub imports: Vec<&'static str>,
    pub init: &'static str,
    pub dwarf: bool,
    pub signed: bool,
}

pub const ARM64: u32 = 0x0100_000c;
pub const X86_64: u32 = 0x0100_0007;
const PAGE: usize = 4096;

impl Default for Macho {
    fn default() -> Self {
        Self {
            cpu: ARM64,
            min_os: (11, 0),
            dylibs: vec!["/usr/lib/libSystem.B.dylib"],
            rpaths: Vec::new(),
            imports: vec!["_PyModule_Create2"],
            init: "_PyInit__core",
            dwarf: false,
            signed: true,
        }
    }
}

fn words(out: &mut Vec<u8>, values: &[u32]) {
    for value in values {
        out.extend(value.to_le_bytes());
    }
}

fn command(kind: u32, fixed: &[u32], text: &str) -> Vec<u8> {
    let offset = 8 + 4 * fixed.len();
    let size = (offset + text.len() + 1).next_multiple_of(8);
    let mut out = Vec::new();
    words(&mut out, &[kind, u32::try_from(size).unwrap()]);
    words(&mut out, fixed);
    out.extend(text.as_bytes());
    out.resize(size, 0);
    out
}

impl Macho {
    pub fn bytes(&self) -> Vec<u8> {
        let mut strings = vec![0u8];
        let mut symbols = Vec::new();
        for (name, defined) in self
            .imports
            .iter()
            .map(|name| (*name, false))
            .chain([(self.init, true)])
        {
            words(&mut symbols, &[u32::try_from(strings.len()).unwrap()]);
            // N_EXT, and N_SECT in section 1 for what is defined.
            symbols.extend(if defined {
                [0x0f, 1, 0, 0]
            } else {
                [0x01, 0, 0, 0]
            });
            symbols.extend(0u64.to_le_bytes());
            strings.extend(name.as_bytes());
            strings.push(0);
        }
        let count = u32::try_from(symbols.len() / 16).unwrap();

        let mut commands: Vec<Vec<u8>> = Vec::new();
        if self.dwarf {
            let mut segment = Vec::new();
            words(&mut segment, &[0x19, 72 + 80]);
            segment.extend(*b"__DWARF\0\0\0\0\0\0\0\0\0");
            segment.resize(64, 0);
            words(&mut segment, &[1, 0]);
            segment.extend(*b"__debug_info\0\0\0\0__DWARF\0\0\0\0\0\0\0\0\0");
            segment.resize(72 + 80, 0);
            commands.push(segment);
        }
        let packed = |v: (u32, u32)| v.0 << 16 | v.1 << 8;
        let mut build = Vec::new();
        words(
            &mut build,
            &[0x32, 24, 1, packed(self.min_os), packed((14, 0)), 0],
        );
        commands.push(build);
        commands.push(command(0xd, &[24, 0, 0, 0], "@rpath/_core.abi3.so"));
        for dylib in &self.dylibs {
            commands.push(command(0xc, &[24, 0, 0, 0], dylib));
        }
        for rpath in &self.rpaths {
            commands.push(command(0x8000_001c, &[12], rpath));
        }
        let fixed: usize = commands.iter().map(Vec::len).sum::<usize>() + 24;
        let head = 32 + fixed + if self.signed { 16 } else { 0 };
        let symbols_at = head.next_multiple_of(16);
        let strings_at = symbols_at + symbols.len();
        let limit = (strings_at + strings.len())
            .next_multiple_of(16)
            .max(PAGE + 100);
        let number = |n: usize| u32::try_from(n).unwrap();
        let mut symtab = Vec::new();
        words(
            &mut symtab,
            &[
                0x2,
                24,
                number(symbols_at),
                count,
                number(strings_at),
                number(strings.len()),
            ],
        );
        commands.push(symtab);
        let pages = limit.div_ceil(PAGE);
        let directory_len = 44 + 6 + 32 * pages;
        let signature_len = 20 + directory_len;
        if self.signed {
            let mut signature = Vec::new();
            words(
                &mut signature,
                &[0x1d, 16, number(limit), number(signature_len)],
            );
            commands.push(signature);
        }

        let mut out = Vec::new();
        let sizes: usize = commands.iter().map(Vec::len).sum();
        words(
            &mut out,
            &[
                0xfeed_facf,
                self.cpu,
                0,
                6,
                number(commands.len()),
                number(sizes),
                0x85,
                0,
            ],
        );
        out.extend(commands.concat());
        out.resize(symbols_at, 0);
        out.extend(&symbols);
        out.extend(&strings);
        out.resize(limit, 0xab);
        if self.signed {
            let hashes: Vec<u8> = out
                .chunks(PAGE)
                .flat_map(|page| Sha256::digest(page).to_vec())
                .collect();
            let big = |out: &mut Vec<u8>, values: &[u32]| {
                for value in values {
                    out.extend(value.to_be_bytes());
                }
            };
            big(&mut out, &[0xfade_0cc0, number(signature_len), 1, 0, 20]);
            big(
                &mut out,
                &[0xfade_0c02, number(directory_len), 0x2_0001, 2, 50, 44, 0],
            );
            big(&mut out, &[number(pages), number(limit)]);
            out.extend([32, 2, 0, 12, 0, 0, 0, 0]);
            out.extend(*b"_core\0");
            out.extend(hashes);
        }
        out
    }
}

/// Several architectures in one file.
pub fn fat(slices: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let big = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
    out.extend(0xcafe_babe_u32.to_be_bytes());
    out.extend(big(slices.len()));
    let mut at = PAGE;
    for (cpu, slice) in slices {
        out.extend(cpu.to_be_bytes());
        out.extend([0; 4]);
        out.extend(big(at));
        out.extend(big(slice.len()));
        out.extend(big(12));
        at += slice.len().next_multiple_of(PAGE);
    }
    for (_, slice) in slices {
        out.resize(out.len().next_multiple_of(PAGE), 0);
        out.extend(slice);
    }
    out
}
