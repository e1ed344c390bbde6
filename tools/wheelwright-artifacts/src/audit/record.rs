//! Rules on RECORD.

use std::collections::{HashMap, HashSet};

use super::rules::{RECORD_COMPLETE, RECORD_FORMAT, RECORD_HASH, RECORD_MISSING, RECORD_SIZE};
use super::{Findings, Subject};
use crate::artifact::MemberKind;
use crate::artifact::record::{self, Row};

const REPACK: &str = "write RECORD after the last change to the wheel (`wheel pack` does)";

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(member) = subject.info("RECORD") else {
        findings.add(
            RECORD_MISSING,
            None,
            "there is no RECORD",
            "one in .dist-info",
            REPACK,
        );
        return;
    };
    let rows = match record::parse(member.text.as_deref().unwrap_or(&[])) {
        Ok(rows) => rows,
        Err(reason) => {
            findings.add(
                RECORD_FORMAT,
                Some(&member.path),
                reason,
                "path,hash,size",
                REPACK,
            );
            return;
        }
    };
    let mut listed = HashMap::new();
    for row in &rows {
        if listed.insert(row.path.as_str(), row).is_some() {
            findings.add(
                RECORD_FORMAT,
                Some(&row.path),
                "is listed twice",
                "once",
                REPACK,
            );
        }
    }
    for row in rows.iter().filter(|r| is_signature(subject, &r.path)) {
        findings.add(
            RECORD_COMPLETE,
            Some(&row.path),
            "a signature of RECORD is listed in it",
            "not listed",
            REPACK,
        );
    }
    let mut present = HashSet::new();
    for member in subject
        .members
        .iter()
        .filter(|m| m.kind == MemberKind::File)
    {
        present.insert(member.path.as_str());
        let Some(row) = listed.get(member.path.as_str()) else {
            if !is_signature(subject, &member.path) {
                findings.add(
                    RECORD_COMPLETE,
                    Some(&member.path),
                    "is in the wheel, not in RECORD",
                    "listed",
                    REPACK,
                );
            }
            continue;
        };
        if member.error.is_none() {
            row_fits(subject, row, member.size, &member.sha256, findings);
        }
    }
    for row in &rows {
        if !present.contains(row.path.as_str()) {
            findings.add(
                RECORD_COMPLETE,
                Some(&row.path),
                "is in RECORD, not in the wheel",
                "in both",
                REPACK,
            );
        }
    }
}

fn row_fits(
    subject: &Subject<'_>,
    row: &Row,
    size: u64,
    sha256: &[u8; 32],
    findings: &mut Findings,
) {
    let path = Some(row.path.as_str());
    if let Some(stated) = &row.size
        && stated.parse() != Ok(size)
        && !is_self(subject, &row.path)
    {
        findings.add(
            RECORD_SIZE,
            path,
            format!("RECORD says {stated} bytes"),
            format!("{size} bytes"),
            REPACK,
        );
    }
    let Some(hash) = &row.hash else {
        if !is_self(subject, &row.path) && !is_signature(subject, &row.path) {
            findings.add(RECORD_HASH, path, "has no hash", "sha256", REPACK);
        }
        return;
    };
    if is_self(subject, &row.path) {
        findings.add(
            RECORD_HASH,
            path,
            "RECORD states a hash of itself",
            "none",
            "leave hash and size of RECORD empty",
        );
        return;
    }
    match hash.algorithm.as_str() {
        "sha256" if hash.digest.as_deref() == Some(sha256) => {}
        "sha256" if record::decode_padded(&hash.text).as_deref() == Some(sha256) => {
            findings.add(
                RECORD_FORMAT,
                path,
                "the hash is padded with `=`",
                "base64url without padding",
                REPACK,
            );
        }
        "sha256" => findings.add(
            RECORD_HASH,
            path,
            format!("RECORD says sha256={}", hash.text),
            format!("sha256={}", record::encode(sha256)),
            REPACK,
        ),
        // Allowed by the format, and read by nobody here: said, not judged wrong.
        "sha384" | "sha512" => {}
        weak => findings.add(
            RECORD_HASH,
            path,
            format!("the algorithm is `{weak}`"),
            "sha256 or better",
            REPACK,
        ),
    }
}

fn is_self(subject: &Subject<'_>, path: &str) -> bool {
    subject
        .root
        .as_ref()
        .is_some_and(|root| path == format!("{root}/RECORD"))
}

/// RECORD's own signatures must not be listed: they are made after it.
fn is_signature(subject: &Subject<'_>, path: &str) -> bool {
    subject.root.as_ref().is_some_and(|root| {
        path == format!("{root}/RECORD.jws") || path == format!("{root}/RECORD.p7s")
    })
}
