//! Ed25519 keys, as `ssh-keygen` and `openssl` write them.

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use ssh_key::private::Ed25519Keypair;
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{HashAlg, LineEnding, SshSig};

/// The namespace of signatures by `ssh-keygen -Y sign`, so that a signature that was
/// made for another purpose is none of ours.
pub const NAMESPACE: &str = "wheelwright-rebuild";

/// A text that is not a key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not a key.
    #[error(
        "not an Ed25519 {kind} key ({problem}); `ssh-keygen -t ed25519` and \
         `openssl genpkey -algorithm ed25519` make such keys"
    )]
    Unreadable {
        /// `public` or `private`.
        kind: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The key is of another kind, such as RSA.
    #[error("the {kind} key is of the kind {algorithm}; only Ed25519 keys are used")]
    Algorithm {
        /// `public` or `private`.
        kind: &'static str,
        /// Its kind.
        algorithm: String,
    },
    /// The private key is encrypted.
    #[error(
        "the private key has a passphrase; make a key without one for this purpose \
         (`ssh-keygen -t ed25519 -N ''`), and keep it where only the builder can read it"
    )]
    Encrypted,
}

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a line such as `ssh-ed25519 AAAA... comment`, or a PEM public key.
    ///
    /// # Errors
    /// The text is neither, or the key is of another kind.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let unreadable = |problem: String| KeyError::Unreadable {
            kind: "public",
            problem,
        };
        let text = text.trim();
        if text.starts_with("-----BEGIN PUBLIC KEY-----") {
            let key = VerifyingKey::from_public_key_pem(text);
            return key.map(Self).map_err(|error| unreadable(error.to_string()));
        }
        let key = ssh_key::PublicKey::from_openssh(text)
            .map_err(|error| unreadable(error.to_string()))?;
        let Some(ed25519) = key.key_data().ed25519() else {
            return Err(KeyError::Algorithm {
                kind: "public",
                algorithm: key.algorithm().to_string(),
            });
        };
        let key = VerifyingKey::from_bytes(&ed25519.0);
        key.map(Self).map_err(|error| unreadable(error.to_string()))
    }

    /// Returns the fingerprint that `ssh-keygen -l` prints, `SHA256:...`.
    pub fn fingerprint(&self) -> String {
        self.ssh().fingerprint(HashAlg::Sha256).to_string()
    }

    /// Returns the key as a line of `authorized_keys`, without a comment.
    pub fn to_line(&self) -> String {
        // Writing into memory cannot fail.
        self.ssh().to_openssh().unwrap_or_default()
    }

    /// Is `signature` this key's for `message`? Keys and signatures that would fit more
    /// than one message are refused.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }

    /// Is `pem` this key's signature for `message`, as `ssh-keygen -Y sign` makes it?
    pub fn verifies_ssh(&self, message: &[u8], pem: &str) -> bool {
        SshSig::from_pem(pem).is_ok_and(|signature| {
            let ours = self.ssh().verify(NAMESPACE, message, &signature);
            ours.is_ok()
        })
    }

    fn ssh(&self) -> ssh_key::PublicKey {
        let key = KeyData::Ed25519(Ed25519PublicKey(self.0.to_bytes()));
        ssh_key::PublicKey::new(key, "")
    }
}

/// A key that signs.
pub struct PrivateKey(ed25519_dalek::SigningKey);

impl PrivateKey {
    /// Reads the file of a private key: OpenSSH's format, or PKCS #8 in PEM.
    ///
    /// # Errors
    /// The text is neither, the key is of another kind, or it has a passphrase.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let unreadable = |problem: String| KeyError::Unreadable {
            kind: "private",
            problem,
        };
        let text = text.trim();
        if text.starts_with("-----BEGIN PRIVATE KEY-----") {
            let key = ed25519_dalek::SigningKey::from_pkcs8_pem(text);
            return key.map(Self).map_err(|error| unreadable(error.to_string()));
        }
        if text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            return Err(KeyError::Encrypted);
        }
        let key = ssh_key::PrivateKey::from_openssh(text)
            .map_err(|error| unreadable(error.to_string()))?;
        if key.is_encrypted() {
            return Err(KeyError::Encrypted);
        }
        let Some(pair) = key.key_data().ed25519() else {
            return Err(KeyError::Algorithm {
                kind: "private",
                algorithm: key.algorithm().to_string(),
            });
        };
        let seed = pair.private.to_bytes();
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// Returns the public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// Signs `message` as `ssh-keygen -Y sign -n` [`NAMESPACE`] does; returns the text of
    /// the `.sig` file.
    ///
    /// # Errors
    /// The text cannot be made. This is not known to happen.
    pub fn sign_ssh(&self, message: &[u8]) -> Result<String, KeyError> {
        let unreadable = |error: ssh_key::Error| KeyError::Unreadable {
            kind: "private",
            problem: error.to_string(),
        };
        let key = ssh_key::PrivateKey::from(Ed25519Keypair::from(&self.0));
        let signature = key
            .sign(NAMESPACE, HashAlg::Sha512, message)
            .map_err(unreadable)?;
        signature.to_pem(LineEnding::LF).map_err(unreadable)
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({})", self.public().fingerprint())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A key that follows from a number.
    pub(crate) fn key(number: u8) -> PrivateKey {
        PrivateKey(ed25519_dalek::SigningKey::from_bytes(&[number; 32]))
    }

    #[test]
    fn a_signature_is_of_one_key_and_one_message() {
        let (ours, other) = (key(1), key(2));
        let signature = ours.sign(b"message");
        assert!(ours.public().verifies(b"message", &signature));
        assert!(!ours.public().verifies(b"massage", &signature));
        assert!(!other.public().verifies(b"message", &signature));
        assert!(!ours.public().verifies(b"message", &signature[..63]));
        let pem = ours.sign_ssh(b"message").unwrap();
        assert!(ours.public().verifies_ssh(b"message", &pem));
        assert!(!ours.public().verifies_ssh(b"massage", &pem));
        assert!(!other.public().verifies_ssh(b"message", &pem));
        assert!(!ours.public().verifies_ssh(b"message", "no signature"));
    }

    #[test]
    fn a_public_key_is_read_as_it_is_written() {
        let public = key(3).public();
        let line = public.to_line();
        assert!(line.starts_with("ssh-ed25519 AAAA"), "{line}");
        assert_eq!(
            PublicKey::parse(&format!("{line} me@host\n")).unwrap(),
            public
        );
        assert!(public.fingerprint().starts_with("SHA256:"));
        for wrong in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "-----BEGIN PUBLIC KEY-----",
        ] {
            assert!(PublicKey::parse(wrong).is_err(), "{wrong}");
            assert!(PrivateKey::parse(wrong).is_err(), "{wrong}");
        }
        assert!(
            !format!("{:?}", key(3)).contains("[3"),
            "it is never printed"
        );
    }
}
