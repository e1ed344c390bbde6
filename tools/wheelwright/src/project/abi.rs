//! Which Pythons load an extension: one `CPython` or `PyPy`, every CPython from some version on
//! (with a global interpreter lock, or with and without), or what the project states.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

/// The minor versions of CPython 3 that a project is built for unless it says which.
pub const KNOWN: std::ops::RangeInclusive<u32> = 9..=15;

/// The minor versions of Python 3 that `PyPy` has had with its ABI 7.3.
const PYPY: std::ops::RangeInclusive<u32> = 9..=11;

/// Which Python it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// CPython.
    CPython,
    /// CPython without a global interpreter lock.
    FreeThreaded,
    /// `PyPy`.
    PyPy,
}

/// A Python, by its kind and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interpreter {
    /// `12` of 3.12.
    pub minor: u32,
    /// Which one of this version.
    pub kind: Kind,
}

impl Interpreter {
    /// The CPython of a version.
    pub fn cpython(minor: u32) -> Self {
        let kind = Kind::CPython;
        Self { minor, kind }
    }

    /// Its letters in tags and file names: `312`, `314t`.
    fn digits(self) -> String {
        let t = match self.kind {
            Kind::FreeThreaded => "t",
            Kind::CPython | Kind::PyPy => "",
        };
        format!("3{}{t}", self.minor)
    }

    /// What its program is called: `python3.12`, `python3.14t`, `pypy3.11`.
    pub fn program(self) -> String {
        match self.kind {
            Kind::CPython => format!("python3.{}", self.minor),
            Kind::FreeThreaded => format!("python3.{}t", self.minor),
            Kind::PyPy => format!("pypy3.{}", self.minor),
        }
    }

    /// The tags of Python and of the ABI in the name of a wheel that it alone loads.
    pub fn tags(self) -> String {
        match self.kind {
            Kind::PyPy => format!("{self}-pypy3{}_pp73", self.minor),
            Kind::CPython | Kind::FreeThreaded => format!("cp3{}-{self}", self.minor),
        }
    }

    /// Does a range of versions hold its version, as `3.12` is written?
    pub fn is_minor_in(self, range: &VersionSpecifiers) -> bool {
        range.contains(&Version::new([3, u64::from(self.minor)]))
    }

    /// Does a range of versions hold any release of it?
    pub fn is_in(self, range: &VersionSpecifiers) -> bool {
        [0, 99].iter().any(|patch| {
            let release = [3, u64::from(self.minor), *patch];
            range.contains(&Version::new(release))
        })
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = match self.kind {
            Kind::PyPy => "pp",
            Kind::CPython | Kind::FreeThreaded => "cp",
        };
        write!(f, "{letters}{}", self.digits())
    }
}

impl FromStr for Interpreter {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let problem = || {
            Err(format!(
                "{written:?} is no CPython from 3.9 on; write cp312, cp314t for the one without \
                 a global interpreter lock, or pp311 for PyPy"
            ))
        };
        if let Some(digits) = written
            .strip_prefix("pp3")
            .or_else(|| written.strip_prefix("pypy3."))
        {
            let known = PYPY.into_iter().find(|minor| minor.to_string() == digits);
            let kind = Kind::PyPy;
            return known.map(|minor| Self { minor, kind }).ok_or_else(|| {
                format!(
                    "{written:?} is no PyPy whose ABI is known; write pp3{} to pp3{}",
                    PYPY.start(),
                    PYPY.end()
                )
            });
        }
        let digits = written
            .strip_prefix("cp3")
            .or_else(|| written.strip_prefix("3."));
        let Some(digits) = digits else {
            return problem();
        };
        let plain = digits.strip_suffix('t').unwrap_or(digits);
        let free_threaded = plain != digits;
        match plain.parse() {
            Ok(minor @ 9..=99) if !plain.starts_with(['0', '+']) => {
                if free_threaded && minor < 13 {
                    return Err(format!(
                        "{written:?} does not exist: CPython can do without a global \
                         interpreter lock from 3.13 on"
                    ));
                }
                let kind = if free_threaded {
                    Kind::FreeThreaded
                } else {
                    Kind::CPython
                };
                Ok(Self { minor, kind })
            }
            _ => problem(),
        }
    }
}

/// Which Pythons load an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Abi {
    /// Those of `[tool.wheelwright] python-tag` and `abi-tag`.
    Stated,
    /// Every CPython 3 from this minor version on, with a global interpreter lock.
    Stable(u32),
    /// Every CPython 3 from this minor version on, with a global interpreter lock or without.
    StableOfBoth(u32),
    /// One CPython or `PyPy`.
    Version(Interpreter),
}

impl Abi {
    /// What stands behind a platform's name where builds for it are told apart.
    pub fn ending(self) -> String {
        match self {
            Self::Stated => String::new(),
            Self::Stable(minor) => format!("-cp3{minor}-abi3"),
            Self::StableOfBoth(minor) => format!("-cp3{minor}-abi3t"),
            Self::Version(interpreter) => format!("-{interpreter}"),
        }
    }

    /// Does this Python load it?
    pub fn loads_in(self, interpreter: Interpreter) -> bool {
        match self {
            Self::Stated => true,
            Self::Stable(minor) => interpreter.kind == Kind::CPython && interpreter.minor >= minor,
            Self::StableOfBoth(minor) => {
                interpreter.kind != Kind::PyPy && interpreter.minor >= minor
            }
            Self::Version(own) => own == interpreter,
        }
    }

    /// What this Python wants an extension module's file name to end with, on the
    /// platform of a wheel tag.
    pub fn suffix(self, platform_tag: &str) -> String {
        let windows = platform_tag.starts_with("win");
        match self {
            Self::Stated | Self::Stable(_) | Self::StableOfBoth(_) if windows => ".pyd".to_owned(),
            Self::Stated => ".so".to_owned(),
            Self::Stable(_) => ".abi3.so".to_owned(),
            Self::StableOfBoth(_) => ".abi3t.so".to_owned(),
            // PyPy says `gnu` whatever the C library, as CPython before 3.11 did.
            Self::Version(Interpreter {
                minor,
                kind: Kind::PyPy,
            }) => {
                let place = if windows {
                    format!("{platform_tag}.pyd")
                } else {
                    multiarch(platform_tag, 0) + ".so"
                };
                format!(".pypy3{minor}-pp73-{place}")
            }
            Self::Version(interpreter) => {
                let digits = interpreter.digits();
                if windows {
                    format!(".cp{digits}-{platform_tag}.pyd")
                } else {
                    let place = multiarch(platform_tag, interpreter.minor);
                    format!(".cpython-{digits}-{place}.so")
                }
            }
        }
    }

    /// The configuration that `PyO3` takes in place of an interpreter. Only keys that
    /// every release of it knows are written. `import_library` is the folder of that, for
    /// a release that links one; an address has `pointer_width` bits.
    pub fn pyo3_config(self, pointer_width: u32, import_library: Option<&str>) -> Option<String> {
        let (minor, stable, kind) = match self {
            Self::Stated => return None,
            Self::Stable(minor) => (minor, true, Kind::CPython),
            // Its feature makes `abi3t` of it.
            Self::StableOfBoth(minor) => (minor, false, Kind::FreeThreaded),
            Self::Version(interpreter) => (interpreter.minor, false, interpreter.kind),
        };
        let implementation = match kind {
            Kind::PyPy => "PyPy",
            Kind::CPython | Kind::FreeThreaded => "CPython",
        };
        let mut text = format!(
            "implementation={implementation}\nversion=3.{minor}\nshared=true\nabi3={stable}\npointer_width={pointer_width}\n"
        );
        if kind == Kind::FreeThreaded {
            text.push_str("build_flags=Py_GIL_DISABLED\n");
        }
        if let Some(folder) = import_library {
            let _ = write!(text, "lib_name={}\nlib_dir={folder}\n", self.library());
        }
        text.push_str("suppress_build_script_link_lines=false\n");
        Some(text)
    }

    /// The library of a Python on Windows, such as `python312`.
    pub fn library(self) -> String {
        match self {
            Self::Stated | Self::Stable(_) => "python3".to_owned(),
            Self::StableOfBoth(_) => "python3t".to_owned(),
            Self::Version(interpreter) => format!("python{}", interpreter.digits()),
        }
    }
}

/// How CPython names a platform in the suffixes of extension modules.
fn multiarch(platform_tag: &str, minor: u32) -> String {
    if platform_tag.starts_with("macosx") {
        return "darwin".to_owned();
    }
    // CPython before 3.11 called every Linux `gnu`.
    let libc = if platform_tag.starts_with("musllinux") && minor >= 11 {
        "musl"
    } else {
        "gnu"
    };
    let machine = [
        "x86_64", "aarch64", "i686", "armv7l", "ppc64le", "s390x", "riscv64",
    ]
    .into_iter()
    .find(|machine| platform_tag.ends_with(machine))
    .unwrap_or_default();
    match machine {
        "i686" => format!("i386-linux-{libc}"),
        "armv7l" => format!("arm-linux-{libc}eabihf"),
        "ppc64le" => format!("powerpc64le-linux-{libc}"),
        machine => format!("{machine}-linux-{libc}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpython(written: &str) -> Interpreter {
        written.parse().unwrap()
    }

    #[test]
    fn interpreters_are_read() {
        for (written, shown) in [
            ("cp39", "cp39"),
            ("3.12", "cp312"),
            ("cp313t", "cp313t"),
            ("3.14t", "cp314t"),
            ("pp39", "pp39"),
            ("pypy3.11", "pp311"),
        ] {
            assert_eq!(cpython(written).to_string(), shown);
        }
        for bad in [
            "", "cp38", "cp3", "cp3+9", "cp312t", "pp311t", "pp38", "pp312", "pp2", "312", "cp2",
            "cp3t",
        ] {
            assert!(bad.parse::<Interpreter>().is_err(), "{bad}");
        }
        let error = "pypy3.12".parse::<Interpreter>().unwrap_err();
        assert!(error.contains("pp39 to pp311"), "{error}");
        assert_eq!(cpython("cp314t").tags(), "cp314-cp314t");
        assert_eq!(cpython("pp311").tags(), "pp311-pypy311_pp73");
        assert_eq!(cpython("pp311").program(), "pypy3.11");
    }

    #[test]
    fn a_range_holds_a_version_if_it_holds_one_of_its_releases() {
        for (range, in_it, not_in_it) in [
            (">=3.9.1", "cp39", "cp39"),
            (">=3.10,<3.13", "cp312", "cp313"),
            ("<=3.12", "cp312", "cp313"),
            ("~=3.11", "cp314", "cp310"),
        ] {
            let parsed: VersionSpecifiers = range.parse().unwrap();
            assert!(cpython(in_it).is_in(&parsed), "{range}");
            assert!(
                in_it == not_in_it || !cpython(not_in_it).is_in(&parsed),
                "{range}"
            );
        }
    }

    #[test]
    fn suffixes_are_what_cpython_looks_for() {
        for (abi, platform, wanted) in [
            (
                Abi::Version(cpython("cp312")),
                "manylinux_2_28_x86_64",
                ".cpython-312-x86_64-linux-gnu.so",
            ),
            (
                Abi::Version(cpython("cp314t")),
                "manylinux_2_28_aarch64",
                ".cpython-314t-aarch64-linux-gnu.so",
            ),
            (
                Abi::Version(cpython("cp311")),
                "musllinux_1_2_x86_64",
                ".cpython-311-x86_64-linux-musl.so",
            ),
            (
                Abi::Version(cpython("cp310")),
                "musllinux_1_2_x86_64",
                ".cpython-310-x86_64-linux-gnu.so",
            ),
            (
                Abi::Version(cpython("cp312")),
                "macosx_11_0_arm64",
                ".cpython-312-darwin.so",
            ),
            (
                Abi::Version(cpython("cp313t")),
                "win_amd64",
                ".cp313t-win_amd64.pyd",
            ),
            // As the wheels of others have them.
            (
                Abi::Version(cpython("pp311")),
                "manylinux_2_28_x86_64",
                ".pypy311-pp73-x86_64-linux-gnu.so",
            ),
            (
                Abi::Version(cpython("pp311")),
                "musllinux_1_2_aarch64",
                ".pypy311-pp73-aarch64-linux-gnu.so",
            ),
            (
                Abi::Version(cpython("pp310")),
                "macosx_11_0_arm64",
                ".pypy310-pp73-darwin.so",
            ),
            (
                Abi::Version(cpython("pp39")),
                "win_amd64",
                ".pypy39-pp73-win_amd64.pyd",
            ),
            (Abi::Stable(9), "win_amd64", ".pyd"),
            (Abi::Stable(9), "macosx_11_0_arm64", ".abi3.so"),
            (Abi::StableOfBoth(15), "win_amd64", ".pyd"),
            (Abi::StableOfBoth(15), "manylinux_2_28_x86_64", ".abi3t.so"),
        ] {
            assert_eq!(abi.suffix(platform), wanted);
        }
    }

    #[test]
    fn who_loads_what() {
        assert!(Abi::Stable(9).loads_in(cpython("cp312")));
        assert!(!Abi::Stable(13).loads_in(cpython("cp312")));
        assert!(!Abi::Stable(9).loads_in(cpython("cp314t")));
        assert!(!Abi::Stable(9).loads_in(cpython("pp311")));
        for (interpreter, loads) in [
            ("cp315", true),
            ("cp315t", true),
            ("cp316t", true),
            ("cp314", false),
            ("cp314t", false),
            ("pp311", false),
        ] {
            assert_eq!(Abi::StableOfBoth(15).loads_in(cpython(interpreter)), loads);
        }
        assert!(!Abi::Version(cpython("cp311")).loads_in(cpython("pp311")));
        assert!(Abi::Version(cpython("cp314t")).loads_in(cpython("cp314t")));
        assert!(!Abi::Version(cpython("cp314t")).loads_in(cpython("cp314")));
    }
}
