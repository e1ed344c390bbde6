//! One version: Cargo.toml says it, everything else agrees.

use toml::{Table, Value};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::steps::Done;

/// Compares every place that states a version with `[workspace.package]`.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let cargo = table(context, "Cargo.toml")?;
    let workspace = cargo
        .get("workspace")
        .and_then(Value::as_table)
        .cloned()
        .unwrap_or_default();
    let version = workspace
        .get("package")
        .and_then(|package| package.get("version"))
        .and_then(Value::as_str);
    let Some(version) = version.and_then(Version::parse) else {
        return Err(Error::Malformed {
            path: "Cargo.toml".into(),
            problem: "[workspace.package] has no version of the form X.Y.Z or X.Y.Z-rc.N"
                .to_owned(),
        });
    };
    let mut findings = crates(&workspace, &version);
    let mut packages = 0;
    for file in context.files()? {
        if file.starts_with("python/") && file.ends_with("/pyproject.toml") {
            packages += 1;
            findings.extend(
                project(&table(context, &file)?, &version)
                    .into_iter()
                    .map(|text| format!("{file}: {text}")),
            );
        }
        if is_a_crate(&file) {
            findings.extend(
                inherits(&table(context, &file)?)
                    .into_iter()
                    .map(|text| format!("{file}: {text}")),
            );
        }
    }
    findings.extend(changelog(&context.read("CHANGELOG.md")?, &version));
    log.findings(&findings)?;
    Ok(Done::Passed(format!(
        "{} in {packages} Python packages",
        version.semver()
    )))
}

fn table(context: &Context, path: &str) -> Result<Table> {
    context
        .read(path)?
        .parse()
        .map_err(|error: toml::de::Error| Error::Malformed {
            path: path.into(),
            problem: error.to_string(),
        })
}

/// A version that both Cargo and Python can write.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    major: u32,
    minor: u32,
    patch: u32,
    /// `alpha`, `beta` or `rc`, and its number.
    pre: Option<(String, u32)>,
}

impl Version {
    /// Reads `X.Y.Z` or `X.Y.Z-rc.N`.
    fn parse(text: &str) -> Option<Self> {
        let (release, pre) = match text.split_once('-') {
            Some((release, pre)) => (release, Some(pre)),
            None => (text, None),
        };
        let mut parts = release.split('.').map(|part| part.parse().ok());
        let (major, minor, patch) = (parts.next()??, parts.next()??, parts.next()??);
        let pre = match pre.map(|pre| pre.split_once('.')) {
            None => None,
            Some(Some((kind @ ("alpha" | "beta" | "rc"), number))) => {
                Some((kind.to_owned(), number.parse().ok()?))
            }
            Some(_) => return None,
        };
        parts.next().is_none().then_some(Self {
            major,
            minor,
            patch,
            pre,
        })
    }

    /// As Cargo writes it.
    fn semver(&self) -> String {
        let Self {
            major,
            minor,
            patch,
            pre,
        } = self;
        let pre = pre
            .as_ref()
            .map_or_else(String::new, |(kind, number)| format!("-{kind}.{number}"));
        format!("{major}.{minor}.{patch}{pre}")
    }

    /// As Python writes it (PEP 440).
    fn pep440(&self) -> String {
        let Self {
            major,
            minor,
            patch,
            pre,
        } = self;
        let pre = pre
            .as_ref()
            .map_or_else(String::new, |(kind, number)| match kind.as_str() {
                "alpha" => format!("a{number}"),
                "beta" => format!("b{number}"),
                _ => format!("rc{number}"),
            });
        format!("{major}.{minor}.{patch}{pre}")
    }

    /// The range in which our packages ask for each other. A pre-release's own
    /// range must let that pre-release in.
    fn range(&self) -> String {
        let lowest = match self.pre {
            Some(_) => self.pep440(),
            None => format!("{}.{}.0", self.major, self.minor),
        };
        format!(">={lowest},<{}.{}", self.major, self.minor + 1)
    }
}

/// The workspace's own crates among its dependencies.
fn crates(workspace: &Table, version: &Version) -> Vec<String> {
    let mut findings = Vec::new();
    let dependencies = workspace.get("dependencies").and_then(Value::as_table);
    for (name, dependency) in dependencies.into_iter().flatten() {
        let stated = dependency.get("version").and_then(Value::as_str);
        if dependency.get("path").is_some() && stated != Some(version.semver().as_str()) {
            findings.push(format!(
                "Cargo.toml: {name} asks for {stated:?}, not {}",
                version.semver()
            ));
        }
    }
    findings
}

/// Whether the file is the manifest of a crate that ships, and not of one inside
/// its folder, such as its fuzz targets.
fn is_a_crate(file: &str) -> bool {
    let mut parts = file.split('/');
    parts.next() == Some("crates") && parts.nth(1) == Some("Cargo.toml")
}

/// A crate takes its version from the workspace.
fn inherits(manifest: &Table) -> Option<String> {
    let version = manifest
        .get("package")
        .and_then(|package| package.get("version"))?;
    let inherited = version.get("workspace").and_then(Value::as_bool) == Some(true);
    (!inherited).then(|| format!("version is {version}, not taken from the workspace"))
}

/// A Python package's version, and its ranges for our other packages.
fn project(pyproject: &Table, version: &Version) -> Vec<String> {
    let mut findings = Vec::new();
    let project = pyproject.get("project");
    let stated = project
        .and_then(|project| project.get("version"))
        .and_then(Value::as_str);
    if stated != Some(version.pep440().as_str()) {
        findings.push(format!("version is {stated:?}, not {}", version.pep440()));
    }
    let dependencies = project
        .and_then(|project| project.get("dependencies"))
        .and_then(Value::as_array);
    for dependency in dependencies.into_iter().flatten().filter_map(Value::as_str) {
        let end = dependency
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .unwrap_or(dependency.len());
        let (name, range) = dependency.split_at(end);
        let range: String = range.chars().filter(|c| !c.is_whitespace()).collect();
        let same = |one: &str| {
            one.split(',')
                .map(|part| part.trim_end_matches(".0").to_owned())
                .collect::<std::collections::BTreeSet<_>>()
        };
        if name.starts_with("daggerml") && same(&range) != same(&version.range()) {
            findings.push(format!(
                "asks for `{dependency}`, not `{name}{}`",
                version.range()
            ));
        }
    }
    findings
}

/// The newest heading of the changelog is this version.
fn changelog(text: &str, version: &Version) -> Option<String> {
    let heading = text.lines().find(|line| line.starts_with("## "));
    let start = format!("## [{}]", version.semver());
    let good = heading.is_some_and(|line| line.starts_with(&start));
    (!good).then(|| format!("CHANGELOG.md: the first heading is {heading:?}, not `{start}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn a_version_has_one_form_for_each_world() {
        assert_eq!(version("0.2.0").pep440(), "0.2.0");
        assert_eq!(version("1.0.0-rc.2").pep440(), "1.0.0rc2");
        assert_eq!(version("1.0.0-alpha.1").pep440(), "1.0.0a1");
        assert_eq!(version("1.0.0-beta.3").semver(), "1.0.0-beta.3");
        for bad in [
            "1.0",
            "1.0.0.0",
            "1.0.0-dev.1",
            "1.0.0-rc",
            "v1.0.0",
            "1.0.0-rc.x",
        ] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ranges_are_narrow_and_let_a_pre_release_in() {
        assert_eq!(version("0.2.7").range(), ">=0.2.0,<0.3");
        assert_eq!(version("0.3.0-rc.1").range(), ">=0.3.0rc1,<0.4");
    }

    #[test]
    fn a_package_that_differs_is_found() {
        let check = |text: &str| project(&text.parse().unwrap(), &version("0.2.0"));
        assert!(
            check("[project]\nversion = '0.2.0'\ndependencies = ['daggerml>=0.2.0,<0.3', 'boto3']")
                .is_empty()
        );
        assert!(
            check("[project]\nversion = '0.2.0'\ndependencies = ['daggerml >=0.2.0, <0.3.0']")
                .is_empty()
        );
        assert_eq!(check("[project]\nversion = '0.2.1'").len(), 1);
        assert_eq!(
            check("[project]\nversion = '0.2.0'\ndependencies = ['daggerml>=0.1,<0.3']").len(),
            1
        );
        assert_eq!(
            check("[project]\nversion = '0.2.0'\ndependencies = ['daggerml-cli']").len(),
            1
        );
    }

    #[test]
    fn only_manifests_of_crates_count() {
        assert!(is_a_crate("crates/daggerml/Cargo.toml"));
        assert!(!is_a_crate("crates/daggerml/fuzz/Cargo.toml"));
        assert!(!is_a_crate("crates/Cargo.toml"));
    }

    #[test]
    fn a_crate_with_its_own_version_is_found() {
        assert!(inherits(&"[package]\nversion.workspace = true".parse().unwrap()).is_none());
        assert!(inherits(&"[package]\nversion = '0.2.0'".parse().unwrap()).is_some());
    }

    #[test]
    fn a_path_dependency_with_another_version_is_found() {
        let workspace = "[dependencies]\nx = { path = 'x', version = '0.1.0' }\ny = '9'"
            .parse()
            .unwrap();
        assert_eq!(crates(&workspace, &version("0.2.0")).len(), 1);
        assert!(crates(&workspace, &version("0.1.0")).is_empty());
    }

    #[test]
    fn the_changelog_begins_with_this_version() {
        assert!(changelog("# C\n\n## [0.2.0] - unreleased\n", &version("0.2.0")).is_none());
        assert!(changelog("# C\n\n## [0.1.0]\n\n## [0.2.0]\n", &version("0.2.0")).is_some());
        assert!(changelog("", &version("0.2.0")).is_some());
    }
}
