//! `[tool.maturin]`: where the native extension comes from. maturin reads the same
//! table when it builds from an sdist.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::abi::{Interpreter, Kind};
use super::cargo_toml::CargoToml;
use super::settings::Problem;
use super::{source, text};

/// `[tool.maturin]`, with every key that maturin knows; those that are not here are
/// refused by name (see `refused.rs`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the table")]
pub struct Table {
    manifest_path: Option<String>,
    module_name: Option<String>,
    python_source: Option<String>,
    python_packages: Vec<String>,
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
    data: Option<String>,
    sbom: Sbom,
    bindings: Option<String>,
    features: Vec<Feature>,
    no_default_features: bool,
    all_features: bool,
    profile: Option<String>,
    strip: bool,
    // Followed only where it asks for what is done anyway.
    include_import_lib: bool,
    #[serde(alias = "manylinux")]
    compatibility: Option<String>,
    target: toml::Table,
    sdist_include: Option<IgnoredAny>,
    // What changes no artifact.
    auditwheel: IgnoredAny,
    editable_profile: IgnoredAny,
    frozen: IgnoredAny,
    generate_ci: IgnoredAny,
    locked: IgnoredAny,
    pgo_command: IgnoredAny,
    sdist_generator: IgnoredAny,
    skip_auditwheel: IgnoredAny,
    use_base_python: IgnoredAny,
}

/// A pattern of `include` or `exclude`.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "write \"PATTERN\", or { path = \"PATTERN\", format = \"sdist\" } (or \"wheel\", or both in a list)"
)]
pub enum Pattern {
    /// For wheels and sdists.
    Both(String),
    /// For those that `format` names.
    Some {
        /// The pattern.
        path: String,
        /// `"wheel"`, `"sdist"`, or a list.
        format: Formats,
    },
    /// Files that a build script makes.
    OutDir {
        /// The pattern.
        path: String,
        /// `"out-dir"`.
        from: String,
    },
}

/// The formats that a pattern is for.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "write \"sdist\", \"wheel\", or both in a list")]
pub enum Formats {
    /// One.
    One(Format),
    /// Several.
    Several(Vec<Format>),
}

/// A kind of artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A wheel.
    Wheel,
    /// A source distribution.
    Sdist,
}

impl Pattern {
    /// The pattern, if it is for `format`.
    fn of(&self, format: Format) -> Option<&str> {
        match self {
            Self::Both(path) => Some(path),
            Self::Some { path, format: list } => {
                let named = match list {
                    Formats::One(one) => *one == format,
                    Formats::Several(list) => list.contains(&format),
                };
                named.then_some(path)
            }
            Self::OutDir { .. } => None,
        }
    }
}

/// `tool.maturin.sbom`: every native wheel has a bill of materials anyway.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Sbom {
    include: Vec<String>,
    rust: IgnoredAny,
    auditwheel: IgnoredAny,
}

/// A feature of the crate, or of one of its dependencies (`pyo3/abi3`).
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "write \"FEATURE\", or { feature = \"FEATURE\", python-version = \">=3.11\" }"
)]
enum Feature {
    Always(String),
    For {
        feature: String,
        #[serde(rename = "python-version")]
        version: Option<pep440_rs::VersionSpecifiers>,
        #[serde(rename = "python-implementation")]
        implementation: Option<String>,
    },
}

/// Where an extension comes from and how it is compiled.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the table")]
pub struct Maturin {
    /// The crate's manifest, relative to `pyproject.toml`.
    pub manifest_path: String,
    /// The extension's dotted module name.
    pub module_name: String,
    /// The folder of the Python sources, if it is stated.
    pub python_source: Option<String>,
    /// Further import packages.
    pub python_packages: Vec<String>,
    /// The folder of `.data`, if it is stated.
    pub data: Option<String>,
    /// Further bills of materials.
    pub sboms: Vec<String>,
    /// The profile of cargo.
    pub profile: String,
    /// Are symbols taken off, whatever the profile says?
    pub strip: bool,
    /// Are the crate's default features left out?
    pub no_default_features: bool,
    /// Are all its features switched on?
    pub all_features: bool,
    features: Vec<Feature>,
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
    /// Are programs made (`bindings = "bin"`), and no extension?
    pub programs: bool,
    /// Is a library made that Python calls by cffi, and no extension module?
    pub cffi: bool,
    /// Was the folder of the Python sources found in the usual place?
    pub found_source: bool,
}

const TABLE: [&str; 2] = ["tool", "maturin"];
const MODULE: &[&str] = &["tool", "maturin", "module-name"];

impl Table {
    /// The crate's manifest: as stated, or where maturin looks for it in the project's
    /// `folder`.
    pub(super) fn manifest(&self, folder: &Path, name: &str) -> String {
        if let Some(stated) = &self.manifest_path {
            return stated.strip_prefix("./").unwrap_or(stated).to_owned();
        }
        let has_sources = self.python_source.is_some() || self.has_src_layout(folder, name);
        if has_sources && folder.join("rust/Cargo.toml").is_file() {
            return "rust/Cargo.toml".to_owned();
        }
        "Cargo.toml".to_owned()
    }

    /// Does an import package lie in `src`?
    fn has_src_layout(&self, folder: &Path, name: &str) -> bool {
        let own = name.replace('-', "_");
        std::iter::once(&own)
            .chain(&self.python_packages)
            .any(|package| {
                folder
                    .join("src")
                    .join(package)
                    .join("__init__.py")
                    .is_file()
            })
    }

    /// Is the module's name written down?
    pub(super) fn names_module(&self) -> bool {
        self.module_name.is_some()
    }

    /// Does the crate make programs and no extension, as stated or as `cargo` has it?
    pub(super) fn makes_programs(&self, cargo: Option<&CargoToml>) -> bool {
        match self.bindings.as_deref() {
            Some(stated) => stated == "bin",
            None => cargo.is_some_and(|cargo| {
                !cargo.is_dynamic() && cargo.has_programs() && !cargo.names_pyo3()
            }),
        }
    }

    /// Does the crate make a library for cffi, as stated or as `cargo` has it?
    fn makes_cffi(&self, cargo: Option<&CargoToml>) -> bool {
        match self.bindings.as_deref() {
            Some(stated) => stated == "cffi",
            None => cargo.is_some_and(CargoToml::is_plain_library),
        }
    }

    /// Checks the values, and completes them. `cargo` is the crate's manifest, `name`
    /// the project's name.
    pub(super) fn complete(
        self,
        folder: &Path,
        cargo: Option<&CargoToml>,
        name: &str,
    ) -> Result<Maturin, Problem> {
        self.check()?;
        let programs = self.makes_programs(cargo);
        let cffi = self.makes_cffi(cargo);
        let library = cargo.and_then(CargoToml::library);
        let manifest_path = self.manifest(folder, name);
        if manifest_path != "Cargo.toml" && !manifest_path.ends_with("/Cargo.toml") {
            let problem =
                format!("{manifest_path:?} is not a path of a Cargo.toml, with / between folders");
            return Err((&["tool", "maturin", "manifest-path"], problem));
        }
        let found_source =
            folder.join("rust/Cargo.toml").is_file() && self.has_src_layout(folder, name);
        let python_source = match &self.python_source {
            None if found_source => Some("src".to_owned()),
            stated => stated.clone(),
        };
        let stated = self.module_name.is_some();
        // To programs, the name of a module matters only where there is one to import.
        let module_name = self
            .module_name
            .filter(|name| !programs || text::is_dotted_name(name))
            .unwrap_or_else(|| library.unwrap_or(name).replace('-', "_"));
        if !programs && !text::is_dotted_name(&module_name) {
            let problem = if stated {
                format!(
                    "{module_name:?} is not a name of a Python module; write letters, digits \
                     and _, with dots between packages, such as \"package._module\""
                )
            } else {
                format!(
                    "is missing, and {module_name:?}, the name of the library or of the \
                     project, is not a name of a Python module; write module-name = \
                     \"package._module\""
                )
            };
            return Err((MODULE, problem));
        }
        Ok(Maturin {
            manifest_path,
            module_name,
            python_source,
            python_packages: self.python_packages,
            data: self.data,
            sboms: self.sbom.include,
            profile: self.profile.unwrap_or_else(|| "release".to_owned()),
            strip: self.strip,
            no_default_features: self.no_default_features,
            all_features: self.all_features,
            features: self.features,
            include: self.include,
            exclude: self.exclude,
            programs,
            cffi,
            found_source: self.python_source.is_none() && found_source,
        })
    }

    /// Refuses values that ask for what is not made.
    fn check(&self) -> Result<(), Problem> {
        let bindings = self.bindings.as_deref().unwrap_or("pyo3");
        if bindings == "uniffi" {
            let problem = "\"uniffi\" is not built: its Python code is generated by \
                           uniffi-bindgen, which wheelwright does not run; build this project \
                           with maturin, and check its wheels with `wheelwright audit`"
                .to_owned();
            return Err((&["tool", "maturin", "bindings"], problem));
        }
        if !matches!(bindings, "pyo3" | "pyo3-ffi" | "bin" | "cffi") {
            let problem = format!(
                "{bindings:?} is not built: wheelwright builds extensions of PyO3 (\"pyo3\", \
                 \"pyo3-ffi\"), libraries for cffi (\"cffi\") and programs (\"bin\"); build \
                 this project with maturin"
            );
            return Err((&["tool", "maturin", "bindings"], problem));
        }
        if self.include_import_lib {
            let problem = "no import library is packed; remove the key".to_owned();
            return Err((&["tool", "maturin", "include-import-lib"], problem));
        }
        for (list, keys) in [
            (&self.include, &["tool", "maturin", "include"][..]),
            (&self.exclude, &["tool", "maturin", "exclude"]),
        ] {
            if let Some(Pattern::OutDir { path, from }) = list
                .iter()
                .find(|one| matches!(one, Pattern::OutDir { .. }))
            {
                let problem = format!(
                    "{path:?} from {from:?}: what a build script writes is not packed; write \
                     the file into the import package"
                );
                return Err((keys, problem));
            }
        }
        if let Some(profile) = &self.profile {
            let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if profile.is_empty() || !profile.chars().all(word) {
                let problem = format!("{profile:?} is not the name of a profile of Cargo.toml");
                return Err((&["tool", "maturin", "profile"], problem));
            }
        }
        Ok(())
    }

    /// What is taken note of and not followed: the key as it stands in `source`, and why.
    pub(super) fn notes(&self, source: &str) -> Vec<(Vec<&'static str>, String)> {
        let key = |key| [&TABLE[..], &[key]].concat();
        let mut notes = Vec::new();
        if let Some(written) = &self.compatibility {
            let older = source::has(source, &["tool", "maturin", "manylinux"]);
            notes.push((
                key(if older { "manylinux" } else { "compatibility" }),
                format!(
                    "{written:?} is not followed: a wheel's platform tag is that of the \
                     platform's row in `wheelwright platforms`"
                ),
            ));
        }
        if !self.target.is_empty() {
            notes.push((
                key("target"),
                "is not followed: the oldest system is that of the platform's row in \
                 `wheelwright platforms`"
                    .to_owned(),
            ));
        }
        if self.sdist_include.is_some() {
            notes.push((
                key("sdist-include"),
                "is not followed, as by no maturin since 1.0; write include = [{ path = \
                 \"PATTERN\", format = \"sdist\" }]"
                    .to_owned(),
            ));
        }
        notes
    }
}

impl Maturin {
    /// The features of the crate for one Python.
    pub fn features(&self, interpreter: Option<Interpreter>) -> Vec<String> {
        let fits = |feature: &&Feature| match feature {
            Feature::Always(_) => true,
            Feature::For {
                version,
                implementation,
                ..
            } => {
                let own = match interpreter.map(|interpreter| interpreter.kind) {
                    Some(Kind::PyPy) => "pypy",
                    _ => "cpython",
                };
                let this = implementation
                    .as_deref()
                    .is_none_or(|name| name.eq_ignore_ascii_case(own));
                let version = version.as_ref().is_none_or(|range| {
                    interpreter.is_some_and(|interpreter| interpreter.is_minor_in(range))
                });
                this && version
            }
        };
        let name = |feature: &Feature| match feature {
            Feature::Always(feature) | Feature::For { feature, .. } => feature.clone(),
        };
        self.features.iter().filter(fits).map(name).collect()
    }

    /// The patterns of `include` for a kind of artifact, with their positions.
    pub fn included(&self, format: Format) -> impl Iterator<Item = (usize, &str)> {
        let all = self.include.iter().enumerate();
        all.filter_map(move |(position, pattern)| Some((position, pattern.of(format)?)))
    }

    /// The patterns of `exclude` for a kind of artifact.
    pub fn excluded(&self, format: Format) -> impl Iterator<Item = &str> {
        self.exclude
            .iter()
            .filter_map(move |pattern| pattern.of(format))
    }

    /// The top-level import package: `daggerml` of `daggerml._core`.
    pub fn package(&self) -> &str {
        self.module_name.split('.').next().unwrap_or_default()
    }

    /// The file of a library for cffi, as the system of a wheel tag names libraries.
    pub fn library_file(&self, platform_tag: &str) -> String {
        let name = self.module_name.rsplit('.').next().unwrap_or_default();
        match platform_tag.split('_').next() {
            Some("macosx") => format!("lib{name}.dylib"),
            Some("win" | "win32") => format!("{name}.dll"),
            _ => format!("lib{name}.so"),
        }
    }

    /// Where the extension goes in the wheel, without its suffix: `daggerml/_core` of
    /// `daggerml._core`, and `demo/demo` of `demo`.
    pub fn extension_path(&self) -> String {
        if self.module_name.contains('.') {
            self.module_name.replace('.', "/")
        } else {
            format!("{0}/{0}", self.module_name)
        }
    }
}
