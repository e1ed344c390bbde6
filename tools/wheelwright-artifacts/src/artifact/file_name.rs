//! What an artifact's file name says: project, version, build, tags.

use std::fmt;

/// A parsed wheel file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// Project name as written.
    pub name: String,
    /// Version as written.
    pub version: String,
    /// Build number, if there is one.
    pub build: Option<String>,
    /// Python tags of the compressed set.
    pub python: Vec<String>,
    /// ABI tags.
    pub abi: Vec<String>,
    /// Platform tags.
    pub platform: Vec<String>,
}

impl WheelName {
    /// Parses `name-version[-build]-python-abi-platform.whl`.
    ///
    /// # Errors
    /// A sentence on what does not fit.
    pub fn parse(file_name: &str) -> Result<Self, String> {
        let stem = file_name
            .strip_suffix(".whl")
            .ok_or("it has no .whl suffix")?;
        let parts: Vec<&str> = stem.split('-').collect();
        let (name, version, build, tags) = match parts.as_slice() {
            [name, version, tags @ ..] if tags.len() == 3 => (name, version, None, tags),
            [name, version, build, tags @ ..] if tags.len() == 3 => {
                (name, version, Some(*build), tags)
            }
            _ => return Err(format!("it has {} parts, not 5 or 6", parts.len())),
        };
        if stem.split(['-', '.']).any(str::is_empty) {
            return Err("one of its parts is empty".into());
        }
        // What installers split a name at, or do not take in one.
        let odd = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'));
        if name.contains("__") || name.contains(odd) {
            return Err(format!("{name} is not an escaped project name"));
        }
        if let Some(build) = build
            && !build.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(format!(
                "the build number {build} does not begin with a digit"
            ));
        }
        let set = |i: usize| -> Vec<String> {
            tags.get(i)
                .map(|t| t.split('.').map(str::to_owned).collect())
                .unwrap_or_default()
        };
        Ok(Self {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            build: build.map(str::to_owned),
            python: set(0),
            abi: set(1),
            platform: set(2),
        })
    }

    /// Every tag of the compressed set, as WHEEL lists them.
    pub fn tags(&self) -> Vec<String> {
        let mut tags = Vec::new();
        for python in &self.python {
            for abi in &self.abi {
                for platform in &self.platform {
                    tags.push(format!("{python}-{abi}-{platform}"));
                }
            }
        }
        tags
    }

    /// Whether the wheel claims to run on every platform.
    pub fn is_pure(&self) -> bool {
        self.platform.iter().any(|p| p == "any")
    }

    /// Lowest stable ABI promised (`cp39-abi3` is 3.9), when it promises one.
    pub fn stable_abi(&self) -> Option<(u32, u32)> {
        if !self.abi.iter().any(|a| a == "abi3" || a == "abi3t") {
            return None;
        }
        self.python.iter().filter_map(|p| python_version(p)).min()
    }
}

/// `cp39` or `py310` as (3, 9) or (3, 10).
pub fn python_version(tag: &str) -> Option<(u32, u32)> {
    let digits = tag.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let (major, minor) = digits.split_at_checked(1)?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A parsed sdist file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdistName {
    /// Project name as written.
    pub name: String,
    /// Version as written.
    pub version: String,
}

impl SdistName {
    /// Parses `name-version.tar.gz`.
    ///
    /// # Errors
    /// A sentence on what does not fit.
    pub fn parse(file_name: &str) -> Result<Self, String> {
        let stem = file_name
            .strip_suffix(".tar.gz")
            .ok_or("it has no .tar.gz suffix")?;
        let (name, version) = stem
            .rsplit_once('-')
            .ok_or("there is no dash between name and version")?;
        if name.is_empty() || version.is_empty() {
            return Err("name or version is empty".into());
        }
        Ok(Self {
            name: name.to_owned(),
            version: version.to_owned(),
        })
    }
}

/// The platform family a wheel's platform tag names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Platform {
    /// `any`
    Any,
    /// `manylinux_2_28_x86_64`, or the old names of the same.
    Manylinux {
        /// Highest glibc the wheel may need.
        glibc: (u32, u32),
        /// Machine, as `uname -m` says it.
        machine: String,
    },
    /// `musllinux_1_2_x86_64`
    Musllinux {
        /// Highest musl the wheel may need.
        musl: (u32, u32),
        /// Machine.
        machine: String,
    },
    /// `linux_x86_64`: this machine only.
    Linux {
        /// Machine.
        machine: String,
    },
    /// `macosx_11_0_arm64`
    Macos {
        /// Lowest system it runs on.
        version: (u32, u32),
        /// Machine, or `universal2`.
        machine: String,
    },
    /// `win_amd64` and its kin.
    Windows {
        /// `amd64`, `arm64` or `x86`.
        machine: String,
    },
    /// Something else: mobile, WebAssembly, BSD.
    Other(String),
}

impl Platform {
    /// Reads a platform tag.
    pub fn parse(tag: &str) -> Self {
        let versioned = |rest: &str| -> Option<((u32, u32), String)> {
            let mut parts = rest.splitn(3, '_');
            let version = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some((version, parts.next()?.to_owned()))
        };
        let other = || Self::Other(tag.to_owned());
        if tag == "any" {
            return Self::Any;
        }
        for (old, glibc) in [
            ("manylinux1_", (2, 5)),
            ("manylinux2010_", (2, 12)),
            ("manylinux2014_", (2, 17)),
        ] {
            if let Some(machine) = tag.strip_prefix(old) {
                return Self::Manylinux {
                    glibc,
                    machine: machine.to_owned(),
                };
            }
        }
        if let Some(rest) = tag.strip_prefix("manylinux_") {
            return versioned(rest)
                .map_or_else(other, |(glibc, machine)| Self::Manylinux { glibc, machine });
        }
        if let Some(rest) = tag.strip_prefix("musllinux_") {
            return versioned(rest)
                .map_or_else(other, |(musl, machine)| Self::Musllinux { musl, machine });
        }
        if let Some(rest) = tag.strip_prefix("macosx_") {
            return versioned(rest)
                .map_or_else(other, |(version, machine)| Self::Macos { version, machine });
        }
        if let Some(machine) = tag.strip_prefix("linux_") {
            return Self::Linux {
                machine: machine.to_owned(),
            };
        }
        match tag {
            "win32" => Self::Windows {
                machine: "x86".into(),
            },
            "win_amd64" | "win_arm64" => Self::Windows {
                machine: tag.trim_start_matches("win_").to_owned(),
            },
            _ => other(),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Manylinux { glibc, machine } => {
                write!(f, "manylinux_{}_{}_{machine}", glibc.0, glibc.1)
            }
            Self::Musllinux { musl, machine } => {
                write!(f, "musllinux_{}_{}_{machine}", musl.0, musl.1)
            }
            Self::Linux { machine } => write!(f, "linux_{machine}"),
            Self::Macos { version, machine } => {
                write!(f, "macosx_{}_{}_{machine}", version.0, version.1)
            }
            Self::Windows { machine } if machine == "x86" => f.write_str("win32"),
            Self::Windows { machine } => write!(f, "win_{machine}"),
            Self::Other(tag) => f.write_str(tag),
        }
    }
}

/// PEP 503: lower case, runs of `-_.` as one dash.
pub fn normalize(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for part in name.split(['-', '_', '.']).filter(|p| !p.is_empty()) {
        if !out.is_empty() {
            out.push('-');
        }
        out.push_str(&part.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheel_names() {
        let name = WheelName::parse(
            "a_b-1.0-2x-cp39.cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        )
        .unwrap();
        assert_eq!(name.build.as_deref(), Some("2x"));
        assert_eq!(name.tags().len(), 4);
        assert_eq!(name.stable_abi(), Some((3, 9)));
        assert!(!name.is_pure());
        for bad in [
            "a-1.whl",
            "a-1-x-py3-none-any.whl",
            "a--py3-none-any.whl",
            "a.zip",
        ] {
            assert!(WheelName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn platform_tags() {
        assert_eq!(
            Platform::parse("manylinux2014_x86_64"),
            Platform::parse("manylinux_2_17_x86_64")
        );
        for tag in [
            "any",
            "musllinux_1_2_aarch64",
            "macosx_11_0_arm64",
            "win32",
            "win_arm64",
            "linux_x86_64",
            "ios_13_0_arm64_iphoneos",
        ] {
            assert_eq!(Platform::parse(tag).to_string(), tag);
        }
    }

    #[test]
    fn names_are_normalized() {
        assert_eq!(normalize("A__b.C-d"), "a-b-c-d");
    }
}
