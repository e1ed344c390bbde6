//! Suffixes of extension modules, and who imports them.

use std::fmt;

use crate::artifact::file_name::{Platform, WheelName, python_version};

/// What the suffix of an extension module promises.
#[derive(Debug, PartialEq, Eq)]
pub enum Suffix<'a> {
    /// `.so`, `.pyd`: nothing.
    Plain,
    /// `.abi3.so`, and since CPython 3.15 `.abi3-x86_64-linux-gnu.so`
    Stable,
    /// `.abi3t.so`, or with the platform
    StableFreeThreaded,
    /// `.cpython-312-x86_64-linux-gnu.so`, `.cp312-win_amd64.pyd`: one version.
    Version(&'a str),
    /// Another implementation's.
    Other(&'a str),
}

/// The module name and suffix of an extension module's file name.
pub fn extension_module(file_name: &str) -> Option<(&str, Suffix<'_>)> {
    let (stem, pyd) = match file_name.strip_suffix(".pyd") {
        Some(stem) => (stem, true),
        None => (file_name.strip_suffix(".so")?, false),
    };
    let Some((module, suffix)) = stem.split_once('.') else {
        return Some((stem, Suffix::Plain));
    };
    let kind = match suffix {
        s if s == "abi3" || s.starts_with("abi3-") => Suffix::Stable,
        s if s == "abi3t" || s.starts_with("abi3t-") => Suffix::StableFreeThreaded,
        s if s.starts_with("cpython-") => Suffix::Version(s.split('-').nth(1).unwrap_or_default()),
        s if pyd && s.starts_with("cp") => Suffix::Version(
            s.trim_start_matches("cp")
                .split('-')
                .next()
                .unwrap_or_default(),
        ),
        s => Suffix::Other(s),
    };
    Some((module, kind))
}

/// A suffix that some Python looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Importable {
    /// What stands before the version: `.cpython-`, or the whole suffix.
    before: String,
    /// The version, `None` where any will do.
    version: Option<String>,
    /// What follows the version; `None` where anything may.
    after: Option<String>,
}

impl Importable {
    fn whole(suffix: &str) -> Self {
        Self {
            before: suffix.to_owned(),
            version: Some(String::new()),
            after: Some(String::new()),
        }
    }

    /// Whether a file's suffix is this one.
    pub fn fits(&self, suffix: &str) -> bool {
        let Some(rest) = suffix.strip_prefix(self.before.as_str()) else {
            return false;
        };
        let rest = match &self.version {
            Some(version) => match rest.strip_prefix(version.as_str()) {
                Some(rest) => rest,
                None => return false,
            },
            None => rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()),
        };
        self.after.as_ref().is_none_or(|after| rest == after)
    }
}

impl fmt::Display for Importable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.as_deref().unwrap_or("NN");
        let after = self.after.as_deref().unwrap_or("-…");
        write!(f, "{}{version}{after}", self.before)
    }
}

/// Every suffix that a Python of the tags looks for on a platform of the tags.
pub fn importable(name: &WheelName) -> Vec<Importable> {
    let mut list = Vec::new();
    for platform in &name.platform {
        for python in &name.python {
            for abi in &name.abi {
                add(python, abi, platform, &mut list);
            }
        }
    }
    list
}

fn add(python: &str, abi: &str, platform: &str, list: &mut Vec<Importable>) {
    let windows = matches!(Platform::parse(platform), Platform::Windows { .. });
    let plain = if windows { ".pyd" } else { ".so" };
    list.push(Importable::whole(plain));
    if let Some(digits) = python.strip_prefix("pp") {
        // PyPy writes `.pypy310-pp73-…`.
        for before in [format!(".pypy{digits}-"), ".pypy-".into(), ".pypy3-".into()] {
            list.push(Importable {
                before,
                version: Some(String::new()),
                after: None,
            });
        }
        return;
    }
    if python.starts_with("graalpy") {
        list.push(Importable {
            before: ".graalpy".into(),
            version: None,
            after: None,
        });
        return;
    }
    // The stable ABI's own suffix is not looked for on Windows, and that of the
    // builds with a GIL not by those without.
    let free_threaded = abi.ends_with('t');
    let newer = python_version(python).is_some_and(|version| version >= (3, 15));
    let stable = |kind: &str, list: &mut Vec<Importable>| {
        list.push(Importable::whole(&format!(".{kind}.so")));
        if newer {
            let places = multiarch(platform, true).into_iter();
            list.extend(places.map(|place| Importable::whole(&format!(".{kind}-{place}.so"))));
        }
    };
    if !windows && (free_threaded || abi == "none" || newer) {
        stable("abi3t", list);
    }
    if !windows && (!free_threaded || abi == "none") {
        stable("abi3", list);
    }
    let version = match abi {
        "abi3" | "abi3t" => return, // one version's suffix is another finding
        "none" => python.strip_prefix("cp").map(str::to_owned),
        abi => abi.strip_prefix("cp").map(str::to_owned),
    };
    let musl_names = python_version(python).is_some_and(|v| v >= (3, 11));
    for after in multiarch(platform, musl_names) {
        let (before, after) = if windows {
            (".cp", format!("-{after}.pyd"))
        } else {
            (".cpython-", format!("-{after}.so"))
        };
        let one = |version: Option<String>| Importable {
            before: before.into(),
            version,
            after: Some(after.clone()),
        };
        if abi == "none" && version.is_some() {
            // Without an ABI tag, both builds of the version may take it.
            list.push(one(version.clone().map(|v| v + "t")));
        }
        list.push(one(version.clone()));
    }
}

/// How CPython names a platform in suffixes; several where its versions differ.
fn multiarch(platform: &str, musl_names: bool) -> Vec<String> {
    match Platform::parse(platform) {
        Platform::Manylinux { machine, .. } => vec![triplet(&machine, "gnu")],
        Platform::Musllinux { machine, .. } if musl_names => vec![triplet(&machine, "musl")],
        // CPython before 3.11 called every Linux `gnu`.
        Platform::Musllinux { machine, .. } | Platform::Linux { machine } => {
            vec![triplet(&machine, "musl"), triplet(&machine, "gnu")]
        }
        Platform::Macos { .. } => vec!["darwin".into()],
        Platform::Windows { machine } if machine == "x86" => vec!["win32".into()],
        Platform::Windows { machine } => vec![format!("win_{machine}")],
        Platform::Any => Vec::new(),
        Platform::Other(tag) => {
            let has = |part: &str| tag.ends_with(part);
            let name = match tag.split('_').next().unwrap_or_default() {
                "android" if has("arm64_v8a") => "aarch64-linux-android",
                "android" if has("armeabi_v7a") => "arm-linux-androideabi",
                "android" if has("x86_64") => "x86_64-linux-android",
                "android" => "i686-linux-android",
                "ios" if has("iphonesimulator") => "iphonesimulator",
                "ios" => "iphoneos",
                "pyemscripten" | "emscripten" | "pyodide" => "wasm32-emscripten",
                _ => return Vec::new(),
            };
            vec![name.into()]
        }
    }
}

/// `x86_64-linux-gnu`: the machine as GNU's tools name it, with the C library.
fn triplet(machine: &str, libc: &str) -> String {
    let (machine, ending) = match machine {
        "i686" => ("i386", ""),
        "armv6l" | "armv7l" => ("arm", "eabihf"),
        "ppc64le" => ("powerpc64le", ""),
        "ppc64" => ("powerpc64", ""),
        other => (other, ""),
    };
    format!("{machine}-linux-{libc}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes() {
        assert_eq!(
            extension_module("_core.abi3.so"),
            Some(("_core", Suffix::Stable))
        );
        assert_eq!(
            extension_module("_core.pyd"),
            Some(("_core", Suffix::Plain))
        );
        assert_eq!(
            extension_module("m.cp312-win_amd64.pyd"),
            Some(("m", Suffix::Version("312")))
        );
        assert_eq!(
            extension_module("m.cpython-313t-x86_64-linux-gnu.so"),
            Some(("m", Suffix::Version("313t")))
        );
        assert_eq!(
            extension_module("m.pypy39-pp73-x86_64-linux-gnu.so").map(|s| s.0),
            Some("m")
        );
        assert_eq!(extension_module("libx.so.1"), None);
    }

    fn imports(tags: &str, suffix: &str) -> bool {
        let name = WheelName::parse(&format!("demo-1-{tags}.whl")).unwrap();
        importable(&name).iter().any(|one| one.fits(suffix))
    }

    /// Tags of a wheel, and a suffix that a Python they name looks for.
    const LOOKED_FOR: &[(&str, &str)] = &[
        (
            "cp312-cp312-manylinux_2_28_x86_64",
            ".cpython-312-x86_64-linux-gnu.so",
        ),
        ("cp312-cp312-manylinux_2_28_x86_64", ".abi3.so"),
        ("cp312-cp312-manylinux_2_28_x86_64", ".so"),
        (
            "cp37-cp37m-manylinux2014_i686",
            ".cpython-37m-i386-linux-gnu.so",
        ),
        (
            "cp313-cp313t-manylinux_2_28_armv7l",
            ".cpython-313t-arm-linux-gnueabihf.so",
        ),
        (
            "cp312-cp312-musllinux_1_2_x86_64",
            ".cpython-312-x86_64-linux-musl.so",
        ),
        (
            "cp39-cp39-musllinux_1_1_x86_64",
            ".cpython-39-x86_64-linux-gnu.so",
        ),
        ("cp312-cp312-macosx_11_0_arm64", ".cpython-312-darwin.so"),
        ("cp312-cp312-win_amd64", ".cp312-win_amd64.pyd"),
        ("cp312-cp312-win32", ".cp312-win32.pyd"),
        ("cp312-cp312-win_amd64", ".pyd"),
        ("cp39-abi3-win_amd64", ".pyd"),
        ("cp39-abi3-linux_armv7l", ".abi3.so"),
        ("cp315-abi3t-macosx_11_0_arm64", ".abi3t.so"),
        ("cp315-abi3-macosx_11_0_arm64", ".abi3t.so"),
        (
            "cp315-abi3-manylinux_2_28_x86_64",
            ".abi3-x86_64-linux-gnu.so",
        ),
        (
            "cp315-abi3.abi3t-musllinux_1_2_x86_64",
            ".abi3t-x86_64-linux-musl.so",
        ),
        ("cp38.cp39-cp38.cp39-win_amd64", ".cp39-win_amd64.pyd"),
        (
            "py3-none-manylinux_2_28_x86_64",
            ".cpython-311-x86_64-linux-gnu.so",
        ),
        ("cp313-none-win_amd64", ".cp313t-win_amd64.pyd"),
        (
            "pp310-pypy310_pp73-manylinux_2_28_x86_64",
            ".pypy310-pp73-x86_64-linux-gnu.so",
        ),
        (
            "graalpy311-graalpy242_311_native-manylinux_2_28_x86_64",
            ".graalpy242-311-native-x86_64-linux.so",
        ),
        (
            "cp313-cp313-ios_13_0_arm64_iphoneos",
            ".cpython-313-iphoneos.so",
        ),
        (
            "cp313-cp313-android_24_arm64_v8a",
            ".cpython-313-aarch64-linux-android.so",
        ),
        (
            "cp313-cp313-pyemscripten_2025_0_wasm32",
            ".cpython-313-wasm32-emscripten.so",
        ),
    ];

    /// The same, and nobody looks.
    const NOT_LOOKED_FOR: &[(&str, &str)] = &[
        ("cp39-abi3-manylinux_2_28_x86_64", ".abi3t.so"),
        (
            "cp314-abi3-manylinux_2_28_x86_64",
            ".abi3-x86_64-linux-gnu.so",
        ),
        ("cp315-abi3t-macosx_11_0_arm64", ".abi3.so"),
        (
            "cp312-cp312-manylinux_2_28_x86_64",
            ".cpython-311-x86_64-linux-gnu.so",
        ),
        (
            "cp312-cp312-manylinux_2_28_x86_64",
            ".cpython-312-x86_64-linux-musl.so",
        ),
        (
            "cp312-cp312-manylinux_2_28_x86_64",
            ".cpython-312-aarch64-linux-gnu.so",
        ),
        (
            "cp312-cp312-manylinux_2_28_x86_64",
            ".cpython-312-darwin.so",
        ),
        ("cp312-cp312-manylinux_2_28_x86_64", ".cp312-win_amd64.pyd"),
        ("cp312-cp312-manylinux_2_28_x86_64", ".pyd"),
        (
            "cp312-cp312-manylinux_2_28_x86_64",
            ".cpython-312t-x86_64-linux-gnu.so",
        ),
        (
            "cp312-cp312-manylinux_2_28_x86_64",
            ".pypy312-pp73-x86_64-linux-gnu.so",
        ),
        (
            "cp312-cp312-musllinux_1_2_x86_64",
            ".cpython-312-x86_64-linux-gnu.so",
        ),
        ("cp312-cp312-win_amd64", ".cp312-win_arm64.pyd"),
        ("cp312-cp312-win_amd64", ".cp312-win_x86_64.pyd"),
        ("cp312-cp312-win_amd64", ".cp311-win_amd64.pyd"),
        ("cp312-cp312-win_amd64", ".abi3.pyd"),
        ("cp312-cp312-win_amd64", ".abi3.so"),
        ("cp313-cp313t-manylinux_2_28_x86_64", ".abi3.so"),
        (
            "cp313-cp313t-manylinux_2_28_x86_64",
            ".cpython-313-x86_64-linux-gnu.so",
        ),
        (
            "cp37-cp37m-manylinux2014_x86_64",
            ".cpython-37-x86_64-linux-gnu.so",
        ),
        ("py3-none-manylinux_2_28_x86_64", ".cpython-311-darwin.so"),
        ("pp310-pypy310_pp73-win_amd64", ".cp310-win_amd64.pyd"),
        ("pp310-pypy310_pp73-win_amd64", ".pypy39-pp73-win_amd64.pyd"),
    ];

    #[test]
    fn who_imports_what() {
        for (tags, suffix) in LOOKED_FOR {
            assert!(imports(tags, suffix), "{tags} {suffix}");
        }
        for (tags, suffix) in NOT_LOOKED_FOR {
            assert!(!imports(tags, suffix), "{tags} {suffix}");
        }
    }
}
