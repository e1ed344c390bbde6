//! Rules on what the tags promise: who takes them, and which code fits them.

mod pairs;
mod platforms;
mod suffix;

use super::rules::{BINARY_READABLE, TAG_ABI, TAG_LOCAL, TAG_MACHINE, TAG_PURE};
use super::subject::Member;
use super::{Findings, Subject};
use crate::artifact::file_name::{Platform, WheelName};
use crate::binary::Binary;
use crate::binary::pe::Pe;

pub use suffix::{Suffix, extension_module};

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.wheel.is_none() {
        return;
    }
    if let Some(name) = subject.wheel_name() {
        taken(name, findings);
        pure(subject, name, findings);
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
        if let Some(name) = subject.wheel_name() {
            importable(subject, name, member, binary, findings);
        }
    }
}

/// Every tag must be one that an index takes and that some installer asks for.
fn taken(name: &WheelName, findings: &mut Findings) {
    for tag in &name.platform {
        if let Err(wanted) = platforms::check(tag) {
            findings.add(
                TAG_LOCAL,
                None,
                format!("the platform {tag}"),
                wanted,
                "build for such a platform and tag it by what it needs; an index or every installer refuses this one",
            );
        }
    }
    for pair in pairs::useless(&name.python, &name.abi) {
        findings.add(
            TAG_LOCAL,
            None,
            format!("Python and ABI {pair}"),
            "cpXY-cpXY, cpXY-abi3 from cp32 on, py3-none, ppXY-pypyXY_ppNN",
            "name the lowest version it runs on (cp39-abi3); no installer asks for this one",
        );
    }
    if name.is_pure() && !name.abi.iter().any(|abi| abi == "none") {
        findings.add(
            TAG_LOCAL,
            None,
            format!("ABI {} on the platform any", name.abi.join(".")),
            "none-any",
            "name the platform, or the ABI none; no installer asks for this one",
        );
    }
}

fn pure(subject: &Subject<'_>, name: &WheelName, findings: &mut Findings) {
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
        let Some((format, needed)) = code_of(platform) else {
            continue;
        };
        let missing: Vec<&str> = needed
            .into_iter()
            .filter(|m| !machines.iter().any(|have| have == m))
            .collect();
        // A program for another system may be data; a library there cannot be used.
        let foreign = binary.format() != format;
        let wrong = if foreign {
            is_library(member.file_name())
        } else {
            !missing.is_empty() && !is_companion(subject, member, binary, &machines)
        };
        if wrong {
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

/// Whether a Windows file is for another machine on purpose: nothing imports it,
/// and nothing in the wheel loads it, but there is code for other machines beside
/// it. A debugger brings such files for the processes that it looks into.
fn is_companion(
    subject: &Subject<'_>,
    member: &Member,
    binary: &Binary,
    machines: &[String],
) -> bool {
    let name = member.file_name();
    let imported = name.ends_with(".pyd") || !binary.module_inits().is_empty();
    let libraries = || {
        subject.binaries().filter_map(|(_, other)| match other {
            Binary::Pe(pe) => Some(pe),
            _ => None,
        })
    };
    let loads = |pe: &Pe| pe.dlls.iter().any(|dll| dll.eq_ignore_ascii_case(name));
    matches!(binary, Binary::Pe(_))
        && !imported
        && libraries().any(|pe| machines != [pe.machine.as_str()])
        && !libraries().any(loads)
}

/// The format of code that a platform runs, and the machines it must be for.
fn code_of(platform: &Platform) -> Option<(&'static str, Vec<&str>)> {
    let mobile = |tag: &str, known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(end, _)| tag.ends_with(end));
        found.map(|(_, machine)| vec![*machine])
    };
    match platform {
        Platform::Manylinux { machine, .. }
        | Platform::Musllinux { machine, .. }
        | Platform::Linux { machine } => Some(("ELF", vec![linux_machine(machine)])),
        Platform::Macos { machine, .. } => Some(("Mach-O", macos_machines(machine))),
        Platform::Windows { machine } => Some(("PE", vec![machine])),
        Platform::Other(tag) if tag.starts_with("android_") => {
            mobile(tag, ANDROID).map(|machines| ("ELF", machines))
        }
        Platform::Other(tag) if tag.starts_with("ios_") => {
            mobile(tag, IOS).map(|machines| ("Mach-O", machines))
        }
        Platform::Any | Platform::Other(_) => None,
    }
}

/// Ends of tags, and the machine as binaries of that format name it.
const ANDROID: &[(&str, &str)] = &[
    ("_arm64_v8a", "aarch64"),
    ("_armeabi_v7a", "armv7l"),
    ("_x86_64", "x86_64"),
    ("_x86", "i686"),
];
const IOS: &[(&str, &str)] = &[
    ("_arm64_iphoneos", "arm64"),
    ("_arm64_iphonesimulator", "arm64"),
    ("_x86_64_iphonesimulator", "x86_64"),
];

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

/// Extension modules must have a suffix that a tagged Python looks for on a tagged
/// platform.
fn importable(
    subject: &Subject<'_>,
    name: &WheelName,
    member: &Member,
    binary: &Binary,
    findings: &mut Findings,
) {
    if name.is_pure() {
        return; // what `tag-pure` is about
    }
    let file = member.file_name();
    let Some((module, suffix)) = extension_module(file) else {
        return;
    };
    let inits = binary.module_inits();
    let is_module = ["PyInit", "PyModExport"]
        .iter()
        .any(|hook| inits.contains(&format!("{hook}_{module}").as_str()));
    if matches!(suffix, Suffix::Other(_)) && !is_module {
        return; // a library with dots in its name
    }
    let only_stable = name.abi.iter().all(|abi| abi == "abi3" || abi == "abi3t");
    if let (Suffix::Version(version), true) = (&suffix, only_stable) {
        findings.add(
            TAG_ABI,
            Some(&member.path),
            format!("only CPython {version} can import it"),
            ".abi3.so (or .pyd) in a wheel for every later version",
            "build with the limited API, or tag the wheel for that one version",
        );
        return;
    }
    let own = file.get(module.len()..).unwrap_or_default();
    if suffix == Suffix::Stable && name.abi.iter().any(|abi| abi == "abi3t") {
        let start = member.path.len() - own.len();
        let start = member.path.get(..start).unwrap_or_default();
        let beside = format!("{start}{}", own.replacen(".abi3", ".abi3t", 1));
        if !subject.members.iter().any(|other| other.path == beside) {
            findings.add(
                TAG_ABI,
                Some(&member.path),
                format!("builds without a global interpreter lock do not look for {own}"),
                ".abi3t.so, which both kinds look for",
                "name the module so, or tag the wheel abi3 alone",
            );
            return;
        }
    }
    let wanted = suffix::importable(name);
    if !wanted.iter().any(|w| w.fits(own)) {
        let mut list: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        list.sort_unstable();
        list.dedup();
        findings.add(
            TAG_ABI,
            Some(&member.path),
            format!("the suffix is {own}"),
            format!("one that Python looks for there: {}", list.join(", ")),
            "build it with the Python and for the platform that the tag names",
        );
    }
}
