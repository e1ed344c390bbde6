//! Rules on the stable ABI.

use super::pe::is_python;
use super::rules::{ABI3_LINK, ABI3_SYMBOL};
use super::tags::{Suffix, extension_module};
use super::{Findings, Subject, tables};
use crate::artifact::file_name::python_version;
use crate::binary::Binary;

/// The first CPython that has `python3t.dll` with a global interpreter lock, too.
const FIRST_BOTH: (u32, u32) = (3, 15);

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(name) = subject.wheel_name() else {
        return;
    };
    let lowest = name.python.iter().filter_map(|p| python_version(p)).min();
    for (member, binary) in subject.binaries() {
        let suffix = extension_module(member.file_name()).map(|(_, suffix)| suffix);
        let stable = matches!(suffix, Some(Suffix::Stable | Suffix::StableFreeThreaded))
            || (name.stable_abi().is_some() && matches!(suffix, Some(Suffix::Plain)));
        if !stable {
            continue;
        }
        let version = name.stable_abi().or(lowest).unwrap_or((3, 2));
        for import in binary.python_imports() {
            // A weak import that is not there is a null pointer, not a failure.
            if import.weak {
                continue;
            }
            let (found, fix) = match tables::stable_since(&import.name) {
                Some(since) if since <= version => continue,
                Some(since) => (
                    format!("{} is stable since {}.{}", import.name, since.0, since.1),
                    format!("tag it cp{}{}, or do without", since.0, since.1),
                ),
                None => (
                    format!("{} is not in the stable ABI", import.name),
                    "use the limited API (Py_LIMITED_API; PyO3's abi3 features)".to_owned(),
                ),
            };
            findings.add(
                ABI3_SYMBOL,
                Some(&member.path),
                found,
                format!("the stable ABI of {}.{}", version.0, version.1),
                fix,
            );
        }
        if let Binary::Pe(pe) = binary {
            let of_both = name.abi.iter().any(|abi| abi == "abi3t");
            for dll in &pe.dlls {
                let lower = dll.to_ascii_lowercase();
                let there = match lower.as_str() {
                    "python3.dll" => !of_both,
                    "python3t.dll" => of_both || version >= FIRST_BOTH,
                    _ => !is_python(&lower),
                };
                if !there {
                    let wanted = if of_both { "python3t" } else { "python3" };
                    findings.add(
                        ABI3_LINK,
                        Some(&member.path),
                        format!("loads {dll}"),
                        format!("{wanted}.dll"),
                        format!("link {wanted}.lib: not every tagged version has the other DLL"),
                    );
                }
            }
        }
    }
}
