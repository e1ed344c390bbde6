//! Web addresses as an index takes them.
//!
//! The public index normalises an address before it looks at it. What is left to
//! refuse is little: another scheme than http and https, no scheme, a port that
//! cannot be, and square brackets in path or query. A host that no machine can
//! have is let pass there, and so it is here.

/// Says why an index refuses a web address.
///
/// # Errors
/// A few words on what is wrong.
pub fn check(address: &str) -> Result<(), String> {
    let scheme = address
        .split_once(':')
        .map(|(scheme, _)| scheme)
        .filter(|scheme| is_scheme(scheme));
    let Some(scheme) = scheme else {
        return Err("it has no scheme (https://)".into());
    };
    let scheme_len = scheme.len() + 1;
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(format!("its scheme is {scheme}"));
    }
    let rest = address.get(scheme_len..).unwrap_or_default();
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '\\']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    if let Some(port) = port(authority)
        && port > 65_535
    {
        return Err(format!("{port} is not a port"));
    }
    if path.contains(['[', ']']) {
        return Err("it has a bare `[` or `]`; write %5B or %5D".into());
    }
    Ok(())
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
}

/// The port of `host:port`, where host and port are such.
fn port(authority: &str) -> Option<u32> {
    let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    let (_, port) = host.rsplit_once(':')?;
    let digits = (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| port.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_index_takes() {
        for good in [
            "https://example.org",
            "HTTP://example.org:8080/a b?c=d#[e]",
            "https://user:word@example.org/%5B",
            "http://[::1]/",
            "https://example.org:",
            "https:/example.org",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "UNKNOWN",
            "www.example.org/demo",
            "//example.org",
            "git@github.com:someone/demo.git",
            "ftp://example.org",
            "mailto:a@example.org",
            "file:///tmp",
            "git+https://example.org",
            "https://example.org:99999/",
            "https://example.org/[a]",
            "https://example.org/?a=[b]",
            " https://example.org",
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
