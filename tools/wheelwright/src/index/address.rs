//! Addresses of indexes, and how to show them without their passwords.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

/// What is shown instead of a secret.
pub const HIDDEN: &str = "****";

/// The address of an index or of its upload service. Its password is used, and
/// never shown: neither by `Display` nor by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Url,
    login: Option<(String, String)>,
}

/// A text that is not an address of an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the address of the index cannot be used: {problem}")]
pub struct AddressError {
    problem: String,
}

impl Address {
    /// Reads an address; it may hold a user name and a password.
    ///
    /// # Errors
    /// `text` is not an address, or its scheme is neither `http` nor `https`.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        // The text itself may hold a password: no message repeats it.
        let mut url = Url::parse(text.trim()).map_err(|error| AddressError {
            problem: error.to_string(),
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(AddressError {
                problem: "it must begin with https:// (or http://) and a host".to_owned(),
            });
        }
        let decoded = |text: &str| {
            percent(text).ok_or_else(|| AddressError {
                problem: "its user name or password is not well encoded".to_owned(),
            })
        };
        let user = decoded(url.username())?;
        let password = decoded(url.password().unwrap_or_default())?;
        let login = (!user.is_empty() || !password.is_empty()).then_some((user, password));
        // Both cannot fail for a URL that has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self { url, login })
    }

    /// The address without user name and password.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// User name and password.
    pub fn login(&self) -> Option<(&str, &str)> {
        self.login
            .as_ref()
            .map(|(user, password)| (user.as_str(), password.as_str()))
    }

    /// The secrets of the address, in every form that another program may print: the
    /// password itself, the password as it is encoded in an address, and user name and
    /// password as HTTP encodes them.
    pub fn secrets(&self) -> Vec<String> {
        let Some((_, password)) = self.login() else {
            return Vec::new();
        };
        let mut url = self.url.clone();
        let _ = url.set_password(Some(password)); // Cannot fail for a URL with a host.
        let encoded = url.password().unwrap_or_default().to_owned();
        let mut secrets = vec![password.to_owned(), encoded];
        secrets.extend(self.basic());
        secrets
    }

    /// User name and password as HTTP's `Basic` has them.
    pub fn basic(&self) -> Option<String> {
        let (user, password) = self.login()?;
        Some(STANDARD.encode(format!("{user}:{password}")))
    }

    /// The address of a package's page: the address itself is a folder,
    /// whether or not it ends in `/`.
    pub fn page(&self, normal_name: &str) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().push(normal_name).push("");
        }
        url
    }

    /// Is `url` on the same host, so that it may be told the password?
    pub fn is_home_of(&self, url: &Url) -> bool {
        url.origin() == self.url.origin()
    }
}

/// `%41` as `A`; `None` if that is not UTF-8.
fn percent(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .filter(|_| byte == b'%')
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(hex.unwrap_or(byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).ok()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What follows `?` or `#` can be a token.
        let mut shown = self.url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        f.write_str(shown.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

/// Texts that must not be shown, and their removal from other programs' words.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// A list of secrets; short ones are left alone, since they would hide
    /// half of every message and are no secrets.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut all: Vec<String> = secrets.into_iter().filter(|s| s.len() >= 4).collect();
        // The longest first, so that no part of one stays.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(all)
    }

    /// `text` without any of them.
    pub fn hide(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_password_is_read_and_never_shown() {
        let address = Address::parse("https://user:p%40ss@index.test/simple?token=abcdef").unwrap();
        assert_eq!(address.login(), Some(("user", "p@ss")));
        for shown in [address.to_string(), format!("{address:?}")] {
            assert!(
                !shown.contains("p%40ss") && !shown.contains("p@ss"),
                "{shown}"
            );
            assert!(
                !shown.contains("abcdef") && shown.contains("index.test"),
                "{shown}"
            );
        }
        let hidden = Secrets::new(address.secrets());
        for said in ["p@ss", "p%40ss", "dXNlcjpwQHNz"] {
            assert_eq!(hidden.hide(&format!("<{said}>")), format!("<{HIDDEN}>"));
        }
        let error = Address::parse("ftp://user:hunter22@index.test/").unwrap_err();
        assert!(!error.to_string().contains("hunter22"));
        let error = Address::parse("https://user:hunter22@index test/").unwrap_err();
        assert!(!error.to_string().contains("hunter22"));
    }

    #[test]
    fn pages_are_below_the_address_with_or_without_a_slash() {
        for text in ["http://h.test/simple", "http://h.test/simple/"] {
            let page = Address::parse(text).unwrap().page("a-b");
            assert_eq!(page.as_str(), "http://h.test/simple/a-b/");
        }
        let address = Address::parse("https://u:p@h.test/simple/").unwrap();
        assert!(address.is_home_of(&Url::parse("https://h.test/x").unwrap()));
        assert!(!address.is_home_of(&Url::parse("https://files.test/x").unwrap()));
        assert!(!address.is_home_of(&Url::parse("http://h.test/x").unwrap()));
    }

    proptest! {
        #[test]
        fn no_secret_is_left(secret in "[a-z0-9]{4,12}", before in "[ A-Z]{0,9}", after in "[ A-Z]{0,9}") {
            let hidden = Secrets::new([secret.clone()]).hide(&format!("{before}{secret}{after}"));
            prop_assert!(!hidden.contains(&secret));
            prop_assert_eq!(hidden, format!("{before}{HIDDEN}{after}"));
        }
    }
}
