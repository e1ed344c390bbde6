//! Folders of this machine, and the names they get in binaries.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{BuildError, locked};
use crate::pack::crates::LocalCrates;
use crate::toolchain::rust::Rust;
use crate::toolchain::wrappers;
use crate::toolchain::zig::SEPARATOR;

/// Which folders of this machine get which names in the binaries.
pub(super) struct Remap {
    pairs: Vec<(PathBuf, String)>,
}

impl Remap {
    /// Finds where every crate is.
    pub(super) fn new(
        crates: &LocalCrates,
        rust: &Rust,
        target_folder: &Path,
    ) -> Result<Self, BuildError> {
        let metadata = locked::metadata(crates)?;
        let foreign: BTreeSet<PathBuf> = metadata
            .packages
            .iter()
            .filter(|package| {
                package.source.is_some() || !package.manifest_path.starts_with(&crates.root)
            })
            .filter_map(|package| Some(package.manifest_path.parent()?.parent()?.into()))
            .collect();
        let library = rust
            .sysroot
            .join("lib")
            .join("rustlib")
            .join("src")
            .join("rust");
        // The last pair that fits is the one that rustc and clang use.
        let mut pairs = vec![
            (crates.root.clone(), "/src".to_owned()),
            (target_folder.to_owned(), "/target".to_owned()),
        ];
        pairs.extend(
            foreign
                .into_iter()
                .map(|folder| (folder, "/crates".to_owned())),
        );
        pairs.push((rust.sysroot.clone(), "/rust".to_owned()));
        pairs.push((library, format!("/rustc/{}", rust.commit())));
        Ok(Self { pairs })
    }

    /// Flags for rustc, as `CARGO_ENCODED_RUSTFLAGS` holds them.
    pub(super) fn rust_flags(&self) -> OsString {
        // Against the C library of the system, on every system: only musl's
        // targets would do otherwise, and then could make no dynamic library.
        let mut flags = OsString::from("-Ctarget-feature=-crt-static");
        // Profilers can follow calls, and the tables for unwinding are a third smaller.
        flags.push(format!("{SEPARATOR}-Cforce-frame-pointers=yes"));
        // For aarch64, LLVM would move instructions that several functions have in common to
        // functions of their own. Deflate finds those by itself, and each such function has
        // its entries in the tables for unwinding: a wheel would be 8 % larger.
        flags.push(format!(
            "{SEPARATOR}-Cllvm-args=-enable-machine-outliner=never"
        ));
        // The wrapper takes this off again. But cargo goes by the flags when it
        // decides what to compile anew, not by what the wrapper does.
        flags.push(format!("{SEPARATOR}-Cmetadata={}", wrappers::version()));
        self.append(&mut flags, "--remap-path-prefix=");
        flags
    }

    /// Flags for C compilers, as the zig wrappers take them.
    pub(super) fn c_flags(&self) -> OsString {
        let mut flags = OsString::new();
        // The crate `cc` adds these too, since rustc has them, but only if the compiler is silent when
        // it is asked for them. zig warns of an SDK for macOS, so there they were left out.
        for flag in ["-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer"] {
            flags.push(format!("{SEPARATOR}{flag}"));
        }
        self.append(&mut flags, "-ffile-prefix-map=");
        flags
    }

    fn append(&self, flags: &mut OsString, flag: &str) {
        for (from, to) in &self.pairs {
            flags.push(format!("{SEPARATOR}{flag}"));
            flags.push(from);
            flags.push(format!("={to}"));
        }
    }
}
