//! `[tool.hatch]`: hatchling builds a pure package from its sdist by this table.
//! What decides over the wheel's files is read or refused; the rest of the table
//! (environments, scripts, publishing) is hatch's own.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// `[tool.hatch]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Hatch {
    /// `[tool.hatch.build]`.
    pub build: HatchBuild,
    /// `[tool.hatch.metadata]`.
    pub metadata: HatchMetadata,
}

/// `[tool.hatch.metadata]`: nothing that a wheel would show.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct HatchMetadata {
    allow_ambiguous_features: IgnoredAny,
    allow_direct_references: IgnoredAny,
}

/// `[tool.hatch.build]`; what wheelwright does anyway, or what is about the work
/// tree only, is taken and not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct HatchBuild {
    /// `[tool.hatch.build.targets]`.
    pub targets: HatchTargets,
    dev_mode_dirs: IgnoredAny,
    dev_mode_exact: IgnoredAny,
    directory: IgnoredAny,
    ignore_vcs: IgnoredAny,
    reproducible: IgnoredAny,
    skip_excluded_dirs: IgnoredAny,
}

/// `[tool.hatch.build.targets]`: wheelwright makes no other than these.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HatchTargets {
    /// `[tool.hatch.build.targets.wheel]`.
    pub wheel: HatchWheel,
    /// `[tool.hatch.build.targets.sdist]`.
    pub sdist: HatchSdist,
}

/// `[tool.hatch.build.targets.wheel]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct HatchWheel {
    /// The folders (or single modules) that are imported.
    pub packages: Vec<String>,
    core_metadata_version: IgnoredAny,
    dev_mode_dirs: IgnoredAny,
    dev_mode_exact: IgnoredAny,
    directory: IgnoredAny,
    ignore_vcs: IgnoredAny,
    macos_max_compat: IgnoredAny,
    reproducible: IgnoredAny,
    skip_excluded_dirs: IgnoredAny,
    strict_naming: IgnoredAny,
}

/// `[tool.hatch.build.targets.sdist]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct HatchSdist {
    core_metadata_version: IgnoredAny,
    directory: IgnoredAny,
    ignore_vcs: IgnoredAny,
    reproducible: IgnoredAny,
    skip_excluded_dirs: IgnoredAny,
    strict_naming: IgnoredAny,
    support_legacy: IgnoredAny,
}
