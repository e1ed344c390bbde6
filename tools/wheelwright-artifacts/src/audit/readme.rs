//! Rules on the long description, which an index shows as the project's page.

use pulldown_cmark::{Event, Options, Parser, Tag, html};

use super::rules::{README_LINKS, README_PRESENT, README_RENDERS};
use super::{Findings, Subject};
use crate::artifact::headers::Headers;
use crate::text::is_line_end;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some((member, metadata)) = subject.metadata() else {
        return;
    };
    let path = Some(member.path.as_str());
    // An index looks at the type also when there is no description.
    let stated = metadata.get("Description-Content-Type");
    let kind = stated.map(|stated| (stated, Type::parse(stated)));
    if let Some((stated, Err(reason))) = &kind {
        findings.add(
            README_RENDERS,
            path,
            format!("Description-Content-Type is {stated}: {reason}"),
            "text/markdown, text/x-rst or text/plain, in UTF-8",
            "correct project.readme's content-type",
        );
    }
    let text = description(&metadata);
    if text.trim().is_empty() {
        findings.add(
            README_PRESENT,
            path,
            "there is no description",
            "the README",
            "set project.readme in pyproject.toml",
        );
        return;
    }
    match kind {
        None => findings.add(
            README_PRESENT,
            path,
            "Description-Content-Type is missing, so the description is taken as reStructuredText",
            "text/markdown, text/x-rst or text/plain",
            "set project.readme to a file with a known suffix",
        ),
        Some((_, Ok(Type::Markdown))) => markdown(&text, path, findings),
        // There is no reStructuredText renderer here worth trusting: not judged.
        Some((_, Ok(Type::Rst | Type::Plain) | Err(_))) => {}
    }
}

/// The description with the indentation that old metadata folds it with removed.
fn description(metadata: &Headers) -> String {
    metadata
        .description()
        .lines()
        .map(|line| line.strip_prefix("       |").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[derive(PartialEq, Eq)]
enum Type {
    Markdown,
    Rst,
    Plain,
}

impl Type {
    fn parse(stated: &str) -> Result<Self, String> {
        if stated.contains(is_line_end) {
            return Err("it is on several lines".into());
        }
        let mut parts = stated.split(';').map(str::trim);
        let kind = match parts
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "text/markdown" => Self::Markdown,
            "text/x-rst" => Self::Rst,
            "text/plain" => Self::Plain,
            other => return Err(format!("{other} is not rendered")),
        };
        let mut seen = Vec::new();
        for parameter in parts.filter(|p| !p.is_empty()) {
            let (name, value) = parameter
                .split_once('=')
                .ok_or_else(|| format!("`{parameter}` is not a `name=value`"))?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let bare = value
                .strip_prefix('"')
                .map_or(Some(value), |rest| rest.strip_suffix('"'))
                .filter(|value| is_token(value));
            let Some(value) = bare.filter(|_| is_token(&name) && !name.contains(['*', '\'', '%']))
            else {
                return Err(format!("`{parameter}` cannot be read"));
            };
            if seen.contains(&name) {
                return Err(format!("{name} is there twice"));
            }
            match name.as_str() {
                "charset" if !value.eq_ignore_ascii_case("utf-8") => {
                    return Err(format!("the charset is {value}, not UTF-8"));
                }
                // The two are compared with their case.
                "variant" if kind == Self::Markdown && !matches!(value, "GFM" | "CommonMark") => {
                    return Err(format!("the variant is {value}, not GFM or CommonMark"));
                }
                _ => {}
            }
            seen.push(name);
        }
        Ok(kind)
    }
}

/// Whether text is a name or a value that needs no quotes, as mail headers have them.
fn is_token(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
    !text.is_empty() && text.chars().all(plain)
}

fn markdown(text: &str, path: Option<&str>, findings: &mut Findings) {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut links: Vec<String> = Vec::new();
    let events = Parser::new_ext(text, options).inspect(|event| {
        if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event
            && is_relative(dest_url)
            && !links.contains(&dest_url.to_string())
        {
            links.push(dest_url.to_string());
        }
    });
    let mut page = String::new();
    html::push_html(&mut page, events);
    if page.trim().is_empty() {
        findings.add(
            README_RENDERS,
            path,
            "the description renders to nothing",
            "a page",
            "check the README",
        );
    }
    for link in links {
        findings.add(
            README_LINKS,
            path,
            format!("a link to {link}"),
            "absolute links (https://…) and anchors",
            "write the whole address: the index has no files beside the README",
        );
    }
}

fn is_relative(link: &str) -> bool {
    if link.is_empty() || link.starts_with('#') || link.starts_with("//") {
        return false;
    }
    let scheme = link.split([':', '/', '?', '#']).next().unwrap_or_default();
    let has_scheme = link[scheme.len()..].starts_with(':')
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    !has_scheme
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links() {
        for relative in ["docs/x.md", "./a", "/a", "a:b/c".trim_start_matches("a:")] {
            assert!(is_relative(relative), "{relative}");
        }
        for absolute in ["https://x", "mailto:a@b", "#top", "//host/x", ""] {
            assert!(!is_relative(absolute), "{absolute}");
        }
    }

    #[test]
    fn content_types() {
        for good in [
            "text/markdown",
            "text/markdown; charset=UTF-8; variant=GFM",
            "Text/X-RST",
            "text/plain;charset=\"UTF-8\"",
        ] {
            assert!(Type::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "markdown",
            "text/html",
            "\u{c}text/plain",
            "text/plain; charset=latin-1",
            "text/markdown; variant=x",
        ] {
            assert!(Type::parse(bad).is_err(), "{bad}");
        }
    }
}
