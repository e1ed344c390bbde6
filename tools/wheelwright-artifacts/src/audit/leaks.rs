//! Paths of the machine that built the artifact, and debug information.

use regex::bytes::{Regex, RegexBuilder};

use super::rules::{DEBUG_INFO, PATH_LEAK};
use super::{Findings, Policy, Subject};
use crate::binary::Binary;

/// Most leaks that are kept for one member.
const MOST: usize = 5;

/// Finds paths that only the build machine has.
pub struct Scanner {
    compiled: Option<Regex>,
    literal: Option<Regex>,
}

/// A home folder with something in it; a cargo or rustup folder; a temporary or
/// CI folder that leads to a source or object file.
const PATTERN: &str = concat!(
    r"(?-u)(?:/home/[A-Za-z0-9_.-]+/|/root/|/Users/[A-Za-z0-9_.-]+/|[A-Za-z]:[\\/]Users[\\/][A-Za-z0-9_.~ -]+[\\/])",
    r"[A-Za-z0-9_.+@-][A-Za-z0-9_.+@/\\-]{1,200}",
    r"|(?:[A-Za-z]:[\\/]|/)(?:[A-Za-z0-9_.-]+[/\\]){0,8}\.?(?:cargo[/\\]registry[/\\]src|rustup[/\\]toolchains)[/\\][A-Za-z0-9_.+@/\\-]{1,200}",
    r"|(?:/tmp/|/private/(?:tmp|var)/|/var/(?:tmp|folders)/|/builds?/|/__w/|/github/|/io/|/project/|/workspace/|/nix/store/|[A-Z]:\\a\\)",
    r"[A-Za-z0-9_.+@-][A-Za-z0-9_.+@/\\-]{1,200}\.(?:rs|c|cc|cpp|cxx|h|hpp|pyx|S|asm|o|obj|pdb)\b",
);

impl Scanner {
    /// Compiles the patterns, with the policy's own paths.
    pub fn new(policy: &Policy) -> Self {
        let literals: Vec<String> = policy
            .machine_paths
            .iter()
            .filter(|p| p.len() > 1)
            .map(|p| regex::escape(p))
            .collect();
        Self {
            compiled: RegexBuilder::new(PATTERN).build().ok(),
            literal: (!literals.is_empty())
                .then(|| Regex::new(&literals.join("|")).ok())
                .flatten(),
        }
    }

    /// The paths in one member: any of the policy's own; in compiled code and
    /// generated metadata every pattern.
    pub fn scan(&self, path: &str, content: &[u8], compiled: bool) -> Vec<String> {
        let mut leaks: Vec<String> = Vec::new();
        let generated = path.contains(".dist-info/") && !path.contains("/licenses/");
        let generated = generated && !path.ends_with("/METADATA") && !path.ends_with("/RECORD");
        let patterns = [
            self.literal.as_ref(),
            self.compiled.as_ref().filter(|_| compiled || generated),
        ];
        for pattern in patterns.into_iter().flatten() {
            for found in pattern.find_iter(content) {
                if leaks.len() == MOST {
                    return leaks;
                }
                let before = found.start().checked_sub(1).and_then(|at| content.get(at));
                // `…/home/…` in the middle of a longer path or URL. Rust runs its
                // strings together, so only a path that could be either is let off.
                let before = before.is_some_and(|b| {
                    b.is_ascii_alphanumeric()
                        || matches!(b, b'_' | b'-' | b'.' | b'/' | b':' | b'}' | b'%')
                });
                if before && !self.is_literal(found.as_bytes()) && !is_certain(found.as_bytes()) {
                    continue;
                }
                let text = String::from_utf8_lossy(found.as_bytes()).into_owned();
                if !leaks.contains(&text) {
                    leaks.push(text);
                }
            }
        }
        leaks
    }

    fn is_literal(&self, found: &[u8]) -> bool {
        self.literal.as_ref().is_some_and(|l| l.is_match(found))
    }
}

/// Whether a path can be nothing but a build machine's.
fn is_certain(path: &[u8]) -> bool {
    let has = |part: &[u8]| path.windows(part.len()).any(|w| w == part);
    path.get(1) == Some(&b':') || has(b"cargo/registry") || has(b".rustup")
}

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for member in &subject.members {
        if let Some(first) = member.leaks.first() {
            let more = member.leaks.len() - 1;
            let found = match more {
                0 => first.clone(),
                MOST.. => format!("{first} and more"),
                _ => format!("{first} and {more} more"),
            };
            let fix = match member.binary {
                Some(_) => "remap it: --remap-path-prefix for Rust, -ffile-prefix-map for C",
                None => "keep build paths out of packed files",
            };
            findings.add(
                PATH_LEAK,
                Some(&member.path),
                found,
                "no build-machine paths",
                fix,
            );
        }
    }
    for (member, binary) in subject.binaries() {
        let mut found = Vec::new();
        match binary {
            Binary::Elf(elf) => found.clone_from(&elf.debug_sections),
            Binary::MachO(slices) => found.extend(slices.iter().flat_map(|s| s.debug.clone())),
            Binary::Pe(pe) => {
                found.clone_from(&pe.debug_sections);
                found.extend(
                    pe.pdb
                        .iter()
                        .filter(|p| p.contains(['/', '\\']))
                        .map(|p| format!("program database {p}")),
                );
            }
            Binary::Unreadable { .. } => {}
        }
        if !found.is_empty() {
            findings.add(
                DEBUG_INFO,
                Some(&member.path),
                found.join(", "),
                "none",
                "strip it (strip = \"symbols\" in Cargo's profile; -g0 for C; /PDBALTPATH:%_PDB%)",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Vec<String> {
        Scanner::new(&Policy::default()).scan("m.so", text.as_bytes(), true)
    }

    #[test]
    fn finds_paths_of_build_machines() {
        for leak in [
            "/home/runner/work/x/src/lib.rs",
            concat!("/root/", ".cargo/registry/src/index-1/a-1.0/src/lib.rs"),
            "/Users/runner/work/a",
            r"C:\Users\runneradmin\.cargo\registry\src\x",
            "/tmp/build-xyz/a.c",
            "/builds/group/a.cpp",
            "/nix/store/abc-foo/src/x.rs",
        ] {
            assert_eq!(scan(&format!("\0{leak}\0")), [leak]);
        }
        // Rust keeps strings without a byte between them.
        for leak in [
            r"C:\Users\me\.cargo\registry\src\x\a.rs",
            concat!("/root/", ".cargo/registry/src/x/a.rs"),
        ] {
            assert_eq!(scan(&format!("iteration{leak}\0")), [leak]);
        }
    }

    #[test]
    fn lets_ordinary_text_pass() {
        for fine in [
            "/tmp/.X11-unix/X0",
            "/rustc/0123456789/library/core/src/lib.rs",
            "https://example.org/home/user/page",
            "/home/",
            "/usr/lib/x86_64-linux-gnu/libc.so",
            "/build/reproducible",
            "cargo/registry",
        ] {
            assert_eq!(scan(fine), Vec::<String>::new(), "{fine}");
        }
    }

    #[test]
    fn own_paths_are_found_in_any_file() {
        let policy = Policy {
            machine_paths: vec!["/srv/me".into()],
            ..Policy::default()
        };
        let scanner = Scanner::new(&policy);
        assert_eq!(scanner.scan("a.py", b"x = '/srv/me/x'", false), ["/srv/me"]);
        assert!(scanner.scan("a.py", b"/home/a/b", false).is_empty());
    }
}
