//! The one version of a repository: `SemVer` where Cargo reads it, PEP 440 where
//! Python does.
//!
//! Only versions that both worlds can write, and order alike, are versions
//! here: `X.Y.Z`, and pre-releases `-alpha.N`, `-beta.N` and `-rc.N`.

pub mod changelog;
pub mod places;
pub mod single;

use std::fmt;
use std::str::FromStr;

/// How far a pre-release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Stage {
    /// `1.0.0-alpha.1`, `1.0.0a1`
    Alpha,
    /// `1.0.0-beta.1`, `1.0.0b1`
    Beta,
    /// `1.0.0-rc.1`, `1.0.0rc1`
    Rc,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Alpha, Self::Beta, Self::Rc];

    fn semver(self) -> &'static str {
        match self {
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Rc => "rc",
        }
    }

    fn pep440(self) -> &'static str {
        match self {
            Self::Alpha => "a",
            Self::Beta => "b",
            Self::Rc => "rc",
        }
    }
}

/// A version that Cargo and Python both can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    /// Incompatible changes.
    pub major: u32,
    /// New features.
    pub minor: u32,
    /// Corrections.
    pub patch: u32,
    /// The stage and number of a pre-release.
    pub pre: Option<(Stage, u32)>,
}

/// What [`Version::bump`] counts up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// 1.2.3 to 2.0.0
    Major,
    /// 1.2.3 to 1.3.0
    Minor,
    /// 1.2.3 to 1.2.4
    Patch,
    /// 1.3.0-rc.1 to 1.3.0-rc.2; with --pre, to a later stage
    Pre,
    /// 1.3.0-rc.2 to 1.3.0
    Release,
}

/// A text that is not a version, or a step that leads to none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not one of the forms.
    #[error(
        "{text:?} is not a version; write X.Y.Z, or X.Y.Z-rc.N (also -alpha.N, -beta.N; in Python's form X.Y.ZrcN)"
    )]
    Form {
        /// The text.
        text: String,
    },
    /// A final version has no pre-release to count up or to end.
    #[error("{version} is not a pre-release; bump major, minor or patch")]
    Final {
        /// The version.
        version: Version,
    },
    /// A pre-release cannot go back to an earlier stage.
    #[error("{version} is past that stage; --pre may name its own or a later one")]
    Stage {
        /// The version.
        version: Version,
    },
    /// Only `major`, `minor`, `patch` and `pre` can have a stage.
    #[error("a release has no stage; leave out --pre")]
    Pointless,
    /// A number would be too large.
    #[error("{version} cannot be counted up further")]
    Overflow {
        /// The version.
        version: Version,
    },
}

impl Version {
    /// As Cargo writes it: `1.2.0-rc.1`.
    pub fn semver(&self) -> String {
        let pre = self.pre.map_or_else(String::new, |(stage, number)| {
            format!("-{}.{number}", stage.semver())
        });
        format!("{}.{}.{}{pre}", self.major, self.minor, self.patch)
    }

    /// As Python writes it: `1.2.0rc1`.
    pub fn pep440(&self) -> String {
        let pre = self.pre.map_or_else(String::new, |(stage, number)| {
            format!("{}{number}", stage.pep440())
        });
        format!("{}.{}.{}{pre}", self.major, self.minor, self.patch)
    }

    /// The name of its tag: `v1.2.0-rc.1`.
    pub fn tag(&self) -> String {
        format!("v{}", self.semver())
    }

    /// The range in which packages of one repository ask for each other:
    /// `>=X.Y.0,<X.(Y+1)`. A pre-release's own range begins with it, since
    /// installers pass over pre-releases that no range names.
    pub fn range(&self) -> String {
        let lowest = match self.pre {
            Some(_) => self.pep440(),
            None => format!("{}.{}.0", self.major, self.minor),
        };
        format!(">={lowest},<{}.{}", self.major, u64::from(self.minor) + 1)
    }

    /// The next version, which is always a later one.
    ///
    /// # Errors
    /// No version of that level can follow.
    pub fn bump(self, level: Level, stage: Option<Stage>) -> Result<Self, VersionError> {
        let next = |number: u32| {
            number
                .checked_add(1)
                .ok_or(VersionError::Overflow { version: self })
        };
        let pre = stage.map(|stage| (stage, 1));
        Ok(match (level, self.pre) {
            (Level::Major, _) => Self {
                major: next(self.major)?,
                minor: 0,
                patch: 0,
                pre,
            },
            (Level::Minor, _) => Self {
                minor: next(self.minor)?,
                patch: 0,
                pre,
                ..self
            },
            (Level::Patch, _) => Self {
                patch: next(self.patch)?,
                pre,
                ..self
            },
            (Level::Pre | Level::Release, None) => {
                return Err(VersionError::Final { version: self });
            }
            (Level::Release, Some(_)) if stage.is_some() => return Err(VersionError::Pointless),
            (Level::Release, Some(_)) => Self { pre: None, ..self },
            (Level::Pre, Some((old, number))) => {
                let pre = match stage {
                    Some(stage) if stage < old => {
                        return Err(VersionError::Stage { version: self });
                    }
                    Some(stage) if stage > old => (stage, 1),
                    _ => (old, next(number)?),
                };
                Self {
                    pre: Some(pre),
                    ..self
                }
            }
        })
    }
}

impl FromStr for Version {
    type Err = VersionError;

    /// Reads either form.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        parse(text).ok_or_else(|| VersionError::Form {
            text: text.to_owned(),
        })
    }
}

fn parse(text: &str) -> Option<Version> {
    let number = |text: &str| -> Option<u32> {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = text.len() > 1 && text.starts_with('0');
        (plain && !leading_zero)
            .then(|| text.parse().ok())
            .flatten()
    };
    let mut parts = text.splitn(3, '.');
    let (major, minor) = (number(parts.next()?)?, number(parts.next()?)?);
    let rest = parts.next()?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (patch, rest) = rest.split_at(end);
    let pre = if rest.is_empty() {
        None
    } else {
        let written = |stage: &Stage| {
            rest.strip_prefix(&format!("-{}.", stage.semver()))
                .or_else(|| rest.strip_prefix(stage.pep440()))
                .and_then(number)
        };
        let stage = Stage::ALL.into_iter().find(|s| written(s).is_some())?;
        Some((stage, written(&stage)?))
    };
    Some(Version {
        major,
        minor,
        patch: number(patch)?,
        pre,
    })
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |version: &Self| {
            (
                version.major,
                version.minor,
                version.patch,
                version.pre.is_none(),
                version.pre,
            )
        };
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.semver())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn both_forms_are_read_and_written() {
        for (semver, pep440) in [
            ("0.2.0", "0.2.0"),
            ("1.2.0-rc.1", "1.2.0rc1"),
            ("1.0.0-alpha.0", "1.0.0a0"),
            ("1.0.0-beta.12", "1.0.0b12"),
        ] {
            assert_eq!(version(semver), version(pep440));
            assert_eq!(version(semver).semver(), semver);
            assert_eq!(version(semver).pep440(), pep440);
        }
        for bad in [
            "",
            "1",
            "1.0",
            "1.0.0.0",
            "v1.0.0",
            "1.0.0-dev.1",
            "1.0.0-rc",
            "1.0.0-rc1",
            "1.0.0rc.1",
            "1.0.0rc01",
            "01.0.0",
            "1.0.+1",
            "1.0.0+local",
            "1.0.0.post1",
            "1.0.99999999999",
            " 1.0.0",
            "1..0",
            "1.0.0-rc.x",
            "1.0.0a",
        ] {
            assert!(bad.parse::<Version>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ranges_are_narrow_and_let_a_pre_release_in() {
        assert_eq!(version("0.2.7").range(), ">=0.2.0,<0.3");
        assert_eq!(version("0.3.0-rc.1").range(), ">=0.3.0rc1,<0.4");
    }

    #[test]
    fn a_bump_goes_where_its_name_says() {
        let bump = |from: &str, level, stage| version(from).bump(level, stage).map(|v| v.semver());
        let is = |to: &str| Ok(to.to_owned());
        assert_eq!(bump("1.2.3", Level::Major, None), is("2.0.0"));
        assert_eq!(bump("1.2.3", Level::Minor, None), is("1.3.0"));
        assert_eq!(bump("1.2.3", Level::Patch, None), is("1.2.4"));
        assert_eq!(
            bump("1.2.3", Level::Minor, Some(Stage::Rc)),
            is("1.3.0-rc.1")
        );
        assert_eq!(bump("1.3.0-beta.2", Level::Pre, None), is("1.3.0-beta.3"));
        assert_eq!(
            bump("1.3.0-beta.2", Level::Pre, Some(Stage::Rc)),
            is("1.3.0-rc.1")
        );
        assert_eq!(bump("1.3.0-rc.4", Level::Release, None), is("1.3.0"));
        assert!(bump("1.3.0", Level::Release, None).is_err());
        assert!(bump("1.3.0", Level::Pre, Some(Stage::Rc)).is_err());
        assert!(bump("1.3.0-rc.1", Level::Pre, Some(Stage::Beta)).is_err());
        assert!(bump("1.3.0-rc.1", Level::Release, Some(Stage::Rc)).is_err());
        assert!(bump("4294967295.0.0", Level::Major, None).is_err());
    }

    fn any_version() -> impl Strategy<Value = Version> {
        let small = || 0u32..4;
        let stage = prop::sample::select(Stage::ALL.to_vec());
        (
            small(),
            small(),
            small(),
            prop::option::of((stage, small())),
        )
            .prop_map(|(major, minor, patch, pre)| Version {
                major,
                minor,
                patch,
                pre,
            })
    }

    proptest! {
        #[test]
        fn every_version_survives_both_forms(version in any_version()) {
            prop_assert_eq!(version.semver().parse::<Version>().unwrap(), version);
            prop_assert_eq!(version.pep440().parse::<Version>().unwrap(), version);
        }

        #[test]
        fn both_worlds_have_our_order(a in any_version(), b in any_version()) {
            let semver = |v: &Version| semver::Version::parse(&v.semver()).unwrap();
            let pep440 = |v: &Version| v.pep440().parse::<pep440_rs::Version>().unwrap();
            prop_assert_eq!(semver(&a).cmp(&semver(&b)), a.cmp(&b));
            prop_assert_eq!(pep440(&a).cmp(&pep440(&b)), a.cmp(&b));
            // Python's own normal form is the one that we write.
            prop_assert_eq!(pep440(&a).to_string(), a.pep440());
        }

        #[test]
        fn a_range_holds_its_version_and_ends_at_the_next_minor(version in any_version()) {
            let range: pep440_rs::VersionSpecifiers = version.range().parse().unwrap();
            let holds = |v: Version| range.contains(&v.pep440().parse().unwrap());
            prop_assert!(holds(version));
            prop_assert!(holds(version.bump(Level::Patch, None).unwrap()));
            prop_assert!(!holds(version.bump(Level::Minor, None).unwrap()));
        }

        #[test]
        fn a_bump_is_always_later(version in any_version(), stage in prop::option::of(prop::sample::select(Stage::ALL.to_vec()))) {
            for level in [Level::Major, Level::Minor, Level::Patch, Level::Pre, Level::Release] {
                if let Ok(next) = version.bump(level, stage) {
                    prop_assert!(next > version, "{} {:?} {}", version, level, next);
                }
            }
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,20}|[0-9.rcab-]{0,20}") {
            if let Ok(version) = text.parse::<Version>() {
                prop_assert!([version.semver(), version.pep440()].contains(&text));
            }
        }
    }
}
