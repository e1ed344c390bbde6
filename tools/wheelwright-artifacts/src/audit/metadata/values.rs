//! The values of metadata fields, judged as an index judges them.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{Requirement, VerbatimUrl};

use super::super::problem::Problem;
use super::classifiers::{self, Standing};
use super::{address, fields, imports, uri};
use crate::artifact::file_name::normalize;
use crate::artifact::headers::Headers;
use crate::text::is_line_end;

/// Most characters of a summary and of the label of a link.
const SUMMARY: usize = 512;
const LABEL: usize = 32;

/// What is wrong with the values of the fields that are there.
pub fn problems(metadata: &Headers) -> Vec<Problem> {
    let mut list = Vec::new();
    identity(metadata, &mut list);
    requirements(metadata, &mut list);
    links(metadata, &mut list);
    lists(metadata, &mut list);
    if let Some(summary) = metadata.get("Summary")
        && (summary.contains(is_line_end) || summary.chars().count() > SUMMARY)
    {
        list.push(Problem::new(
            "Summary is long",
            format!("one line of up to {SUMMARY} characters"),
        ));
    }
    for field in ["Author-email", "Maintainer-email"] {
        if let Some(value) = metadata.get(field)
            && let Err(reason) = address::check(value)
        {
            list.push(Problem::new(
                format!("{field} is {value}: {reason}"),
                "an e-mail address, such as `A Person <person@example.org>`",
            ));
        }
    }
    list
}

/// What core metadata asks for and an index lets pass.
pub fn oddities(metadata: &Headers) -> Vec<Problem> {
    let mut list: Vec<Problem> = imports::at_odds(metadata)
        .into_iter()
        .map(|found| Problem::new(found, "each name once, below a parent that is named"))
        .collect();
    let mut extras = BTreeSet::new();
    for extra in metadata.all("Provides-Extra") {
        let normal = normalize(extra);
        if normal != extra && fields::version(metadata).is_some_and(|v| v >= (2, 3)) {
            list.push(Problem::new(format!("Provides-Extra: {extra}"), &normal));
        }
        if !extras.insert(normal) {
            list.push(Problem::new(
                format!("Provides-Extra: {extra} is there twice"),
                "once",
            ));
        }
    }
    for (name, value) in &metadata.fields {
        if value == "UNKNOWN" {
            list.push(Problem::new(
                format!("{name} is UNKNOWN"),
                "a value, or no field",
            ));
        }
    }
    list
}

fn identity(metadata: &Headers, list: &mut Vec<Problem>) {
    if let Some(name) = metadata.get("Name").filter(|n| !n.is_empty())
        && !is_name(name)
    {
        let allowed = "ASCII letters, digits, `-_.` between them";
        list.push(Problem::new(format!("Name is {name}"), allowed));
    }
    if let Some(version) = metadata.get("Version").filter(|v| !v.is_empty()) {
        match Version::from_str(version) {
            Err(reason) => list.push(Problem::new(
                format!("Version is {version}: {}", first_line(&reason)),
                "a PEP 440 version",
            )),
            Ok(parsed) if !parsed.local().is_empty() => list.push(Problem::new(
                format!("Version is {version}"),
                "a version without a local part (`+…`), which an index refuses",
            )),
            Ok(_) => {}
        }
    }
    if let Some(python) = metadata.get("Requires-Python")
        && let Err(reason) = specifiers(python)
    {
        list.push(Problem::new(
            format!("Requires-Python is {python}: {reason}"),
            "version specifiers",
        ));
    }
}

/// Says why text is not a set of version specifiers as Python's tools read them.
fn specifiers(text: &str) -> Result<(), String> {
    // Python's tools take a comma at the end, and spaces between operator and version.
    let parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
    for part in parts {
        if part.contains(is_line_end) {
            return Err("it is on several lines".into());
        }
        let wild = part.ends_with(".*");
        if wild && !part.starts_with("==") && !part.starts_with("!=") {
            return Err(format!("`{part}`: `.*` goes with == and != alone"));
        }
        match part.strip_prefix("===") {
            Some(text) if text.trim().contains([' ', '\t', ';', ')']) => {
                return Err(format!("`{part}`: one word goes with ==="));
            }
            Some(_) => {}
            None => {
                VersionSpecifiers::from_str(part).map_err(|e| first_line(&e))?;
            }
        }
    }
    Ok(())
}

fn requirements(metadata: &Headers, list: &mut Vec<Problem>) {
    for field in ["Requires-Dist", "Provides-Dist", "Obsoletes-Dist"] {
        for requirement in metadata.all(field) {
            let parsed = if requirement.contains(is_line_end) {
                Err("it is on several lines".to_owned())
            } else {
                parse(requirement)
            };
            match parsed {
                Err(reason) => list.push(Problem::new(
                    format!("{field}: {requirement}: {reason}"),
                    "a PEP 508 requirement",
                )),
                Ok(Requirement {
                    version_or_url: Some(pep508_rs::VersionOrUrl::Url(_)),
                    ..
                }) => list.push(Problem::new(
                    format!("{field}: {requirement}"),
                    "a name and versions; an index refuses direct links",
                )),
                Ok(_) => {}
            }
        }
    }
}

/// Parses a requirement. Names are looked at before, as the parser panics on some
/// that end in a dot.
fn parse(text: &str) -> Result<Requirement<VerbatimUrl>, String> {
    let text = &in_ascii(text)?;
    let rest = text.trim_start();
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let (project, rest) = rest.split_at(rest.find(|c| !name(c)).unwrap_or(rest.len()));
    if !is_name(project) {
        return Err(format!("`{project}` is not a project name"));
    }
    if let Some(rest) = rest.trim_start().strip_prefix('[') {
        let (extras, _) = rest.split_once(']').ok_or("a `[` is not closed")?;
        if let Some(bad) = extras.split(',').map(str::trim).find(|e| !is_name(e))
            && !extras.trim().is_empty()
        {
            return Err(format!("`{bad}` is not a name of an extra"));
        }
    }
    let text = without_last_comma(&without_arbitrary(text));
    Requirement::from_str(&text).map_err(|e| first_line(&e))
}

/// The same requirement without a comma after its last version, which Python's tools take.
fn without_last_comma(requirement: &str) -> String {
    let end = requirement.find(';').unwrap_or(requirement.len());
    let (needs, marker) = requirement.split_at(end);
    let (inside, close) = match needs.trim_end().strip_suffix(')') {
        Some(inside) => (inside, ")"),
        None => (needs, ""),
    };
    match inside.trim_end().strip_suffix(',') {
        // `a,` and `a>=1,,` are none.
        Some(short)
            if short.ends_with(|c: char| c.is_alphanumeric() || c == '*')
                && short.contains(['<', '>', '=']) =>
        {
            format!("{short}{close} {marker}")
        }
        _ => requirement.to_owned(),
    }
}

/// The same requirement in ASCII, in which the parser does not lose its place. What
/// stands between quotes may be anything.
fn in_ascii(text: &str) -> Result<String, String> {
    let mut quote = None;
    text.chars()
        .map(|c| {
            if quote.is_none() && !c.is_ascii() {
                return Err(format!("`{c}` stands where only ASCII may"));
            }
            if quote == Some(c) {
                quote = None;
            } else if quote.is_none() && matches!(c, '\'' | '"') {
                quote = Some(c);
            }
            Ok(if c.is_ascii() { c } else { 'x' })
        })
        .collect()
}

/// A requirement whose `===`, after which Python's tools take any text, is one
/// that is parsed here.
fn without_arbitrary(requirement: &str) -> std::borrow::Cow<'_, str> {
    let (needs, marker) = requirement.split_once(';').unwrap_or((requirement, ""));
    let Some((before, after)) = needs.split_once("===") else {
        return requirement.into();
    };
    let after = after.trim_start();
    let end = after
        .find(|c: char| c.is_whitespace() || matches!(c, ',' | ')'))
        .unwrap_or(after.len());
    if end == 0 {
        return requirement.into();
    }
    let rest = after.get(end..).unwrap_or_default();
    let marker = if marker.is_empty() {
        String::new()
    } else {
        format!(" ;{marker}")
    };
    format!("{before}==0{rest}{marker}").into()
}

fn links(metadata: &Headers, list: &mut Vec<Problem>) {
    for field in ["Home-page", "Download-URL"] {
        if let Some(value) = metadata.get(field)
            && let Err(reason) = uri::check(value)
        {
            list.push(Problem::new(
                format!("{field} is {value}: {reason}"),
                "an address with http:// or https://",
            ));
        }
    }
    let mut labels = BTreeSet::new();
    for value in metadata.all("Project-URL") {
        let (label, address) = value.split_once(',').unwrap_or((value, ""));
        let (label, address) = (label.trim(), address.trim());
        let reason = if label.is_empty() {
            "it has no label".to_owned()
        } else if label.chars().count() > LABEL {
            format!("the label has more than {LABEL} characters")
        } else if !labels.insert(label) {
            "the label is there twice".to_owned()
        } else if address.is_empty() {
            "it has no address after the label".to_owned()
        } else if let Err(reason) = uri::check(address) {
            reason
        } else {
            continue;
        };
        list.push(Problem::new(
            format!("Project-URL is {value}: {reason}"),
            "`label, https://…`, each label once",
        ));
    }
}

/// Fields that may be there many times.
fn lists(metadata: &Headers, list: &mut Vec<Problem>) {
    for classifier in metadata.all("Classifier") {
        let found = format!("Classifier: {classifier}");
        match classifiers::standing(classifier) {
            Standing::Known => {}
            Standing::Unknown => list.push(Problem::new(
                found,
                "the classifiers that the index lists, spelled exactly",
            )),
            Standing::Deprecated("") => {
                list.push(Problem::new(found, "not this one, which is deprecated"));
            }
            Standing::Deprecated(instead) => list.push(Problem::new(
                found,
                format!("{instead}; an index refuses deprecated ones"),
            )),
        }
    }
    for extra in metadata.all("Provides-Extra") {
        if !is_name(extra) {
            list.push(Problem::new(
                format!("Provides-Extra: {extra}"),
                "a valid name",
            ));
        }
    }
    for name in metadata.all("Dynamic") {
        let fixed = ["name", "version", "metadata-version"]
            .iter()
            .any(|fixed| fixed.eq_ignore_ascii_case(name));
        // An index knows `Dynamic` of every field except itself and these.
        if fixed || name.eq_ignore_ascii_case("Dynamic") || !fields::is_known(name) {
            list.push(Problem::new(
                format!("Dynamic: {name}"),
                "fields that may differ between artifacts; not Name, Version or Metadata-Version",
            ));
        }
    }
    let names: Vec<&str> = metadata.all("Import-Name").collect();
    // One empty Import-Name says that nothing is to be imported.
    let names = if names == [""] { Vec::new() } else { names };
    let spaces = metadata
        .all("Import-Namespace")
        .map(|v| ("Import-Namespace", v));
    for (field, value) in names.into_iter().map(|v| ("Import-Name", v)).chain(spaces) {
        if let Err(reason) = imports::check(value) {
            list.push(Problem::new(
                format!("{field}: {value}: {reason}"),
                "a dotted name, with `; private` at most",
            ));
        }
    }
}

/// A project's or an extra's name, as core metadata has it.
pub fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.chars().all(inner) && edge(name.chars().next()) && edge(name.chars().last())
}

/// An error message's first line.
fn first_line(error: &impl std::fmt::Display) -> String {
    let message = error.to_string();
    message.lines().next().unwrap_or_default().to_owned()
}
