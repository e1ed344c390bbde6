//! `project.readme`: the long description and its type.

use super::pyproject::Readme;
use super::text::many_lines;
use super::{Project, ProjectError, files};
use crate::work_tree;

const KEYS: &[&str] = &["project", "readme"];

/// The media type and the text.
///
/// # Errors
/// The file cannot be read, or its type or text cannot be used.
pub fn read(project: &Project, readme: &Readme) -> Result<(String, String), ProjectError> {
    let refuse = |problem: String| project.error_at(KEYS, problem);
    let (stated, named, text) = match readme {
        Readme::File(file) => (None, Some(file), None),
        Readme::Typed(typed) => (
            typed.content_type.clone(),
            typed.file.as_ref(),
            typed.text.clone(),
        ),
    };
    let content_type = match stated {
        Some(stated) => {
            check_type(&stated).map_err(|problem| {
                project.error_at(&["project", "readme", "content-type"], problem)
            })?;
            stated
        }
        None => by_suffix(named.map_or("text", String::as_str), project.is_native())
            .map_err(refuse)?
            .to_owned(),
    };
    let text = match named {
        Some(file) => {
            let place = place(project, file)?;
            String::from_utf8(project.read_file(&place.path)?)
                .map_err(|_| refuse(format!("{file} is not UTF-8")))?
        }
        None => text.unwrap_or_default(),
    };
    let name = named.map_or("text", String::as_str);
    let text = many_lines(&text).map_err(|problem| refuse(format!("{name}: {problem}")))?;
    Ok((content_type, text))
}

/// Where a README is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// In the repository, relative to the project.
    pub path: String,
    /// In an sdist, where what lies beside or above the project is in its own folder.
    pub in_sdist: String,
}

/// Where the README is that `project.readme` names.
///
/// # Errors
/// It is not there, or outside of the repository.
pub fn place(project: &Project, written: &str) -> Result<Place, ProjectError> {
    let refuse = |problem: String| project.error_at(KEYS, problem);
    let path = written.strip_prefix("./").unwrap_or(written);
    let file = project.folder.join(path);
    let in_sdist = if path.starts_with("../") {
        if file.is_file() && work_tree::linked_file(&file, &project.folder).is_none() {
            let problem = format!(
                "{written} lies outside of the project and of its git repository; copy it into \
                 the project"
            );
            return Err(refuse(problem));
        }
        path.rsplit('/').next().unwrap_or(path)
    } else {
        path
    };
    files::check_named(in_sdist).map_err(refuse)?;
    if !file.is_file() {
        let problem = format!("there is no file {written}; add it, or name another");
        return Err(refuse(problem));
    }
    Ok(Place {
        path: path.to_owned(),
        in_sdist: in_sdist.to_owned(),
    })
}

/// The type of a file. maturin takes every other one for plain text.
fn by_suffix(file: &str, native: bool) -> Result<&'static str, String> {
    let suffix = file
        .rsplit_once('.')
        .map(|(_, suffix)| suffix.to_ascii_lowercase());
    match suffix.as_deref() {
        Some("md") => Ok("text/markdown"),
        Some("markdown") if native => Ok("text/markdown"),
        Some("rst") => Ok("text/x-rst"),
        Some("txt") => Ok("text/plain"),
        _ if native => Ok("text/plain"),
        _ => Err(format!(
            "the type of {file:?} is not clear; write {{ file = ..., content-type = ... }}"
        )),
    }
}

/// A media type as an index takes it.
fn check_type(stated: &str) -> Result<(), String> {
    let mut parts = stated.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let known = matches!(kind, "text/markdown" | "text/x-rst" | "text/plain");
    let parameter = |part: &str| match part.split_once('=') {
        Some(("charset", value)) => value.eq_ignore_ascii_case("utf-8"),
        Some(("variant", value)) => {
            kind == "text/markdown" && matches!(value, "GFM" | "CommonMark")
        }
        _ => false,
    };
    if known && parts.all(parameter) {
        Ok(())
    } else {
        Err(format!(
            "an index does not render {stated:?}, only text/markdown, text/x-rst or text/plain, \
             with charset=UTF-8 and (Markdown only) variant=GFM or variant=CommonMark"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::check_type;

    #[test]
    fn media_types() {
        for good in [
            "text/markdown",
            "text/markdown; charset=UTF-8; variant=GFM",
            "text/x-rst; charset=utf-8",
        ] {
            assert_eq!(check_type(good), Ok(()));
        }
        for bad in [
            "",
            "text/html",
            "text/markdown; charset=latin-1",
            "text/plain; variant=GFM",
            "text/markdown; variant=MyST",
            "text/markdown\nX: y",
            "text/markdown; ",
        ] {
            assert!(check_type(bad).is_err(), "{bad:?}");
        }
    }
}
