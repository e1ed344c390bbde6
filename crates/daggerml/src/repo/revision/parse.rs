//! Reads the grammar of revisions.

use crate::error::{Error, Result};
use crate::record::Kind;

/// A revision in its parts: `base steps [":" path]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision<'t> {
    /// Where it begins: `HEAD`, a ref, `@tag` or the digits of an id.
    pub base: &'t str,
    /// What follows.
    pub steps: Vec<Step>,
    /// A DAG, and perhaps a node of it, or a node of the DAG before the colon.
    pub path: Option<&'t str>,
}

/// One step of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `~N`: that many commits back, along first parents.
    Back(u32),
    /// `^N`: the parent of that number, from 1; 0 is the commit itself.
    Parent(u32),
    /// `^{kind}`: what the object is or holds of that kind.
    Peel(Kind),
}

impl<'t> Revision<'t> {
    /// Reads `text`.
    pub fn parse(text: &'t str) -> Result<Self> {
        let (start, path) = match text.split_once(':') {
            Some((start, path)) => (start, Some(path)),
            None => (text, None),
        };
        if path == Some("") {
            return Err(bad(text, "nothing after the colon; give the name of a DAG"));
        }
        let end = start.find(['~', '^']).unwrap_or(start.len());
        let (base, mut rest) = start.split_at(end);
        let base = match base {
            "" if end == 0 && (path.is_some() || !rest.is_empty()) => "HEAD",
            "" => return Err(bad(text, "it is empty")),
            "@" => "HEAD",
            base => base,
        };
        let mut steps = Vec::new();
        while let Some(sign) = rest.chars().next() {
            rest = rest.get(sign.len_utf8()..).unwrap_or_default();
            if sign == '^'
                && let Some(inner) = rest.strip_prefix('{')
            {
                let Some((name, after)) = inner.split_once('}') else {
                    return Err(bad(text, "the brace after ^ is not closed"));
                };
                let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == name) else {
                    return Err(bad(
                        text,
                        "the kinds in ^{...} are commit, tree, dag, node, datum, exec, tombstone and blob",
                    ));
                };
                steps.push(Step::Peel(kind));
                rest = after;
                continue;
            }
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let number = match number {
                "" => 1,
                number => number
                    .parse()
                    .map_err(|_| bad(text, "a number is too large"))?,
            };
            steps.push(match sign {
                '~' => Step::Back(number),
                '^' => Step::Parent(number),
                _ => return Err(bad(text, "after ~N or ^N comes another, or a colon")),
            });
            rest = after;
        }
        Ok(Self { base, steps, path })
    }
}

fn bad(text: &str, why: &'static str) -> Box<Error> {
    Error::RevisionInvalid {
        text: text.to_owned(),
        why,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let revision = Revision::parse("main~2^^{tree}:a/b:c").unwrap();
        assert_eq!(revision.base, "main");
        assert_eq!(
            revision.steps,
            [Step::Back(2), Step::Parent(1), Step::Peel(Kind::Tree)]
        );
        assert_eq!(revision.path, Some("a/b:c"));
        assert_eq!(Revision::parse("~").unwrap().base, "HEAD");
        assert_eq!(Revision::parse(":x").unwrap().base, "HEAD");
        assert_eq!(Revision::parse("@^0").unwrap().base, "HEAD");
        assert_eq!(Revision::parse("@v1").unwrap().base, "@v1");
    }

    #[test]
    fn nonsense() {
        for text in [
            "",
            "a:",
            ":",
            "a^{",
            "a^{value}",
            "a^2x",
            "a~~x",
            "a~99999999999",
            "a^é",
        ] {
            assert!(Revision::parse(text).is_err(), "{text:?}");
        }
    }
}
