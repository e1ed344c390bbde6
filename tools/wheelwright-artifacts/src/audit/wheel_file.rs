//! Rules on the WHEEL file.

use super::rules::{TAG_AGREE, WHEEL_FILE};
use super::{Findings, Subject};
use crate::artifact::file_name::WheelName;
use crate::artifact::headers::Headers;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
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
        Some(version) if is_version_1(version) => {}
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
    if let Some(name) = subject.wheel_name() {
        agree(name, &wheel, path, findings);
    }
}

/// Whether installers read a version as one of the format that they know: numbers, 1 first.
fn is_version_1(version: &str) -> bool {
    let mut parts = version.trim().split('.');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.next() == Some("1") && parts.all(number)
}

fn agree(name: &WheelName, wheel: &Headers, path: Option<&str>, findings: &mut Findings) {
    let mut stated: Vec<&str> = wheel.all("Tag").map(str::trim).collect();
    stated.sort_unstable();
    stated.dedup();
    let named = name.tags();
    let mut wanted: Vec<&str> = named.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    // A name may say `py3.py3`: installers make a set of it.
    wanted.dedup();
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
