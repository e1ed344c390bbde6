//! What a published wheel tells of its own build: which backend made it, and at which
//! time its members say that it was.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use wheelwright_artifacts::artifact::headers::Headers;
use wheelwright_artifacts::artifact::{Archive, Artifact};

/// The backends whose name in `Generator` is not that of their package.
const NAMES: &[(&str, &str)] = &[
    ("bdist_wheel", "wheel"),
    ("flit", "flit-core"),
    ("uv", "uv-build"),
    ("pdm-pep517", "pdm-pep517"),
    ("pdm-backend", "pdm-backend"),
    ("poetry-core", "poetry-core"),
    ("hatchling", "hatchling"),
    ("maturin", "maturin"),
    ("setuptools", "setuptools"),
    ("scikit-build-core", "scikit-build-core"),
    ("whey", "whey"),
    ("meson", "meson-python"),
];

/// Since this version setuptools makes wheels itself, and says so in `Generator`.
const OWN_WHEELS: &str = "setuptools<70.1";

/// The exact version of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The package, in its normal form.
    pub package: String,
    /// The version.
    pub version: String,
}

impl Pin {
    /// Returns the requirements that hold an environment to this backend.
    pub fn constraints(&self) -> Vec<String> {
        let mut constraints = vec![format!("{}=={}", self.package, self.version)];
        if self.package == "wheel" {
            constraints.push(OWN_WHEELS.to_owned());
        }
        constraints
    }
}

/// What a wheel tells of its build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The line `Generator` of WHEEL.
    pub generator: Option<String>,
    /// The backend that it stands for.
    pub pin: Option<Pin>,
    /// The time of every member, if all have one: the `SOURCE_DATE_EPOCH` of the build, or
    /// the backend's own constant.
    pub epoch: Option<u64>,
}

impl Facts {
    /// Returns what `wheel` tells.
    pub fn of(wheel: &Artifact) -> Self {
        let archive = &wheel.archive;
        let info = (0..archive.len()).find(|at| archive.path(*at).ends_with(".dist-info/WHEEL"));
        let generator = info.and_then(|at| {
            let content = archive.content(at).ok()?;
            Headers::parse(&content).get("Generator").map(str::to_owned)
        });
        Self {
            pin: generator.as_deref().and_then(pin),
            epoch: epoch(archive),
            generator,
        }
    }
}

/// Returns the backend that a `Generator` names: `hatchling 1.27.0`, `setuptools (80.9.0)`.
fn pin(generator: &str) -> Option<Pin> {
    let mut words = generator.split_whitespace();
    let name = words.next()?.to_ascii_lowercase();
    let version = words.next()?.trim_matches(['(', ')']);
    // The text is the wheel's: it must not become anything but a version.
    let version: pep440_rs::Version = version.parse().ok()?;
    let (_, package) = NAMES.iter().find(|(known, _)| *known == name)?;
    Some(Pin {
        package: (*package).to_owned(),
        version: version.to_string(),
    })
}

fn epoch(archive: &Archive) -> Option<u64> {
    let Archive::Zip(zip) = archive else {
        return None;
    };
    let mut times = zip.entries.iter().map(|entry| entry.time);
    let first = times.next()?;
    times.all(|time| time == first).then(|| seconds(first))?
}

/// Returns the seconds since 1970 of an MS-DOS date and time, taken for UTC.
fn seconds(time: u32) -> Option<u64> {
    let part = |shift: u32, bits: u32| i8::try_from((time >> shift) & ((1 << bits) - 1)).ok();
    let (year, second) = (1980 + i16::from(part(25, 7)?), 2 * part(0, 5)?);
    let (hour, minute) = (part(11, 5)?, part(5, 6)?);
    let at = DateTime::new(year, part(21, 4)?, part(16, 5)?, hour, minute, second, 0).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    u64::try_from(at.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_names_a_backend_and_its_version() {
        for (text, expected) in [
            ("hatchling 1.27.0", Some("hatchling==1.27.0")),
            ("setuptools (80.9.0)", Some("setuptools==80.9.0")),
            (
                "bdist_wheel (0.45.1)",
                Some("wheel==0.45.1 setuptools<70.1"),
            ),
            ("flit 3.12.0", Some("flit-core==3.12.0")),
            ("uv 0.8.3", Some("uv-build==0.8.3")),
            ("maturin (1.9.4)", Some("maturin==1.9.4")),
            ("poetry-core 2.1.3", Some("poetry-core==2.1.3")),
            ("meson", None),
            ("hatchling soon", None),
            ("hatchling 1;evil", None),
            ("unknown 1.0", None),
            ("", None),
        ] {
            let found = pin(text).map(|pin| pin.constraints().join(" "));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_and_no_time_makes_it_panic(text in "\\PC{0,30}", time: u32) {
            let _ = (pin(&text), seconds(time));
        }
    }

    #[test]
    fn times_of_zip_files_are_read() {
        // 1980-01-01, and hatchling's 2020-02-02 00:00:00.
        assert_eq!(seconds(0x0021_0000), Some(315_532_800));
        assert_eq!(seconds(0x5042_0000), Some(1_580_601_600));
        // No such month, no such hour.
        assert_eq!(seconds(0), None);
        assert_eq!(seconds(0x0021_ffff), None);
    }
}
