//! Requirements (`project.dependencies`), in the form that `METADATA` holds.

use std::fmt::Write as _;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{Requirement, VerbatimUrl, VersionOrUrl};

use super::name::Name;

/// A requirement that was checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The distribution it names.
    pub name: Name,
    /// Its versions, if it names any.
    pub versions: Option<VersionSpecifiers>,
    /// The whole requirement, as `METADATA` holds it.
    pub text: String,
}

/// Checks a requirement; `extra` is the extra that it belongs to.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check(written: &str, extra: Option<&str>) -> Result<Checked, String> {
    let parsed: Requirement<VerbatimUrl> = written
        .parse()
        .map_err(|error| format!("{written:?} is no requirement: {error}"))?;
    let parsed = match extra {
        Some(extra) => {
            let extra = extra
                .parse()
                .map_err(|error| format!("{extra:?} is no extra: {error}"))?;
            parsed.with_extra_marker(&extra)
        }
        None => parsed,
    };
    let versions = match &parsed.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(versions)) => Some(versions.clone()),
        _ => None,
    };
    Ok(Checked {
        name: Name::parse(parsed.name.as_ref())?,
        versions,
        text: text(&parsed),
    })
}

/// The form that Python's own `packaging` library writes, so that wheels built
/// from an sdist by others hold the same line.
fn text(requirement: &Requirement<VerbatimUrl>) -> String {
    let mut text = requirement.name.to_string();
    if !requirement.extras.is_empty() {
        let mut extras: Vec<String> = requirement.extras.iter().map(ToString::to_string).collect();
        extras.sort();
        let _ = write!(text, "[{}]", extras.join(","));
    }
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(versions)) => {
            let mut versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            versions.sort();
            text.push_str(&versions.join(","));
        }
        Some(VersionOrUrl::Url(url)) => {
            let _ = write!(text, " @ {url} ");
        }
        None => {}
    }
    if let Some(marker) = requirement.marker.contents() {
        let _ = write!(text, "; {marker}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_checked_and_written_in_one_form() {
        let checked = check("DaggerML >=0.2.0 , <0.3", None).unwrap();
        assert_eq!(checked.name.normal(), "daggerml");
        assert_eq!(checked.text, "daggerml<0.3,>=0.2.0");
        let versions = checked.versions.unwrap();
        assert!(versions.contains(&"0.2.7".parse().unwrap()));
        assert!(!versions.contains(&"0.3.0".parse().unwrap()));
        assert_eq!(
            check("boto3", Some("s3")).unwrap().text,
            "boto3; extra == 's3'"
        );
        assert!(
            check("not a requirement", None)
                .unwrap_err()
                .contains("not a requirement")
        );
    }
}
