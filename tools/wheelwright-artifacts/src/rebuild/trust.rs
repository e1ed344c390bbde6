//! `trust.toml`: whose statements count, and how many of them are needed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::key::PublicKey;
use crate::artifact::file_name::normalize;

/// How many rebuilders must agree, where nothing else is said.
pub const THRESHOLD: usize = 2;

/// A text that is not a `trust.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The text is not TOML, or has other keys.
    #[error("{problem}")]
    Format {
        /// What is wrong with it.
        problem: String,
    },
    /// A rebuilder's entry cannot be used.
    #[error("[[rebuilder]] {name:?}: {problem}")]
    Rebuilder {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The publisher of a package is not fully said.
    #[error("[package.{name}] publisher: `identity` and `issuer` must both say something")]
    Publisher {
        /// The package.
        name: String,
    },
    /// A number is too small to mean anything.
    #[error("`{key}` is 0; at least one rebuilder must agree")]
    Threshold {
        /// Its key.
        key: String,
    },
}

/// Whose statements count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The rebuilders' keys, in the order of the file.
    pub rebuilders: Vec<Rebuilder>,
    threshold: usize,
    packages: BTreeMap<String, usize>,
    publishers: BTreeMap<String, Publisher>,
    max_age_days: Option<u32>,
}

/// A key of a rebuilder. Somebody with several keys has several of these, of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilder {
    /// The name of whoever rebuilds.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// The last day on which the key counts.
    pub expires: Option<Date>,
    /// Why the key counts no more.
    pub revoked: Option<String>,
}

/// Who must have published a package, as an index's attestations name it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// A workflow's address without `@` and what follows it, or an e-mail address.
    pub identity: String,
    /// Who vouches for the identity, such as the repository host's issuer of tokens.
    pub issuer: String,
}

impl Publisher {
    /// Is this the identity, of whatever branch or tag?
    pub fn is(&self, identity: &str) -> bool {
        let without_ref = identity
            .split_once("@refs/")
            .map_or(identity, |(name, _)| name);
        self.identity == without_ref || self.identity == identity
    }
}

/// Does a key count?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Good,
    /// No: its last day is over.
    Expired(Date),
    /// No: it was revoked, for this reason.
    Revoked(String),
}

impl Rebuilder {
    /// Returns whether the key counts at the time `now`. A statement's own time plays no
    /// part: whoever has a stolen key can write any time.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let today = now.to_zoned(TimeZone::UTC).date();
        match (&self.revoked, self.expires) {
            (Some(reason), _) => Standing::Revoked(reason.clone()),
            (None, Some(last)) if today > last => Standing::Expired(last),
            _ => Standing::Good,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    threshold: Option<usize>,
    max_age_days: Option<u32>,
    #[serde(default)]
    rebuilder: Vec<Entry>,
    #[serde(default)]
    package: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    key: String,
    expires: Option<String>,
    revoked: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    threshold: Option<usize>,
    publisher: Option<Publisher>,
}

impl Trust {
    /// Reads the text of a `trust.toml`.
    ///
    /// # Errors
    /// It is not TOML, has other keys, or says what cannot be meant, such as one key for
    /// two rebuilders.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let file: File = toml::from_str(text).map_err(|error| TrustError::Format {
            problem: error.to_string().trim_end().to_owned(),
        })?;
        let mut rebuilders: Vec<Rebuilder> = Vec::new();
        for entry in file.rebuilder {
            let problem = |problem: String| TrustError::Rebuilder {
                name: entry.name.clone(),
                problem,
            };
            if !is_name(&entry.name) {
                return Err(problem(
                    "a name has 1 to 64 letters, digits and any of . _ - @ +".to_owned(),
                ));
            }
            let key = PublicKey::parse(&entry.key).map_err(|error| problem(error.to_string()))?;
            if let Some(twin) = rebuilders.iter().find(|known| known.key == key) {
                return Err(problem(format!(
                    "its key is {:?}'s too; one key is one entry",
                    twin.name
                )));
            }
            let expires = entry.expires.as_deref().map(|text| {
                text.parse::<Date>()
                    .map_err(|error| problem(format!("expires: {error}; write YYYY-MM-DD")))
            });
            rebuilders.push(Rebuilder {
                key,
                expires: expires.transpose()?,
                revoked: entry.revoked,
                name: entry.name,
            });
        }
        let threshold = file.threshold.unwrap_or(THRESHOLD);
        let zero = |key: &str| TrustError::Threshold {
            key: key.to_owned(),
        };
        if threshold == 0 {
            return Err(zero("threshold"));
        }
        let (mut packages, mut publishers) = (BTreeMap::new(), BTreeMap::new());
        for (name, package) in file.package {
            if package.threshold == Some(0) {
                return Err(zero(&format!("package.{name}.threshold")));
            }
            packages.extend(package.threshold.map(|count| (normalize(&name), count)));
            if let Some(publisher) = package.publisher {
                if publisher.identity.is_empty() || publisher.issuer.is_empty() {
                    return Err(TrustError::Publisher { name });
                }
                publishers.insert(normalize(&name), publisher);
            }
        }
        Ok(Self {
            rebuilders,
            threshold,
            packages,
            publishers,
            max_age_days: file.max_age_days,
        })
    }

    /// Returns how many rebuilders must agree on a file of `package`.
    pub fn threshold(&self, package: &str) -> usize {
        let own = self.packages.get(&normalize(package));
        own.copied().unwrap_or(self.threshold)
    }

    /// Returns who must have published `package`, if that is said.
    pub fn publisher(&self, package: &str) -> Option<&Publisher> {
        self.publishers.get(&normalize(package))
    }

    /// Is a statement of the time `made` too old at the time `now`?
    pub fn is_too_old(&self, made: Timestamp, now: Timestamp) -> bool {
        let days = now.duration_since(made).as_hours() / 24;
        self.max_age_days.is_some_and(|most| days > i64::from(most))
    }
}

/// Is this a name that can stand in a table and in a message?
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "._-@+".contains(c);
    (1..=64).contains(&name.chars().count()) && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::key;
    use super::*;

    fn line(number: u8) -> String {
        key(number).public().to_line()
    }

    #[test]
    fn a_file_says_whose_statements_count() {
        let text = format!(
            "max-age-days = 30\n\
             [[rebuilder]]\nname = \"ada\"\nkey = \"{}\"\nexpires = \"2026-11-29\"\n\
             [[rebuilder]]\nname = \"ada\"\nkey = \"{} ada@home\"\nrevoked = \"lost\"\n\
             [package.Other_Thing]\nthreshold = 3\n\
             [package.attested]\npublisher = {{ identity = \"https://h.test/a.yml\", issuer = \"i\" }}\n",
            line(1),
            line(2)
        );
        let trust = Trust::parse(&text).unwrap();
        assert_eq!(trust.threshold("daggerml"), THRESHOLD);
        assert_eq!(trust.threshold("other.thing"), 3);
        assert_eq!(trust.threshold("attested"), THRESHOLD);
        assert_eq!(trust.publisher("other.thing"), None);
        let publisher = trust.publisher("Attested").unwrap();
        assert!(
            publisher.is("https://h.test/a.yml@refs/tags/v1")
                && publisher.is("https://h.test/a.yml")
        );
        for other in [
            "https://h.test/b.yml@refs/tags/v1",
            "https://h.test/a.yml@x",
            "",
        ] {
            assert!(!publisher.is(other), "{other}");
        }
        let [first, second] = &trust.rebuilders[..] else {
            panic!("{trust:?}");
        };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (last, after) = (at("2026-11-29T23:59:59Z"), at("2026-11-30T00:00:00Z"));
        assert_eq!(first.standing(last), Standing::Good);
        assert!(matches!(first.standing(after), Standing::Expired(_)));
        assert_eq!(second.standing(last), Standing::Revoked("lost".into()));
        assert!(!trust.is_too_old(at("2026-10-31T00:00:00Z"), after));
        assert!(trust.is_too_old(at("2026-10-29T00:00:00Z"), after));
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_an_error() {
        let entry = |name: &str, more: &str| {
            format!(
                "[[rebuilder]]\nname = \"{name}\"\nkey = \"{}\"\n{more}",
                line(1)
            )
        };
        for (text, problem) in [
            ("threshold = 0".to_owned(), "`threshold` is 0"),
            (
                "[package.a]\nthreshold = 0".to_owned(),
                "package.a.threshold",
            ),
            (
                "[package.a]\npublisher = { identity = \"\", issuer = \"i\" }".to_owned(),
                "must both say something",
            ),
            ("treshold = 1".to_owned(), "treshold"),
            (entry("a b", ""), "a name has"),
            (entry("a", "expires = \"soon\""), "YYYY-MM-DD"),
            (entry("a", "") + &entry("b", ""), "its key is \"a\"'s too"),
            (
                entry("a", "").replace("ssh-ed25519", "ssh-rsa"),
                "[[rebuilder]] \"a\"",
            ),
        ] {
            let said = Trust::parse(&text).unwrap_err().to_string();
            assert!(said.contains(problem), "{said}");
        }
        assert_eq!(Trust::parse("").unwrap().rebuilders, []);
    }
}
