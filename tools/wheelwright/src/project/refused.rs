//! Keys that others read from `pyproject.toml` and wheelwright does not take: each
//! would change an artifact, so none is passed over, and each has a way out.

/// The table, the key in it, and what to do.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "project",
        "default-optional-dependency-keys",
        "no index knows default extras (PEP 771 is a draft); name the extra where it is wanted",
    ),
    ("build-system", "backend-path", IN_TREE),
    (
        MATURIN,
        "cargo-extra-args",
        "no maturin since 1.0 does; write features, no-default-features or profile instead",
    ),
    (
        MATURIN,
        "config",
        "write it into .cargo/config.toml of the repository",
    ),
    (
        MATURIN,
        "generate-stubs",
        "no stub is made from the code; write NAME.pyi beside pyproject.toml, or a stub into \
         the import package",
    ),
    (
        MATURIN,
        "rustc-args",
        "every crate is compiled with the same arguments; write [profile] in Cargo.toml, or \
         let build.rs print cargo::rustc-cfg or cargo::rustc-link-arg",
    ),
    (
        MATURIN,
        "unstable-flags",
        "cargo is run without flags of nightly releases; remove the key",
    ),
    (
        MATURIN,
        "targets",
        "the extension is the cdylib of the crate at manifest-path",
    ),
    (BUILD, "artifacts", INCLUDE),
    (BUILD, "exclude", EXCLUDE),
    (BUILD, "force-include", INCLUDE),
    (BUILD, "hooks", HOOKS),
    (BUILD, "include", INCLUDE),
    (BUILD, "only-include", PACKAGES),
    (BUILD, "only-packages", PACKAGES),
    (BUILD, "packages", PACKAGES),
    (BUILD, "sources", PACKAGES),
    (WHEEL, "artifacts", INCLUDE),
    (WHEEL, "bypass-selection", PACKAGES),
    (WHEEL, "exclude", EXCLUDE),
    (WHEEL, "extra-metadata", DIST_INFO),
    (WHEEL, "force-include", INCLUDE),
    (WHEEL, "hooks", HOOKS),
    (WHEEL, "include", INCLUDE),
    (WHEEL, "only-include", PACKAGES),
    (WHEEL, "only-packages", PACKAGES),
    (WHEEL, "sbom-files", DIST_INFO),
    (WHEEL, "shared-data", SHARED),
    (WHEEL, "shared-scripts", SHARED),
    (WHEEL, "sources", PACKAGES),
    (SDIST, "artifacts", SDIST_FILES),
    (SDIST, "exclude", EXCLUDE),
    (SDIST, "force-include", SDIST_FILES),
    (SDIST, "hooks", HOOKS),
    (SDIST, "include", SDIST_FILES),
    (SDIST, "only-include", SDIST_FILES),
    (SDIST, "packages", SDIST_FILES),
    (SDIST, "sources", SDIST_FILES),
    ("tool.hatch.metadata", "hooks", HOOKS),
];

const MATURIN: &str = "tool.maturin";
const BUILD: &str = "tool.hatch.build";
const WHEEL: &str = "tool.hatch.build.targets.wheel";
const SDIST: &str = "tool.hatch.build.targets.sdist";

const IN_TREE: &str = "no backend is run, and what one of the project's own adds to a wheel would \
                       be missing; without it, write build-backend = \"maturin\" (for a pure \
                       package \"hatchling.build\") and remove this key";
const INCLUDE: &str = "an import package is packed whole; move the files into it, or name \
                       one that is left out in [tool.wheelwright] include";
const EXCLUDE: &str = "write the patterns into [tool.wheelwright] exclude";
const PACKAGES: &str = "list the import packages in [tool.hatch.build.targets.wheel] packages";
const HOOKS: &str = "no code of a project is run; write the files that a hook would make";
const DIST_INFO: &str = "the .dist-info folder holds metadata, licences and --sbom of `pack`";
const SHARED: &str = "a wheel has no .data folder; move the files into the import package, \
                      and declare commands in [project.scripts]";
const SDIST_FILES: &str = "an sdist holds the import packages, README, licences and \
                           pyproject.toml; move the files into an import package";

/// What to do instead of writing `key` in `table`.
pub fn advice(table: &str, key: &str) -> Option<&'static str> {
    REFUSED
        .iter()
        .find(|row| row.0 == table && row.1 == key)
        .map(|row| row.2)
}
