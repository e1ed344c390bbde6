//! Rules on the stable ABI.

use super::pe::is_python;
use super::rules::{ABI3_LINK, ABI3_SYMBOL};
use super::tags::{Suffix, extension_module};
use super::{Findings, Subject, tables};
use crate::artifact::file_name::python_version;
use crate::binary::Binary;

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
            for dll in &pe.dlls {
                let lower = dll.to_ascii_lowercase();
                if is_python(&lower) && lower != "python3.dll" && lower != "python3t.dll" {
                    findings.add(
                        ABI3_LINK,
                        Some(&member.path),
                        format!("loads {dll}"),
                        "python3.dll",
                        "link python3.lib: other versions do not have this DLL",
                    );
                }
            }
        }
    }
}
