//! Requirements (`project.dependencies`), in the form that `METADATA` holds.

use std::fmt::Write as _;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{Pep508Error, Requirement, VerbatimUrl, VersionOrUrl};
use url::Url;

use super::name::Name;
use super::text;

/// A requirement that was checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The distribution it names.
    pub name: Name,
    /// The extras that it asks for, in their normal form.
    pub extras: Vec<String>,
    /// Its versions, if it names any.
    pub versions: Option<VersionSpecifiers>,
    /// The whole requirement, as `METADATA` holds it.
    pub text: String,
}

/// Checks a requirement; `extra` is the extra that it belongs to, in its normal
/// form.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check(written: &str, extra: Option<&str>) -> Result<Checked, String> {
    let parsed: Requirement<VerbatimUrl> = written.parse().map_err(|error: Pep508Error| {
        format!("{written:?} is not a requirement: {}", error.message)
    })?;
    text::one_line(written.trim())?;
    let url = matches!(parsed.version_or_url, Some(VersionOrUrl::Url(_)));
    let (head, marker) = split(written, url)?;
    let mut text = parsed.name.to_string();
    if !parsed.extras.is_empty() {
        let mut extras: Vec<String> = parsed.extras.iter().map(ToString::to_string).collect();
        extras.sort();
        extras.dedup();
        let _ = write!(text, "[{}]", extras.join(","));
    }
    let mut versions = None;
    match &parsed.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(range)) => {
            text.push_str(&specifiers(head, range)?);
            versions = Some(range.clone());
        }
        Some(VersionOrUrl::Url(_)) => {
            let _ = write!(text, " @ {}", address(head)?);
        }
        None => {}
    }
    let marker = match (marker, extra) {
        (Some(marker), _) if mentions_extra(marker) => {
            return Err(format!(
                "{written:?} asks for an extra in its marker; list it under \
                 [project.optional-dependencies] instead"
            ));
        }
        (Some(marker), Some(extra)) => Some(format!("({marker}) and extra == '{extra}'")),
        (Some(marker), None) => Some(marker.to_owned()),
        (None, Some(extra)) => Some(format!("extra == '{extra}'")),
        (None, None) => None,
    };
    if let Some(marker) = marker {
        // After a URL, a semicolon without a space would be part of it.
        let space = if url { " " } else { "" };
        let _ = write!(text, "{space}; {marker}");
    }
    Ok(Checked {
        name: Name::parse(parsed.name.as_ref())?,
        extras: parsed.extras.iter().map(ToString::to_string).collect(),
        versions,
        text,
    })
}

/// What stands before the marker, and the marker. It is written as it was given:
/// a library that knows which Pythons there are would write `python_version` as
/// another variable, which says something else of pre-releases.
fn split(written: &str, url: bool) -> Result<(&str, Option<&str>), String> {
    let marker = if url {
        let start = written.find('@').map_or(0, |at| at + 1);
        let rest = written.get(start..).unwrap_or_default();
        let space = rest.trim_start().find(char::is_whitespace);
        let end = start + (rest.len() - rest.trim_start().len()) + space.unwrap_or(rest.len());
        let after = written.get(end..).unwrap_or_default().trim();
        if !after.is_empty() && !after.starts_with(';') {
            return Err(format!(
                "{written:?}: {after:?} after the address is neither part of it nor a marker"
            ));
        }
        after.strip_prefix(';').map(|marker| (end, marker.trim()))
    } else {
        written
            .split_once(';')
            .map(|(head, marker)| (head.len(), marker.trim()))
    };
    Ok(match marker {
        Some((end, marker)) => (written.get(..end).unwrap_or_default(), Some(marker)),
        None => (written, None),
    })
}

/// The form that Python's own `packaging` library writes, so that wheels built
/// from an sdist by others hold the same line.
fn specifiers(head: &str, range: &VersionSpecifiers) -> Result<String, String> {
    let given: String = head.chars().filter(|c| !c.is_whitespace()).collect();
    let mut all = Vec::new();
    for specifier in range.iter() {
        let specifier = specifier.to_string();
        // `===` compares text: no other way to write the version will do.
        if specifier.starts_with("===") && !given.contains(&specifier) {
            return Err(format!(
                "`===` compares versions letter by letter; write {specifier}"
            ));
        }
        all.push(specifier);
    }
    all.sort();
    Ok(all.join(","))
}

/// The address of a direct reference, as it was given.
fn address(head: &str) -> Result<&str, String> {
    let address = head
        .split_once('@')
        .map_or("", |(_, address)| address.trim());
    let strange = |c: char| !c.is_ascii_graphic() || "<>\"{}|\\^`".contains(c);
    let whole = Url::parse(address).is_ok() && address.contains("://");
    if whole && !address.contains(strange) && !address.ends_with([';', ',']) {
        Ok(address)
    } else {
        Err(format!(
            "{address:?} is not an address such as https://example.org/package-1.0.tar.gz \
             (or file:///..., git+https://...), with a space before a marker"
        ))
    }
}

/// Is the variable `extra` in a marker, outside of its quoted text?
fn mentions_extra(marker: &str) -> bool {
    let mut outside = String::new();
    let mut quote = None;
    for c in marker.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"') => {
                quote = Some(c);
                outside.push(' ');
            }
            None => outside.push(c),
        }
    }
    let mut words = outside.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')));
    words.any(|word| matches!(word, "extra" | "extras" | "dependency_groups"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(written: &str) -> String {
        check(written, None).unwrap().text
    }

    #[test]
    fn requirements_are_checked_and_written_in_one_form() {
        let checked = check("DaggerML >=0.2.0 , <0.3", None).unwrap();
        assert_eq!(checked.name.normal(), "daggerml");
        assert_eq!(checked.text, "daggerml<0.3,>=0.2.0");
        let versions = checked.versions.unwrap();
        assert!(versions.contains(&"0.2.7".parse().unwrap()));
        assert!(!versions.contains(&"0.3.0".parse().unwrap()));
        assert_eq!(text("a[B_c,A.d] (>=1)"), "a[a-d,b-c]>=1");
        assert_eq!(text("a===1.0"), "a===1.0");
        for bad in [
            "not a requirement",
            "a===1.0-rc1",
            "a;",
            "a>=",
            "a\n>=1",
            "-a",
            "",
        ] {
            assert!(check(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn markers_are_written_as_they_were_given() {
        for marker in [
            "python_version >= '3.15'",
            "python_version>=\"3.9\" and os_name == 'nt' or sys_platform=='linux'",
            "'linux' in sys_platform and platform_version == 'a; b'",
        ] {
            assert_eq!(text(&format!("a ; {marker}")), format!("a; {marker}"));
            assert_eq!(
                check(&format!("a>1;{marker}"), Some("x")).unwrap().text,
                format!("a>1; ({marker}) and extra == 'x'")
            );
        }
        assert_eq!(
            check("boto3", Some("s3")).unwrap().text,
            "boto3; extra == 's3'"
        );
        let error = check("a; extra == 'x'", None).unwrap_err();
        assert!(error.contains("optional-dependencies"), "{error}");
        assert!(!mentions_extra("platform_version == 'extra'"));
    }

    #[test]
    fn addresses_are_written_as_they_were_given() {
        for (written, wanted) in [
            ("a@https://x.org/a;b.whl", "a @ https://x.org/a;b.whl"),
            (
                "a[b] @ git+https://x.org/a@v1#egg=a",
                "a[b] @ git+https://x.org/a@v1#egg=a",
            ),
            (
                "a @ https://x.org/A%20B ; os_name == 'nt'",
                "a @ https://x.org/A%20B ; os_name == 'nt'",
            ),
        ] {
            assert_eq!(text(written), wanted);
        }
        assert_eq!(
            check("a @ file:///b", Some("x")).unwrap().text,
            "a @ file:///b ; extra == 'x'"
        );
        for bad in [
            "a @ ../b",
            "a @ https://x.org/; os_name == 'nt'",
            "a @ https://x.org/${HOME}",
        ] {
            assert!(check(bad, None).is_err(), "{bad}");
        }
    }
}
