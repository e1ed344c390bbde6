//! An index's attestations (PEP 740): who published a file, by Sigstore's certificate and
//! its public logs. Everything is checked offline, with the keys of the trusted root.

mod ring_provider;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sigstore_verify::trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot};
use sigstore_verify::types::{Artifact, Bundle, Sha256Hash};
use sigstore_verify::{VerificationPolicy, Verifier};
use wheelwright_artifacts::rebuild::judge::{Judged, Verdict};
use wheelwright_artifacts::rebuild::trust::Publisher;

use super::release::Origin;
use crate::index::Listed;

/// The most bytes of a file's attestations.
const LONGEST: u64 = 4 << 20;
/// The most attestations of a file.
const MOST: usize = 64;
/// How the types of what is attested of a published file end: an index's own, at whatever
/// address it documents it, and SLSA's.
const PREDICATES: [&str; 2] = ["/attestations/publish/v1", "https://slsa.dev/provenance/v1"];
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A trusted root that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("Sigstore's trusted root cannot be used: {problem}")]
pub struct RootError {
    problem: String,
}

/// What checks attestations.
pub struct Attestations {
    verifier: Verifier,
}

impl std::fmt::Debug for Attestations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attestations").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Provenance {
    version: u64,
    attestation_bundles: Vec<Attested>,
}

#[derive(Deserialize)]
struct Attested {
    attestations: Vec<Attestation>,
}

#[derive(Deserialize)]
struct Attestation {
    version: u64,
    verification_material: Material,
    envelope: Envelope,
}

#[derive(Deserialize)]
struct Material {
    certificate: String,
    transparency_entries: Vec<Value>,
}

#[derive(Deserialize)]
struct Envelope {
    statement: String,
    signature: String,
}

/// What an attestation proves.
#[derive(Debug, PartialEq, Eq)]
struct Proved {
    identity: String,
    issuer: String,
    /// The in-toto statement that the identity signed.
    statement: Value,
}

impl Attestations {
    /// What checks attestations by the trusted root `root`, Sigstore's public one if none
    /// is given.
    ///
    /// # Errors
    /// The text is no trusted root.
    pub fn new(root: Option<&str>) -> Result<Self, RootError> {
        ring_provider::install();
        let fail = |problem: String| RootError { problem };
        let root = TrustedRoot::from_json(root.unwrap_or(SIGSTORE_PRODUCTION_TRUSTED_ROOT))
            .map_err(|error| fail(error.to_string()))?;
        let verifier = Verifier::new(&root).map_err(|error| fail(error.to_string()))?;
        Ok(Self { verifier })
    }

    /// Checks that `publisher` published a file. If an attestation says so, `judged` names
    /// the identity. If there is none, too few vouch for the file; if there are others, one
    /// is not what it should be.
    pub(super) fn check(
        &self,
        origin: Origin<'_>,
        file: &Listed,
        publisher: &Publisher,
        judged: &mut Judged,
    ) {
        let found = origin.provenance(file, LONGEST);
        let sha256 = judged.sha256.clone().unwrap_or_default();
        let (verdict, problem) = match found {
            Ok(Some(bytes)) => match self.publisher(&bytes, &file.file, &sha256, publisher) {
                Ok(identity) => {
                    judged.publisher = Some(identity);
                    return;
                }
                Err(problem) => (Verdict::Disagreement, problem),
            },
            Ok(None) => {
                let problem = format!("no attestation that {} published it", publisher.identity);
                (Verdict::TooFew, problem)
            }
            Err(problem) => (Verdict::TooFew, problem),
        };
        judged.verdict = match judged.verdict {
            Verdict::Disagreement => Verdict::Disagreement,
            _ => verdict,
        };
        judged.problem.get_or_insert(problem);
    }

    /// Returns the identity that published a file, if it is `publisher`.
    fn publisher(
        &self,
        provenance: &[u8],
        file: &str,
        sha256: &str,
        publisher: &Publisher,
    ) -> Result<String, String> {
        if provenance.len() as u64 > LONGEST {
            return Err(format!("its attestations have more than {LONGEST} bytes"));
        }
        let provenance: Provenance = serde_json::from_slice(provenance)
            .map_err(|error| format!("its attestations cannot be read: {error}"))?;
        if provenance.version != 1 {
            return Err(format!(
                "its attestations have version {}, not 1",
                provenance.version
            ));
        }
        let bundles = provenance.attestation_bundles.iter();
        let all = bundles.flat_map(|bundle| &bundle.attestations).take(MOST);
        let mut problem = "it has no attestation".to_owned();
        for attestation in all {
            let proved = self.prove(attestation, sha256);
            match proved.and_then(|proved| fits(proved, file, publisher)) {
                Ok(identity) => return Ok(identity),
                Err(other) => problem = other,
            }
        }
        Err(problem)
    }

    /// Checks the certificate, the logs, the signature and the digest of an attestation.
    fn prove(&self, attestation: &Attestation, sha256: &str) -> Result<Proved, String> {
        if attestation.version != 1 {
            return Err(format!(
                "its attestation has version {}, not 1",
                attestation.version
            ));
        }
        let wrong = |error: &dyn std::fmt::Display| format!("its attestation is wrong: {error}");
        let material = &attestation.verification_material;
        let bundle = json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {
                "certificate": { "rawBytes": material.certificate },
                "tlogEntries": material.transparency_entries,
            },
            "dsseEnvelope": {
                "payload": attestation.envelope.statement,
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{ "sig": attestation.envelope.signature }],
            },
        });
        let bundle = Bundle::from_json(&bundle.to_string()).map_err(|error| wrong(&error))?;
        let digest = digest(sha256).ok_or("the digest of the file is none")?;
        let artifact = Artifact::from_digest(Sha256Hash::new(digest));
        // Whose identity it must be is asked below, since it ends with a branch or tag.
        let policy = VerificationPolicy::any_identity();
        let verified = self.verifier.verify(artifact, &bundle, &policy);
        let verified = verified.map_err(|error| wrong(&error))?;
        let (Some(identity), Some(issuer)) = (verified.identity(), verified.issuer()) else {
            return Err(wrong(&"its certificate names nobody"));
        };
        let statement = STANDARD
            .decode(&attestation.envelope.statement)
            .map_err(|error| wrong(&error))?;
        Ok(Proved {
            identity: identity.as_str().to_owned(),
            issuer: issuer.to_owned(),
            statement: serde_json::from_slice(&statement).map_err(|error| wrong(&error))?,
        })
    }
}

/// Is what was proved that `publisher` published the file of this name? Returns the
/// identity.
fn fits(proved: Proved, file: &str, publisher: &Publisher) -> Result<String, String> {
    let Proved {
        identity,
        issuer,
        statement,
    } = proved;
    if !publisher.is(&identity) || issuer != publisher.issuer {
        let (wanted, vouches) = (&publisher.identity, &publisher.issuer);
        return Err(format!(
            "{identity} published it (says {issuer}), not {wanted} ({vouches})"
        ));
    }
    let kind = statement["predicateType"].as_str().unwrap_or_default();
    if !PREDICATES.iter().any(|end| kind.ends_with(end)) {
        return Err(format!(
            "its attestation says {kind:?}, not that it was published"
        ));
    }
    let subjects = statement["subject"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    match subjects {
        [subject] if subject["name"] == file => Ok(identity),
        _ => Err("its attestation is about another file".to_owned()),
    }
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real attestation, as it stands in Sigstore's public log, in the form of PEP 740.
    const REAL: &str = include_str!("attestation/real.provenance.json");
    const SHA256: &str = "54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";
    const FILE: &str = "signed-package-2.1.0-hb0f4dca_0.conda";
    const WORKFLOW: &str =
        "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml";

    fn publisher(identity: &str) -> Publisher {
        Publisher {
            identity: identity.to_owned(),
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
        }
    }

    fn prove(provenance: &str, sha256: &str) -> Result<Proved, String> {
        let provenance: Provenance = serde_json::from_str(provenance).unwrap();
        let attestation = &provenance.attestation_bundles[0].attestations[0];
        Attestations::new(None).unwrap().prove(attestation, sha256)
    }

    #[test]
    fn a_real_attestation_proves_who_signed_which_bytes() {
        let proved = prove(REAL, SHA256).unwrap();
        assert_eq!(proved.identity, format!("{WORKFLOW}@refs/heads/main"));
        assert_eq!(proved.issuer, publisher("").issuer);
        assert_eq!(proved.statement["subject"][0]["name"], FILE);
        let other = prove(REAL, &SHA256.replace("54", "55")).unwrap_err();
        assert!(other.contains("does not match"), "{other}");
    }

    #[test]
    fn one_changed_byte_anywhere_proves_nothing() {
        let value: Value = serde_json::from_str(REAL).unwrap();
        let base = "/attestation_bundles/0/attestations/0";
        let entry = "verification_material/transparency_entries/0";
        for place in [
            "envelope/signature".to_owned(),
            "envelope/statement".to_owned(),
            "verification_material/certificate".to_owned(),
            format!("{entry}/canonicalizedBody"),
            format!("{entry}/inclusionPromise/signedEntryTimestamp"),
            format!("{entry}/inclusionProof/rootHash"),
            format!("{entry}/inclusionProof/checkpoint/envelope"),
            format!("{entry}/integratedTime"),
        ] {
            let mut value = value.clone();
            let text = value.pointer_mut(&format!("{base}/{place}")).unwrap();
            let old = text.as_str().unwrap();
            // Of the checkpoint, which has lines, the size of the log: the name of who signed
            // it is a hint.
            let middle = old.find('\n').map_or(old.len() / 2, |end| end + 1);
            let new = if old.as_bytes()[middle] == b'1' {
                "2"
            } else {
                "1"
            };
            let changed = [&old[..middle], new, &old[middle + 1..]].concat();
            *text = changed.into();
            assert!(prove(&value.to_string(), SHA256).is_err(), "{place}");
        }
        let mut value = value;
        let entries = value.pointer_mut(&format!(
            "{base}/verification_material/transparency_entries"
        ));
        *entries.unwrap() = json!([]);
        assert!(prove(&value.to_string(), SHA256).is_err());
    }

    #[test]
    fn only_the_expected_publisher_of_that_file_fits() {
        let file = "demo-1.0.tar.gz";
        let proved = |kind: &str, names: &[&str]| Proved {
            identity: format!("{WORKFLOW}@refs/tags/v1"),
            issuer: publisher("").issuer,
            statement: json!({
                "predicateType": kind,
                "subject": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
            }),
        };
        for kind in PREDICATES {
            let fit = fits(proved(kind, &[file]), file, &publisher(WORKFLOW));
            assert_eq!(fit.unwrap(), format!("{WORKFLOW}@refs/tags/v1"));
        }
        for (kind, names, identity, problem) in [
            (
                PREDICATES[0],
                &[file][..],
                "https://h.test/x.yml",
                "published it (says",
            ),
            (
                "https://h.test/other",
                &[file],
                WORKFLOW,
                "not that it was published",
            ),
            (
                PREDICATES[0],
                &["other-1.0.tar.gz"],
                WORKFLOW,
                "another file",
            ),
            (PREDICATES[0], &[file, "more"], WORKFLOW, "another file"),
            (PREDICATES[0], &[], WORKFLOW, "another file"),
        ] {
            let said = fits(proved(kind, names), file, &publisher(identity)).unwrap_err();
            assert!(said.contains(problem), "{said}");
        }
        let mut other = publisher(WORKFLOW);
        other.issuer = "https://h.test".to_owned();
        assert!(fits(proved(PREDICATES[0], &[file]), file, &other).is_err());
    }

    #[test]
    fn what_is_no_provenance_is_a_problem() {
        let attestations = Attestations::new(None).unwrap();
        let ask = |text: &str| {
            let expected = publisher(WORKFLOW);
            attestations
                .publisher(text.as_bytes(), FILE, SHA256, &expected)
                .unwrap_err()
        };
        // The real one is of another kind: it is refused for that, and for nothing else.
        assert!(
            ask(REAL).contains("not that it was published"),
            "{}",
            ask(REAL)
        );
        for (text, problem) in [
            ("", "cannot be read"),
            ("{}", "cannot be read"),
            (r#"{"version": 2, "attestation_bundles": []}"#, "version 2"),
            (
                r#"{"version": 1, "attestation_bundles": []}"#,
                "no attestation",
            ),
        ] {
            assert!(ask(text).contains(problem), "{}", ask(text));
        }
        assert!(Attestations::new(Some("{}")).is_err());
    }
}
