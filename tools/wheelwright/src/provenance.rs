//! An in-toto statement with SLSA provenance: which files, from which source,
//! by which builder. Unsigned: a release job signs it, or the index attests.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wheelwright_artifacts::digest::Digest;

/// What the statement says besides its subjects.
#[derive(Debug, Clone)]
pub struct Build {
    /// Who ran the build, as a URI.
    pub builder: String,
    /// The repository, as a URI.
    pub source: String,
    /// The commit that was built.
    pub commit: String,
    /// Files that pin the rest of the input, such as Cargo.lock, by path.
    pub materials: BTreeMap<String, Digest>,
}

/// The kind of build that [`Build`] describes.
pub const BUILD_TYPE: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/main/docs/spec/packaging.md#provenance"
);

/// The statement about `subjects`. Holds no time and no machine, so that two
/// equal builds give equal statements.
pub fn statement(subjects: &BTreeMap<String, Digest>, build: &Build) -> Value {
    let subject: Vec<Value> = subjects
        .iter()
        .map(|(name, digest)| json!({ "name": name, "digest": { "sha256": digest.hex() } }))
        .collect();
    let mut dependencies = vec![json!({
        "uri": format!("git+{}@{}", build.source, build.commit),
        "digest": { "gitCommit": build.commit },
    })];
    dependencies.extend(
        build
            .materials
            .iter()
            .map(|(path, digest)| json!({ "name": path, "digest": { "sha256": digest.hex() } })),
    );
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": { "source": build.source, "commit": build.commit },
                "resolvedDependencies": dependencies,
            },
            "runDetails": {
                "builder": {
                    "id": build.builder,
                    "version": { "wheelwright": env!("CARGO_PKG_VERSION") },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_files_source_and_materials() {
        let subjects = BTreeMap::from([("a.whl".to_owned(), Digest::of(b"a"))]);
        let build = Build {
            builder: "https://example.org/builder".into(),
            source: "https://example.org/repo".into(),
            commit: "0".repeat(40),
            materials: BTreeMap::from([("Cargo.lock".to_owned(), Digest::of(b"lock"))]),
        };
        let statement = statement(&subjects, &build);
        assert_eq!(
            statement["subject"][0]["digest"]["sha256"],
            Digest::of(b"a").hex()
        );
        let definition = &statement["predicate"]["buildDefinition"];
        assert_eq!(
            definition["resolvedDependencies"][0]["digest"]["gitCommit"],
            build.commit
        );
        assert_eq!(definition["resolvedDependencies"][1]["name"], "Cargo.lock");
    }
}
