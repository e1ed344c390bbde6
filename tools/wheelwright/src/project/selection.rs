//! Which files are packed, by their names alone.

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use super::maturin::Format;
use super::{Project, ProjectError};

/// Never packed, and not worth a word: what programs leave behind.
const RUBBISH: &[&str] = &[
    "**/__pycache__",
    "**/*.py[co]",
    "**/.DS_Store",
    "**/.*.sw[op]",
    "**/.git",
    "**/.hg",
    "**/.svn",
    "**/.bzr",
    "**/.venv",
    "**/.tox",
    "**/.nox",
    "**/.cache",
    "**/.hypothesis",
    "**/.idea",
    "**/.ipynb_checkpoints",
    "**/.mypy_cache",
    "**/.pytest_cache",
    "**/.ruff_cache",
    "**/.vscode",
    "**/.coverage",
    "**/*.egg-info",
];

/// Not packed unless `[tool.wheelwright] include` says so, and told: most are an
/// accident, but a few are data.
const DOUBTFUL: &[(&str, &str)] = &[
    ("**/*.so", COMPILED),
    ("**/*.pyd", COMPILED),
    ("**/*.dylib", COMPILED),
    ("**/*.orig", LEFTOVER),
    ("**/*.rej", LEFTOVER),
    ("**/*~", LEFTOVER),
    ("**/node_modules", "a folder of installed packages"),
    ("**/.env", SECRET),
    ("**/.netrc", SECRET),
    ("**/.pypirc", SECRET),
    ("**/.git-credentials", SECRET),
    ("**/.ssh", SECRET),
];
const COMPILED: &str = "a compiled library, as an editable install leaves it";
const LEFTOVER: &str = "a leftover of an editor or a merge";
const SECRET: &str = "it may hold secrets";

/// In a crate's own folder, files with a dot are a repository's.
pub const OF_A_REPOSITORY: &[&str] = &[".*", "target"];

/// What decides over a file's name.
pub struct Rules {
    never: GlobSet,
    doubtful: Vec<(GlobMatcher, &'static str)>,
    pub include: GlobSet,
    pub exclude: GlobSet,
    /// Where the searched folder is in the project: patterns may say it or not.
    pub place: String,
    /// The extension's module, without a suffix: a file of its name beside the
    /// sources is an older build of it.
    extension: Option<String>,
}

impl Rules {
    pub fn new(
        project: &Project,
        format: Format,
        more: &[&str],
        place: &str,
    ) -> Result<Self, ProjectError> {
        let settings = &project.settings;
        let of_maturin = project.maturin.iter();
        let exclude = of_maturin.flat_map(|maturin| maturin.excluded(format));
        let exclude = settings.exclude.iter().map(String::as_str).chain(exclude);
        let never = RUBBISH.iter().chain(more).copied();
        Ok(Self {
            never: set(project, &["tool", "wheelwright"], never)?,
            doubtful: DOUBTFUL
                .iter()
                .map(|(pattern, why)| {
                    let keys = ["tool", "wheelwright"];
                    Ok((glob(project, &keys, pattern)?.compile_matcher(), *why))
                })
                .collect::<Result<_, ProjectError>>()?,
            include: set(
                project,
                &["tool", "wheelwright", "include"],
                settings.include.iter().map(String::as_str),
            )?,
            exclude: set(project, &["tool", "wheelwright", "exclude"], exclude)?,
            place: place.to_owned(),
            extension: project
                .maturin
                .as_ref()
                .and_then(|maturin| maturin.module_name.rsplit('.').next())
                .map(|module| format!("{module}.")),
        })
    }

    /// A pattern may or may not say where the folder is; one that names a folder
    /// names all that is in it.
    pub fn matches(&self, set: &GlobSet, path: &str) -> bool {
        !set.is_empty()
            && with_folders(path)
                .any(|path| set.is_match(path) || set.is_match(format!("{}{path}", self.place)))
    }

    /// Why a file is left out: `Err` if it is, with a reason if it is worth a word.
    pub fn judge(&self, path: &str) -> Result<(), Option<&'static str>> {
        if self.matches(&self.exclude, path) {
            return Err(None);
        }
        if self.matches(&self.include, path) {
            return Ok(());
        }
        if with_folders(path).any(|path| self.never.is_match(path)) {
            return Err(None);
        }
        let doubt = self
            .doubtful
            .iter()
            .find(|(glob, _)| with_folders(path).any(|path| glob.is_match(path)));
        let Some((_, why)) = doubt else {
            return Ok(());
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let older = self
            .extension
            .as_ref()
            .is_some_and(|module| *why == COMPILED && name.starts_with(module));
        Err((!older).then_some(why))
    }
}

/// A path, and the folders that it is in.
fn with_folders(path: &str) -> impl Iterator<Item = &str> {
    let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
    std::iter::once(path).chain(folders)
}

fn set<'a>(
    project: &Project,
    keys: &[&str],
    patterns: impl Iterator<Item = &'a str>,
) -> Result<GlobSet, ProjectError> {
    let mut set = GlobSetBuilder::new();
    for (position, pattern) in patterns.enumerate() {
        let position = position.to_string();
        let keys = [keys, &[&position]].concat();
        set.add(glob(project, &keys, pattern)?);
    }
    set.build()
        .map_err(|error| project.error_at(keys, error.to_string()))
}

pub fn glob(project: &Project, keys: &[&str], pattern: &str) -> Result<Glob, ProjectError> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| project.error_at(keys, error.to_string()))
}
