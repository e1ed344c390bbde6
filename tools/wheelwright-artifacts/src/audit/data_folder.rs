//! Rules on `NAME-VERSION.data`, whose files an installer puts elsewhere.

use super::rules::WHEEL_DATA;
use super::{Findings, Subject};
use crate::artifact::MemberKind;

/// The folders in `.data` that installers know.
const SCHEMES: &[&str] = &["data", "headers", "platlib", "purelib", "scripts"];

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let own = subject
        .wheel_name()
        .map(|name| format!("{}-{}.data", name.name, name.version));
    let files = subject
        .members
        .iter()
        .filter(|member| member.kind == MemberKind::File);
    for member in files {
        let mut parts = member.path.splitn(3, '/');
        let Some(top) = parts.next().filter(|top| top.ends_with(".data")) else {
            continue;
        };
        let (scheme, below) = (parts.next(), parts.next());
        let path = Some(member.path.as_str());
        let (Some(scheme), Some(_)) = (scheme, below) else {
            findings.add(
                WHEEL_DATA,
                path,
                "no folder of a scheme is around it",
                format!("{top}/SCHEME/..., with a scheme of {}", SCHEMES.join(", ")),
                "move it into such a folder; pip refuses the wheel otherwise",
            );
            continue;
        };
        if !SCHEMES.contains(&scheme) {
            findings.add(
                WHEEL_DATA,
                path,
                format!("the scheme is {scheme}"),
                format!("one of {}", SCHEMES.join(", ")),
                "move it into such a folder; pip refuses the wheel otherwise",
            );
        } else if let Some(own) = own.as_deref().filter(|own| *own != top) {
            findings.add(
                WHEEL_DATA,
                path,
                format!("the folder is {top}"),
                format!("{own}, as the file name has it"),
                "rename the folder; some installers only look in that one",
            );
        }
    }
}
