//! DSSE envelopes: a document with the signatures over it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical;
use super::key::{PrivateKey, PublicKey};

/// What the document in an envelope is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The longest envelope that is read, in bytes: some ten thousand files.
pub const LONGEST: usize = 4 << 20;
/// The most signatures that are looked at.
const MOST_SIGNATURES: usize = 16;

/// Bytes that are not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a DSSE envelope: {problem}")]
pub struct EnvelopeError {
    /// Why not.
    pub problem: String,
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` passes values")]
fn error(problem: impl ToString) -> EnvelopeError {
    EnvelopeError {
        problem: problem.to_string(),
    }
}

/// A document with the signatures over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload: Vec<u8>,
    signatures: Vec<Vec<u8>>,
    key_ids: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    payload: String,
    payload_type: String,
    signatures: Vec<JsonSignature>,
}

#[derive(Serialize, Deserialize)]
struct JsonSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Signs the document `payload`.
    pub fn seal(payload: Vec<u8>, key: &PrivateKey) -> Self {
        let signature = key.sign(&signed_bytes(&payload));
        Self {
            payload,
            signatures: vec![signature.to_vec()],
            key_ids: vec![key.public().fingerprint()],
        }
    }

    /// Reads an envelope. The signatures are not checked: see [`Self::is_signed_by`].
    ///
    /// # Errors
    /// The bytes are not an envelope, or one that is too long.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > LONGEST {
            return Err(error(format!("it has more than {LONGEST} bytes")));
        }
        let json: Json = serde_json::from_slice(bytes).map_err(error)?;
        if json.payload_type != PAYLOAD_TYPE {
            let found = json.payload_type;
            return Err(error(format!(
                "its payload is {found:?}, not {PAYLOAD_TYPE}"
            )));
        }
        if json.signatures.is_empty() || json.signatures.len() > MOST_SIGNATURES {
            let count = json.signatures.len();
            return Err(error(format!(
                "it has {count} signatures, not 1 to {MOST_SIGNATURES}"
            )));
        }
        let decode = |text: &str| STANDARD.decode(text).map_err(error);
        Ok(Self {
            payload: decode(&json.payload)?,
            signatures: json
                .signatures
                .iter()
                .map(|signature| decode(&signature.sig))
                .collect::<Result<_, _>>()?,
            key_ids: json.signatures.into_iter().map(|one| one.keyid).collect(),
        })
    }

    /// Returns the envelope as canonical JSON with a line end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let signatures = self.signatures.iter().zip(&self.key_ids);
        let json = Json {
            payload: STANDARD.encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: signatures
                .map(|(signature, keyid)| JsonSignature {
                    keyid: keyid.clone(),
                    sig: STANDARD.encode(signature),
                })
                .collect(),
        };
        // A structure of texts always is JSON.
        let value = serde_json::to_value(json).unwrap_or(Value::Null);
        let mut bytes = canonical::to_bytes(&value);
        bytes.push(b'\n');
        bytes
    }

    /// Returns the document.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Has the owner of `key` signed the document? The key id in the envelope is a hint
    /// that anybody can write; it is not looked at.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let message = signed_bytes(&self.payload);
        let mut signatures = self.signatures.iter();
        signatures.any(|signature| key.verifies(&message, signature))
    }

    /// Returns the key ids that the envelope names.
    pub fn key_ids(&self) -> &[String] {
        &self.key_ids
    }
}

/// What is signed: the document together with its type (DSSE's PAE).
fn signed_bytes(payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "DSSEv1 {} {PAYLOAD_TYPE} {} ",
        PAYLOAD_TYPE.len(),
        payload.len()
    )
    .into_bytes();
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::key;
    use super::*;

    #[test]
    fn what_is_signed_is_what_dsse_says() {
        let text = String::from_utf8(signed_bytes(b"hello world")).unwrap();
        assert_eq!(
            text,
            "DSSEv1 28 application/vnd.in-toto+json 11 hello world"
        );
    }

    #[test]
    fn an_envelope_is_read_as_it_is_written() {
        let envelope = Envelope::seal(b"{}".to_vec(), &key(1));
        let bytes = envelope.to_bytes();
        let read = Envelope::parse(&bytes).unwrap();
        assert_eq!(read, envelope);
        assert!(read.is_signed_by(&key(1).public()));
        assert!(!read.is_signed_by(&key(2).public()));
        let text = String::from_utf8(bytes).unwrap();
        // Another document under the same signature.
        let changed = text.replace(&STANDARD.encode("{}"), &STANDARD.encode("[]"));
        let changed = Envelope::parse(changed.as_bytes()).unwrap();
        assert!(!changed.is_signed_by(&key(1).public()));
        for (from, to) in [
            (PAYLOAD_TYPE, "text/plain"),
            ("e30=", "e30"),
            ("\"signatures\":[{", "\"signatures\":[],\"more\":[{"),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(
                Envelope::parse(text.replace(from, to).as_bytes()).is_err(),
                "{to}"
            );
        }
        assert!(Envelope::parse(&vec![b' '; LONGEST + 1]).is_err());
    }
}
