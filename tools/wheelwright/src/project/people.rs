//! Authors and maintainers, in the form that e-mail headers have for people
//! (RFC 5322): what an index and Python's `email.utils` read back.

use super::pyproject::Person;
use super::text;

/// The values of `Author` and `Author-email` (or `Maintainer` and its e-mail).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Those who have a name only.
    pub names: String,
    /// Those who have an address.
    pub addresses: String,
}

/// Writes people down; an error comes with the position of the person.
///
/// # Errors
/// A name or an address that others would read as something else.
pub fn lines(people: &[Person]) -> Result<Lines, (usize, String)> {
    let mut names: Vec<&str> = Vec::new();
    let mut addresses: Vec<String> = Vec::new();
    for (position, person) in people.iter().enumerate() {
        let here = |problem: String| (position, problem);
        if let Some(name) = &person.name {
            text::one_line(name).map_err(|problem| here(format!("name {problem}")))?;
        }
        if let Some(email) = &person.email {
            check_address(email).map_err(here)?;
        }
        match (&person.name, &person.email) {
            (Some(name), Some(email)) => addresses.push(format!("{} <{email}>", phrase(name))),
            (Some(name), None) if name.contains(',') => {
                return Err(here(format!(
                    "name {name:?} has a comma, which separates people where no address \
                     does (PEP 621); give it an email, or write it without"
                )));
            }
            (Some(name), None) => names.push(name),
            (None, Some(email)) => addresses.push(email.clone()),
            (None, None) => return Err(here("needs a name, an email, or both".to_owned())),
        }
    }
    Ok(Lines {
        names: names.join(", "),
        addresses: addresses.join(", "),
    })
}

/// A name before an address: words as they are, anything else quoted.
fn phrase(name: &str) -> String {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || ATOM.contains(c))
    };
    if name.split(' ').all(is_word) {
        return name.to_owned();
    }
    let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// What a word may hold besides letters and digits (`atext`).
const ATOM: &str = "!#$%&'*+-/=?^_`{|}~";

/// An address as the index takes it: no quoted local part, no address in
/// brackets, a domain with a dot.
fn check_address(email: &str) -> Result<(), String> {
    let problem = || {
        Err(format!(
            "email {email:?} is not an address such as name@example.org"
        ))
    };
    let Some((local, domain)) = email.rsplit_once('@') else {
        return problem();
    };
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || (c.is_ascii() && ATOM.contains(c)))
    };
    let label = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if local.split('.').all(atom) && domain.contains('.') && domain.split('.').all(label) {
        Ok(())
    } else {
        problem()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: Option<&str>, email: Option<&str>) -> Person {
        Person {
            name: name.map(str::to_owned),
            email: email.map(str::to_owned),
        }
    }

    #[test]
    fn names_are_quoted_where_they_would_be_read_otherwise() {
        for (name, written) in [
            ("Ada Lovelace", "Ada Lovelace"),
            ("Zoë O'Brien", "Zoë O'Brien"),
            ("Example, Inc.", "\"Example, Inc.\""),
            ("J. Doe", "\"J. Doe\""),
            ("a  b", "\"a  b\""),
            ("say \"hi\\\"", "\"say \\\"hi\\\\\\\"\""),
            ("x <y@z.org>", "\"x <y@z.org>\""),
            ("(c)", "\"(c)\""),
        ] {
            let lines = lines(&[person(Some(name), Some("a@b.org"))]).unwrap();
            assert_eq!(lines.addresses, format!("{written} <a@b.org>"));
        }
        let lines = lines(&[person(Some("A"), None), person(None, Some("a@b.org"))]).unwrap();
        assert_eq!((&*lines.names, &*lines.addresses), ("A", "a@b.org"));
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        for bad in [
            person(None, None),
            person(Some(""), None),
            person(Some("Example, Inc."), None),
            person(Some("A\nB"), Some("a@b.org")),
            person(Some("A"), Some("a@localhost")),
            person(Some("A"), Some("a b@c.org")),
            person(Some("A"), Some("a@b.org, c@d.org")),
            person(Some("A"), Some("a@@b.org")),
            person(Some("A"), Some("a.@b.org")),
            person(Some("A"), Some("a@-b.org")),
            person(Some("A"), Some("<a@b.org>")),
        ] {
            assert!(lines(std::slice::from_ref(&bad)).is_err(), "{bad:?}");
        }
    }
}
