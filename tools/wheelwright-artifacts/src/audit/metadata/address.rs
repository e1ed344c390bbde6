//! E-mail addresses as an index takes them.
//!
//! An index looks at a field that holds one mailbox and lets lists pass, whatever
//! is in them. The mailbox must be one that mail can be sent to from anywhere: a
//! plain local part and a domain name with a dot in it.

use crate::text::is_invisible;

/// Domains that no public mail server can have.
const SPECIAL: &[&str] = &["arpa", "invalid", "local", "localhost", "onion", "test"];

/// Says why an index refuses the value of `Author-email` or `Maintainer-email`.
///
/// # Errors
/// A few words on what is wrong.
pub fn check(value: &str) -> Result<(), String> {
    match single(value) {
        Some(address) => mailbox(&address),
        None => Ok(()),
    }
}

/// The address of a value that is one mailbox; `None` for lists and for text
/// that mail programs make no address of.
fn single(value: &str) -> Option<String> {
    let mut bare = String::new();
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_usize);
    // A comment counts as a space, a quoted phrase as one quote, which no address may have.
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted || depth > 0 => escaped = true,
            '"' if depth == 0 => {
                quoted = !quoted;
                if quoted {
                    bare.push('"');
                }
            }
            _ if quoted => {}
            '(' => {
                depth += 1;
                bare.push(' ');
            }
            ')' if depth == 0 => return None,
            ')' => depth -= 1,
            _ if depth > 0 => {}
            '\n' | '\r' | '\t' => bare.push(' '),
            _ => bare.push(c),
        }
    }
    if depth > 0 {
        return None;
    }
    // No other space is left out: an index finds it in the domain.
    let bare = bare.trim_matches(' ');
    let bare = bare.trim_end_matches([',', ';']).trim_matches(' ');
    if bare.is_empty() || bare.contains([',', ';']) {
        return None;
    }
    let address = match bare.split_once('<') {
        Some((phrase, rest)) => {
            if phrase.contains(['@', '[', ']', ':', '>']) {
                return None;
            }
            let (inside, after) = rest.split_once('>').unwrap_or((rest, ""));
            if !after.trim().is_empty() || inside.contains([':', '<']) {
                return None;
            }
            inside.trim_matches(' ')
        }
        None if bare.contains([':', '[', ']', '>']) => return None,
        None => bare,
    };
    if address.matches('@').count() > 1 || address.ends_with('@') || address.contains('[') {
        return None;
    }
    (!address.is_empty()).then(|| address.to_owned())
}

fn mailbox(address: &str) -> Result<(), String> {
    if let Some(unseen) = address.chars().find(|c| is_unseen(*c)) {
        return Err(format!(
            "it has the unseen character U+{:04X}",
            u32::from(unseen)
        ));
    }
    let Some((local, domain)) = address.split_once('@') else {
        return Err(format!("`{address}` has no @"));
    };
    let (local, domain) = (local.trim_end_matches(' '), domain.trim_start_matches(' '));
    let atom =
        |c: char| c.is_ascii_alphanumeric() || "_!#$%&'*+-/=?^`{|}~".contains(c) || !c.is_ascii();
    if local.is_empty() || local.split('.').any(str::is_empty) {
        return Err(format!("`{local}` is not a name before the @"));
    }
    if let Some(bad) = local.chars().find(|c| *c != '.' && !atom(*c)) {
        return Err(format!("`{bad}` stands before the @ of `{address}`"));
    }
    let domain = if domain.is_ascii() {
        domain.to_ascii_lowercase()
    } else {
        // An international name is judged by its ASCII form.
        match url::Host::parse(domain) {
            Ok(url::Host::Domain(name)) if !domain.contains(is_sign) => name,
            _ => return Err(format!("`{domain}` is not a domain name")),
        }
    };
    let label = |label: &str| {
        let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let hyphens = label.starts_with('-') || label.ends_with('-');
        let reserved = label.get(2..4) == Some("--") && !label.starts_with("xn");
        plain && !hyphens && !reserved && (1..=63).contains(&label.len())
    };
    if !domain.split('.').all(label) || domain.len() > 253 {
        return Err(format!("`{domain}` is not a domain name"));
    }
    if !domain.contains('.') || !domain.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!(
            "`{domain}` is not a domain that mail can be sent to"
        ));
    }
    let top = domain.rsplit('.').next().unwrap_or_default();
    if SPECIAL.contains(&top) {
        return Err(format!("no mail can be sent to .{top}"));
    }
    if address.len() > 254 {
        return Err(format!("{} bytes, more than 254", address.len()));
    }
    Ok(())
}

/// Whether a character takes no place, so that two addresses that look alike differ.
fn is_unseen(c: char) -> bool {
    let is_space = c.is_whitespace() && !matches!(c, ' ' | '\t');
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    c.is_control() || is_space || is_invisible(c) || is_private
}

/// Whether a character is a sign or a picture, which no name of a domain may have
/// (IDNA 2008), though browsers take it.
fn is_sign(c: char) -> bool {
    !c.is_alphanumeric()
        && matches!(c,
            '\u{a1}'..='\u{b6}' | '\u{b8}'..='\u{bf}' | '\u{d7}' | '\u{f7}' | '\u{2010}'..='\u{2bff}'
            | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{1f000}'..='\u{1faff}')
        // Some of these stand for a dot or another character.
        && c != '\u{3002}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_index_takes() {
        for good in [
            "a@example.org",
            "A Person <a.b+c@example.org>",
            "\"Person, A\" <a@example.org>",
            "a@example.org (A Person)",
            "a@münchen.de",
            "ä@example.org",
            "A. B. <a@example.org>",
            // Lists, and what is not an address to a mail program, are not looked at.
            "a@example.org, B <b at example.org>",
            "a@example.org; b",
            "A <>",
            "A [bot] <x>",
            "a @ example.org",
            "a(A Person)@example.org",
            "a@example\u{3002}org",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "A Person <someone at example.org>",
            "A Person <someone@localhost>",
            "A Person",
            "UNKNOWN",
            "a@example",
            "a@b_c.org",
            "a@-b.org",
            "a@b..org",
            "a@b.org.",
            "a@b.c1",
            "a..b@example.org",
            ".a@example.org",
            "@example.org",
            "a b@example.org",
            "A a@example.org",
            "a@example.test",
            "a@host.local",
            "\"a b\" c@example.org",
            "A <'a@example.org'>",
            "\"a b\"@example.org",
            "A <\"a\"@example.org>",
            "a@\u{2603}.org",
            "a@example.org\u{b}",
            "a\u{200b}@example.org",
            "a@example\u{200b}.org",
            "a@\u{1f600}.org",
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
