//! Takes secrets out of what a helper says.

/// Words in the names of environment variables whose values are secrets.
const WORDS: &[&str] = &[
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "CREDENTIAL",
    "CONNECTION_STRING",
    "SAS",
    "_KEY",
];

/// Shorter values are not looked for: they would be found in harmless words.
const SHORTEST: usize = 6;

/// Returns the text with `***` in the place of the values of environment variables whose
/// names say that they are secret, and of users and passwords in addresses.
pub(super) fn without_secrets(text: &str) -> String {
    hidden(
        text,
        std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }),
    )
}

fn hidden(text: &str, variables: impl Iterator<Item = (String, String)>) -> String {
    let secret = |name: &str| {
        let name = name.to_ascii_uppercase();
        WORDS.iter().any(|word| name.contains(word))
    };
    let mut values: Vec<_> = variables
        .filter(|(name, value)| value.len() >= SHORTEST && secret(name))
        .map(|(_, value)| value)
        .collect();
    // The longest first: one may be a part of another.
    crate::sorting::sort_by(&mut values, |a, b| b.len().cmp(&a.len()));
    let text = values
        .iter()
        .fold(text.to_owned(), |text, value| text.replace(value, "***"));
    without_users(&text)
}

/// Takes `user:password` out of addresses.
fn without_users(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("://");
        let end = part
            .find(|c: char| c == '/' || c.is_whitespace() || c == '"' || c == '\'')
            .unwrap_or(part.len());
        let (host, rest) = part.split_at(end);
        match host.rsplit_once('@') {
            Some((_, machine)) => {
                shown.push_str("***@");
                shown.push_str(machine);
            }
            None => shown.push_str(host),
        }
        shown.push_str(rest);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let variables = [
            ("AWS_SECRET_ACCESS_KEY", "abcdef/123"),
            ("MY_TOKEN", "abcdef/123456"),
            ("HOME", "/srv/me"),
            ("SHORT_KEY", "abc"),
        ];
        let all = || {
            variables
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        };
        for (text, shown) in [
            ("it was abcdef/123.", "it was ***."),
            ("it was abcdef/123456.", "it was ***."),
            ("in /srv/me, abc", "in /srv/me, abc"),
            (
                "GET https://me:word@host/x?a@b: 403",
                "GET https://***@host/x?a@b: 403",
            ),
            ("https://host/a@b ssh://u@h", "https://host/a@b ssh://***@h"),
            ("://", "://"),
        ] {
            assert_eq!(hidden(text, all()), shown);
        }
    }
}
