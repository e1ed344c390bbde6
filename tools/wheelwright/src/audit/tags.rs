//! Rules on the file name, the WHEEL file and what the tags promise.

use super::rules::{
    BINARY_READABLE, NAME_FORMAT, TAG_ABI, TAG_AGREE, TAG_LOCAL, TAG_MACHINE, TAG_PURE, WHEEL_FILE,
};
use super::subject::Member;
use super::{Findings, Subject};
use crate::artifact::MemberKind;
use crate::artifact::file_name::{Platform, WheelName, python_version};
use crate::artifact::headers::Headers;
use crate::binary::Binary;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let name = match &subject.wheel {
        Some(Err(reason)) => {
            findings.add(
                NAME_FORMAT,
                None,
                reason,
                "name-version[-build]-python-abi-platform.whl",
                "rename it as its builder named it",
            );
            None
        }
        Some(Ok(name)) => Some(name),
        None => return,
    };
    wheel_file(subject, name, findings);
    if let Some(name) = name {
        platform(subject, name, findings);
        abi(subject, name, findings);
    }
    for (member, binary) in subject.binaries() {
        if let Binary::Unreadable { format, reason } = binary {
            let fix = "build it again; if it is test data, list it under data-paths";
            findings.add(
                BINARY_READABLE,
                Some(&member.path),
                format!("as {format}: {reason}"),
                "a readable file",
                fix,
            );
        }
        machine(subject, member, binary, findings);
    }
}

fn wheel_file(subject: &Subject<'_>, name: Option<&WheelName>, findings: &mut Findings) {
    let Some(member) = subject.info("WHEEL") else {
        findings.add(
            WHEEL_FILE,
            None,
            "there is no WHEEL",
            "one in .dist-info",
            "pack the wheel with its build backend",
        );
        return;
    };
    let wheel = Headers::parse(member.text.as_deref().unwrap_or(&[]));
    let path = Some(member.path.as_str());
    match wheel.get("Wheel-Version") {
        Some(version) if version.starts_with("1.") => {}
        other => findings.add(
            WHEEL_FILE,
            path,
            format!("Wheel-Version is {}", other.unwrap_or("missing")),
            "1.0",
            "write `Wheel-Version: 1.0`; installers refuse others",
        ),
    }
    match wheel.get("Root-Is-Purelib") {
        Some("true" | "false") => {}
        other => findings.add(
            WHEEL_FILE,
            path,
            format!("Root-Is-Purelib is {}", other.unwrap_or("missing")),
            "true or false",
            "write it: it decides where files are installed",
        ),
    }
    let Some(name) = name else { return };
    let mut stated: Vec<&str> = wheel.all("Tag").collect();
    stated.sort_unstable();
    stated.dedup();
    let named = name.tags();
    let mut wanted: Vec<&str> = named.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    if stated != wanted {
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|t| !stated.contains(t))
            .copied()
            .collect();
        let surplus: Vec<&str> = stated
            .iter()
            .filter(|t| !wanted.contains(t))
            .copied()
            .collect();
        findings.add(
            TAG_AGREE,
            path,
            format!(
                "WHEEL lacks [{}] and has [{}] besides",
                missing.join(" "),
                surplus.join(" ")
            ),
            "the tags of the file name",
            "retag with `wheel tags`, which changes both, instead of renaming",
        );
    }
    if wheel.get("Build") != name.build.as_deref() {
        findings.add(
            TAG_AGREE,
            path,
            format!("Build is {}", wheel.get("Build").unwrap_or("missing")),
            format!(
                "{} as in the file name",
                name.build.as_deref().unwrap_or("none")
            ),
            "state the build number in both or in neither",
        );
    }
}

fn platform(subject: &Subject<'_>, name: &WheelName, findings: &mut Findings) {
    for platform in &subject.platforms {
        if let Platform::Linux { machine } = platform {
            findings.add(
                TAG_LOCAL,
                None,
                format!("linux_{machine}"),
                "manylinux or musllinux",
                "build against an old glibc (or for musl) and tag it by what it needs",
            );
        }
    }
    let loadable = subject
        .members
        .iter()
        .find(|m| m.binary.is_some() && is_library(m.file_name()));
    if name.is_pure() {
        if let Some(member) = loadable {
            findings.add(
                TAG_PURE,
                Some(&member.path),
                "compiled code in a wheel for any platform",
                "none",
                "tag the wheel for its platform",
            );
        }
    } else if subject
        .members
        .iter()
        .all(|m| m.binary.is_none() && !m.path.ends_with(".a"))
    {
        findings.add(
            TAG_PURE,
            None,
            "a wheel for one platform without compiled code",
            "some",
            "tag it `any`, or check that the extension was built",
        );
    }
}

/// Whether a file name is that of a library that Python or its modules load.
fn is_library(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [".so", ".pyd", ".dylib"].iter().any(|s| lower.ends_with(s)) || lower.contains(".so.")
}

fn machine(subject: &Subject<'_>, member: &Member, binary: &Binary, findings: &mut Findings) {
    if matches!(binary, Binary::Unreadable { .. }) {
        return;
    }
    let machines = binary.machines();
    for platform in &subject.platforms {
        let wanted: (&str, Vec<&str>) = match platform {
            Platform::Manylinux { machine, .. }
            | Platform::Musllinux { machine, .. }
            | Platform::Linux { machine } => ("ELF", vec![linux_machine(machine)]),
            Platform::Macos { machine, .. } => ("Mach-O", macos_machines(machine)),
            Platform::Windows { machine } => ("PE", vec![machine]),
            Platform::Any | Platform::Other(_) => continue,
        };
        let (format, needed) = wanted;
        let missing: Vec<&str> = needed
            .into_iter()
            .filter(|m| !machines.iter().any(|have| have == m))
            .collect();
        // A program for another system may be data; a library there cannot be used.
        let foreign = binary.format() != format;
        if (foreign && is_library(member.file_name())) || (!foreign && !missing.is_empty()) {
            findings.add(
                TAG_MACHINE,
                Some(&member.path),
                format!("{} for {}", binary.format(), machines.join(" and ")),
                format!("{format} as {platform} needs"),
                "build for the tagged machine; if it is data, list it under data-paths",
            );
        }
    }
}

fn linux_machine(machine: &str) -> &str {
    match machine {
        "armv6l" | "armv8l" => "armv7l",
        other => other,
    }
}

fn macos_machines(machine: &str) -> Vec<&str> {
    match machine {
        "universal2" => vec!["x86_64", "arm64"],
        "intel" => vec!["i386", "x86_64"],
        "universal" => vec!["i386", "x86_64", "ppc", "ppc64"],
        "fat64" => vec!["x86_64", "ppc64"],
        "fat3" | "fat32" => vec!["i386", "ppc"],
        one => vec![one],
    }
}

/// What the suffix of an extension module promises.
#[derive(Debug, PartialEq, Eq)]
pub enum Suffix<'a> {
    /// `.so`, `.pyd`: nothing.
    Plain,
    /// `.abi3.so`
    Stable,
    /// `.abi3t.so`
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
        "abi3" => Suffix::Stable,
        "abi3t" => Suffix::StableFreeThreaded,
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

fn abi(subject: &Subject<'_>, name: &WheelName, findings: &mut Findings) {
    for member in subject
        .members
        .iter()
        .filter(|m| m.kind == MemberKind::File)
    {
        let Some((_, Suffix::Version(version))) = extension_module(member.file_name()) else {
            continue;
        };
        if member.binary.is_none() {
            continue;
        }
        // cp313t in tags is 313t in suffixes; 38 and older may have an m.
        let fits = name.python.iter().any(|python| {
            let digits = python.trim_start_matches("cp");
            let threaded = name
                .abi
                .iter()
                .any(|abi| abi.ends_with('t') && abi != "abi3t");
            let plain = version.trim_end_matches(['m', 'd']);
            let wanted = if threaded {
                format!("{digits}t")
            } else {
                digits.to_owned()
            };
            python.starts_with("cp") && (plain == wanted || plain == digits && name.abi.len() > 1)
        });
        let free = name
            .python
            .iter()
            .all(|p| python_version(p).is_some_and(|v| v.0 == 3 && v.1 == 0))
            || name.python.iter().any(|p| p.starts_with("py"));
        if !fits && !free && name.stable_abi().is_none() {
            findings.add(
                TAG_ABI,
                Some(&member.path),
                format!("an extension for CPython {version}"),
                format!("one for {}", name.python.join(".")),
                "build it with the Python that the tag names",
            );
        } else if name.stable_abi().is_some() && name.abi.len() == 1 {
            findings.add(
                TAG_ABI,
                Some(&member.path),
                format!("only CPython {version} can import it"),
                ".abi3.so (or .pyd) in a wheel for every later version",
                "build with the limited API, or tag the wheel for that one version",
            );
        }
    }
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
}
