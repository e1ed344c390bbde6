//! Rules on Mach-O files: what a macOS tag promises, and code signatures.

use super::rules::{MACHO_DYLIB, MACHO_MIN_OS, MACHO_RPATH, MACHO_SIGNATURE};
use super::subject::Member;
use super::{Findings, Subject};
use crate::artifact::file_name::Platform;
use crate::binary::Binary;
use crate::binary::code_signature::Signature;
use crate::binary::macho::Slice;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let tags: Vec<((u32, u32), &str)> = subject
        .platforms
        .iter()
        .filter_map(|p| match p {
            Platform::Macos { version, machine } => Some((*version, machine.as_str())),
            _ => None,
        })
        .collect();
    for (member, binary) in subject.binaries() {
        let Binary::MachO(slices) = binary else {
            continue;
        };
        for slice in slices {
            for &(version, machine) in &tags {
                min_os(member, slice, version, machine, findings);
            }
            dylibs(subject, member, slice, findings);
            signature(member, slice, findings);
        }
    }
}

fn min_os(
    member: &Member,
    slice: &Slice,
    tagged: (u32, u32),
    machine: &str,
    findings: &mut Findings,
) {
    if machine != "universal2" && machine != slice.machine {
        return; // a further slice, not the one this tag is about
    }
    // No arm64 Mac runs anything below 11.0, whatever a universal2 tag says.
    let floor = if slice.machine == "arm64" {
        (11, 0)
    } else {
        (0, 0)
    };
    // 10.16 is how macOS 11 names itself to old programs.
    let effective = |v: (u32, u32)| if v == (10, 16) { (11, 0) } else { v };
    let highest = effective(tagged).max(floor);
    let fix =
        "set MACOSX_DEPLOYMENT_TARGET to the tag's version for every library, or tag it higher";
    if let Some(os) = &slice.foreign_os {
        findings.add(
            MACHO_MIN_OS,
            Some(&member.path),
            format!("built for {os}"),
            "macOS",
            fix,
        );
        return;
    }
    let found = match slice.min_os {
        Some(min) if effective(min) <= highest => return,
        Some(min) => format!("{} needs macOS {}.{}", slice.machine, min.0, min.1),
        None => return, // old linkers wrote nothing, for systems older still
    };
    findings.add(
        MACHO_MIN_OS,
        Some(&member.path),
        found,
        format!("{}.{} as tagged", highest.0, highest.1),
        fix,
    );
}

fn dylibs(subject: &Subject<'_>, member: &Member, slice: &Slice, findings: &mut Findings) {
    for dylib in &slice.dylibs {
        let path = dylib.path.as_str();
        let name = path.rsplit('/').next().unwrap_or(path);
        let system = path.starts_with("/usr/lib/") || path.starts_with("/System/Library/");
        let relative = path.starts_with('@');
        let own = slice.id.as_deref() == Some(path);
        if system
            || own
            || dylib.weak
            || (relative && subject.ships(name))
            || subject.allows_library(name)
        {
            continue;
        }
        let python = path.contains("Python.framework") || name.starts_with("libpython");
        let fix = if python {
            "link with -undefined dynamic_lookup: the interpreter provides its symbols"
        } else {
            "link it statically, or copy it into the wheel (delocate)"
        };
        findings.add(
            MACHO_DYLIB,
            Some(&member.path),
            format!("loads {path}"),
            "/usr/lib, /System/Library, or a library in the wheel",
            fix,
        );
    }
    for rpath in &slice.rpaths {
        let relative = rpath.starts_with("@loader_path") || rpath.starts_with("@executable_path");
        if !relative {
            findings.add(
                MACHO_RPATH,
                Some(&member.path),
                format!("LC_RPATH {rpath}"),
                "@loader_path",
                "remove it (install_name_tool -delete_rpath)",
            );
        }
    }
}

fn signature(member: &Member, slice: &Slice, findings: &mut Findings) {
    let found = match &slice.signature {
        Signature::Good { .. } => return,
        // Only arm64 refuses unsigned code.
        Signature::Missing if slice.machine != "arm64" => return,
        Signature::Missing => "there is no code signature".to_owned(),
        Signature::Broken(reason) => format!("the code signature is broken: {reason}"),
    };
    findings.add(
        MACHO_SIGNATURE,
        Some(&member.path),
        format!("{}: {found}", slice.machine),
        "a signature (ad hoc will do) with right page hashes",
        "sign after the last edit: codesign --force --sign - FILE",
    );
}
