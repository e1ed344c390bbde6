//! A PE writer: just enough of a DLL to be judged.

/// What a DLL says of itself; good for `win_amd64` as it begins.
#[derive(Clone)]
pub struct Pe {
    pub machine: u16,
    pub stamp: u32,
    pub characteristics: u16,
    pub imports: Vec<(&'static str, &'static str)>,
    pub export: &'static str,
    pub pdb: Option<&'static str>,
}

impl Default for Pe {
    fn default() -> Self {
        Self {
            machine: 0x8664,
            stamp: 0,
            // HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT.
            characteristics: 0x160,
            imports: vec![
                ("python3.dll", "PyModule_Create2"),
                ("KERNEL32.dll", "Sleep"),
            ],
            export: "PyInit__core",
            pdb: None,
        }
    }
}

/// Machines of a DLL besides that of `win_amd64`.
pub const X86: u16 = 0x14c;
pub const ARM64: u16 = 0xaa64;

/// Address in memory and place in the file of the one section.
const RVA: u32 = 0x1000;
const RAW: usize = 0x400;

struct Section(Vec<u8>);

impl Section {
    /// Appends bytes; gives their address in memory.
    fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = RVA + u32::try_from(self.0.len()).unwrap();
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        at
    }

    fn text(&mut self, text: &str) -> u32 {
        self.put(&[text.as_bytes(), &[0]].concat())
    }
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

impl Pe {
    pub fn bytes(&self) -> Vec<u8> {
        let mut section = Section(Vec::new());
        let mut descriptors = Vec::new();
        for (dll, function) in &self.imports {
            let name = section.text(dll);
            let hint = section.put(&[&[0, 0], function.as_bytes(), &[0]].concat());
            let thunks = section.put(&words(&[hint, 0, 0, 0]));
            descriptors.extend([thunks, 0, 0, name, thunks]);
        }
        descriptors.extend([0; 5]);
        let imports = section.put(&words(&descriptors));

        // Everything that the export directory names lies inside it.
        let at = RVA + u32::try_from(section.0.len()).unwrap();
        let (functions, names, ordinals, name) = (at + 40, at + 44, at + 48, at + 52);
        let mut table = words(&[
            0, self.stamp, 0, name, 1, 1, 1, functions, names, ordinals, RVA, name, 0,
        ]);
        table.extend(self.export.as_bytes());
        table.push(0);
        let exports = section.put(&table);

        let debug = self.pdb.map(|pdb| {
            let view = [
                b"RSDS".as_slice(),
                &[7; 16],
                &[1, 0, 0, 0],
                pdb.as_bytes(),
                &[0],
            ]
            .concat();
            let at = section.put(&view);
            let raw = at - RVA + u32::try_from(RAW).unwrap();
            let len = u32::try_from(view.len()).unwrap();
            section.put(&words(&[0, self.stamp, 0, 2, len, at, raw]))
        });

        let size = u32::try_from(section.0.len().next_multiple_of(512)).unwrap();
        let mut out = vec![0; 0x80];
        out[..2].copy_from_slice(b"MZ");
        out[0x3c] = 0x80;
        out.extend(b"PE\0\0");
        out.extend(self.machine.to_le_bytes());
        out.extend(1u16.to_le_bytes());
        out.extend(words(&[self.stamp, 0, 0]));
        let narrow = self.machine == X86;
        // A 32-bit image has a shorter optional header, with addresses of four bytes.
        let header: [u16; 3] = if narrow {
            [224, 0x2102, 0x10b]
        } else {
            [240, 0x2022, 0x20b]
        };
        out.extend(header.iter().flat_map(|word| word.to_le_bytes()));
        out.extend([0; 2]);
        out.extend(words(&[0, size, 0, 0, RVA]));
        if narrow {
            out.extend(words(&[RVA, 0x1000_0000]));
        } else {
            out.extend(0x1_8000_0000_u64.to_le_bytes());
        }
        out.extend(words(&[0x1000, 0x200, 6, 0, 6, 0, 0x3000, 0x400, 0]));
        out.extend(2u16.to_le_bytes());
        out.extend(self.characteristics.to_le_bytes());
        for size in [0x10_0000_u64, 0x1000, 0x10_0000, 0x1000] {
            let used = if narrow { 4 } else { 8 };
            out.extend(&size.to_le_bytes()[..used]);
        }
        out.extend(words(&[0, 16]));
        let mut directories = [0u32; 32];
        directories[0] = exports;
        directories[1] = u32::try_from(table.len()).unwrap();
        directories[2] = imports;
        directories[3] = u32::try_from(descriptors.len() * 4).unwrap();
        if let Some(debug) = debug {
            directories[12] = debug;
            directories[13] = 28;
        }
        out.extend(words(&directories));
        out.extend(*b".rdata\0\0");
        let used = u32::try_from(section.0.len()).unwrap();
        out.extend(words(&[
            used,
            RVA,
            size,
            u32::try_from(RAW).unwrap(),
            0,
            0,
            0,
            0x4000_0040,
        ]));
        out.resize(RAW, 0);
        out.extend(section.0);
        out.resize(RAW + size as usize, 0);
        out
    }
}
