//! Rules on ELF files: what a Linux tag promises, and hardening.

use super::rules::{
    ELF_ISA, ELF_NEEDED, ELF_RELRO, ELF_RPATH, ELF_RPATH_FOREIGN, ELF_STACK, ELF_TEXTREL,
    ELF_VERSION,
};
use super::subject::Member;
use super::tables::{self, Promise};
use super::{Findings, Subject};
use crate::artifact::file_name::Platform;
use crate::binary::Binary;
use crate::binary::elf::{Elf, Relro, Stack};

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (member, binary) in subject.binaries() {
        let Binary::Elf(elf) = binary else { continue };
        if !elf.dynamic {
            continue; // object files and static programs load nothing
        }
        for platform in &subject.platforms {
            match platform {
                Platform::Manylinux { glibc, .. } => {
                    let Some(promise) = tables::promise("manylinux", *glibc) else {
                        continue;
                    };
                    versions(member, elf, platform, *glibc, promise, subject, findings);
                    needed(member, elf, platform, promise, subject, findings);
                }
                Platform::Musllinux { musl, .. } => {
                    let Some(promise) = tables::promise("musllinux", *musl) else {
                        continue;
                    };
                    glibc_in_musl(member, elf, platform, subject, findings);
                    needed(member, elf, platform, promise, subject, findings);
                }
                _ => {}
            }
        }
        bundled(member, elf, subject, findings);
        instructions(member, elf, subject, findings);
        search_paths(member, elf, findings);
        hardening(member, elf, findings);
    }
}

fn versions(
    member: &Member,
    elf: &Elf,
    platform: &Platform,
    glibc: (u32, u32),
    promise: &Promise,
    subject: &Subject<'_>,
    findings: &mut Findings,
) {
    if !elf.has_sections {
        findings.add(
            ELF_VERSION,
            Some(&member.path),
            "no section headers, so no symbol versions can be read",
            format!("versions that {platform} has"),
            "strip symbols, not section headers",
        );
        return;
    }
    for (library, version) in &elf.versions {
        // A library in the wheel brings its own versions.
        if subject.ships(library) || subject.allows_library(library) {
            continue;
        }
        let Some((family, number)) = version.split_once('_') else {
            continue;
        };
        let lacks = if family == "GLIBC" {
            let highest = [glibc.0, glibc.1];
            tables::number(number)
                .is_none_or(|v| v.as_slice() > highest.as_slice())
                .then(|| format!("GLIBC_{}.{}", glibc.0, glibc.1))
        } else if promise.knows(family) {
            promise.lacks(family, number, &elf.machine)
        } else {
            None
        };
        if let Some(highest) = lacks {
            findings.add(
                ELF_VERSION,
                Some(&member.path),
                format!("{version} of {library}"),
                format!("up to {highest} on {platform}"),
                "build against older system libraries (zig cc -target …-gnu.X.Y, or the manylinux image), or tag it higher",
            );
        }
    }
}

fn glibc_in_musl(
    member: &Member,
    elf: &Elf,
    platform: &Platform,
    subject: &Subject<'_>,
    findings: &mut Findings,
) {
    let foreign = elf.versions.iter().find(|(library, version)| {
        // A library in the wheel brings its own versions, whatever they are called.
        let brought = subject.ships(library) || subject.allows_library(library);
        version.starts_with("GLIBC_") && !brought
    });
    if let Some((library, version)) = foreign {
        findings.add(
            ELF_VERSION,
            Some(&member.path),
            format!("{version} of {library}"),
            format!("musl, which {platform} has"),
            "build for the musl target",
        );
    }
}

/// A library in the wheel must define the versions that are asked of it. One that
/// defines none at all is loaded with a warning.
fn bundled(member: &Member, elf: &Elf, subject: &Subject<'_>, findings: &mut Findings) {
    for (library, version) in &elf.versions {
        let mut copies = subject
            .members
            .iter()
            .filter(|m| m.file_name() == library)
            .filter_map(|m| match &m.binary {
                Some(Binary::Elf(elf)) => Some(&elf.defined),
                _ => None,
            })
            .filter(|defined| !defined.is_empty())
            .peekable();
        if copies.peek().is_some() && !copies.any(|defined| defined.contains(version)) {
            findings.add(
                ELF_VERSION,
                Some(&member.path),
                format!("{version} of {library}"),
                format!("versions that the wheel's own {library} defines"),
                "put the library into the wheel that this code was linked against",
            );
        }
    }
}

/// Every Linux tag for x86-64 promises its first processors.
fn instructions(member: &Member, elf: &Elf, subject: &Subject<'_>, findings: &mut Findings) {
    let promised = subject.platforms.iter().any(|platform| {
        matches!(platform, Platform::Manylinux { machine, .. } | Platform::Musllinux { machine, .. }
            if machine == "x86_64" || machine == "i686")
    });
    if let (Some(level), true) = (elf.isa_level, promised) {
        findings.add(
            ELF_ISA,
            Some(&member.path),
            format!("says that it needs x86-64-v{level}"),
            "x86-64, without a level",
            "compile with -march=x86-64, and choose faster code at run time",
        );
    }
}

fn needed(
    member: &Member,
    elf: &Elf,
    platform: &Platform,
    promise: &Promise,
    subject: &Subject<'_>,
    findings: &mut Findings,
) {
    for library in &elf.needed {
        let promised =
            promise.libraries.contains(&library.as_str()) || is_loader(library, platform);
        if promised || subject.ships(library) || subject.allows_library(library) {
            continue;
        }
        let fix = if library.starts_with("libpython") {
            "do not link libpython: the interpreter provides its symbols"
        } else {
            "link it statically, or copy it into the wheel (auditwheel repair)"
        };
        findings.add(
            ELF_NEEDED,
            Some(&member.path),
            format!("needs {library}"),
            format!("libraries of {platform} or of the wheel"),
            fix,
        );
    }
}

/// The dynamic loader, which every system has, and musl, whose loader is its libc.
fn is_loader(library: &str, platform: &Platform) -> bool {
    match platform {
        Platform::Musllinux { .. } => {
            library.starts_with("ld-musl-") || library.starts_with("libc.musl-")
        }
        _ => {
            (library.starts_with("ld-linux") && library.contains(".so."))
                || library.starts_with("ld64.so.")
                || library.starts_with("ld.so.")
        }
    }
}

fn search_paths(member: &Member, elf: &Elf, findings: &mut Findings) {
    for (kind, paths) in [("RPATH", &elf.rpath), ("RUNPATH", &elf.runpath)] {
        let Some(paths) = paths else { continue };
        let foreign: Vec<&str> = paths
            .split(':')
            .filter(|p| !stays_inside(&member.path, p))
            .collect();
        if !foreign.is_empty() {
            findings.add(
                ELF_RPATH_FOREIGN,
                Some(&member.path),
                format!("{kind} {}", foreign.join(":")),
                "$ORIGIN and folders below the wheel's root",
                "remove it (patchelf --remove-rpath), or make it relative to $ORIGIN",
            );
        }
        findings.add(
            ELF_RPATH,
            Some(&member.path),
            format!("{kind} {paths}"),
            "none",
            "link without -rpath; a wheel that needs no other library needs no search path",
        );
    }
}

/// Whether a search path entry, seen from a member, stays in site-packages.
fn stays_inside(member: &str, entry: &str) -> bool {
    let Some(rest) = entry
        .strip_prefix("$ORIGIN")
        .or_else(|| entry.strip_prefix("${ORIGIN}"))
    else {
        return false;
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return false;
    }
    // Files under *.data are installed elsewhere; their depth says nothing.
    if member
        .split('/')
        .next()
        .is_some_and(|top| top.ends_with(".data"))
    {
        return true;
    }
    let mut depth = member.matches('/').count();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return false,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

fn hardening(member: &Member, elf: &Elf, findings: &mut Findings) {
    let path = Some(member.path.as_str());
    match elf.stack {
        Stack::Plain => {}
        Stack::Executable => findings.add(
            ELF_STACK,
            path,
            "PT_GNU_STACK is executable",
            "a stack without execute permission",
            "add `.note.GNU-stack` to assembly files; link with -z noexecstack (glibc 2.41 refuses to load this)",
        ),
        Stack::Unstated => findings.add(
            ELF_STACK,
            path,
            "no PT_GNU_STACK, so the stack is executable on most machines",
            "a stack without execute permission",
            "link with -z noexecstack",
        ),
    }
    if elf.relro != Relro::Full {
        let found = match elf.relro {
            Relro::Partial => "only part of the relocations is read-only",
            _ => "relocations stay writable",
        };
        findings.add(
            ELF_RELRO,
            path,
            found,
            "full RELRO",
            "link with -z relro -z now",
        );
    }
    if elf.text_relocations {
        findings.add(
            ELF_TEXTREL,
            path,
            "text relocations",
            "none",
            "compile everything with -fPIC",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_paths_inside_and_outside() {
        for inside in ["$ORIGIN", "$ORIGIN/../x.libs", "${ORIGIN}/lib"] {
            assert!(stays_inside("x/a.so", inside), "{inside}");
        }
        for outside in ["/usr/lib", "", "$ORIGIN/../../lib", "$ORIGINAL"] {
            assert!(!stays_inside("x/a.so", outside), "{outside}");
        }
    }
}
