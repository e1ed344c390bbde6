//! What statements together say of a file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::envelope::{Envelope, EnvelopeError};
use super::statement::{Statement, StatementError};
use super::trust::{Standing, Trust};

/// How far a rebuilder's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What a trusted rebuilder says: the digests of files that they built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The rebuilder's name in `trust.toml`.
    pub rebuilder: String,
    /// The statement that the rebuilder signed.
    pub statement: Statement,
}

/// Why a statement does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The bytes are not an envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The document in the envelope is not a rebuild statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// No signature in it is right and by a key of `trust.toml`.
    #[error("no trusted key has signed it (it names {})", key_ids.join(", "))]
    Unknown {
        /// The key ids that the envelope names.
        key_ids: Vec<String>,
    },
    /// The last day of the key is over.
    #[error("the key of {rebuilder} expired on {date}")]
    Expired {
        /// Whose key it is.
        rebuilder: String,
        /// The last day.
        date: Date,
    },
    /// The key was revoked.
    #[error("the key of {rebuilder} is revoked: {reason}")]
    Revoked {
        /// Whose key it is.
        rebuilder: String,
        /// Why it was revoked.
        reason: String,
    },
    /// The statement is older than `trust.toml` allows.
    #[error("{rebuilder} made it at {time}, longer ago than max-age-days")]
    TooOld {
        /// Who signed it.
        rebuilder: String,
        /// The time that it states.
        time: Timestamp,
    },
    /// The statement is of a time that has not come.
    #[error("{rebuilder} made it at {time}, which has not come yet")]
    Future {
        /// Who signed it.
        rebuilder: String,
        /// The time that it states.
        time: Timestamp,
    },
}

/// Reads a statement in its envelope. Returns what each trusted signer claims by it, and
/// why other signers, or all of them, do not count.
pub fn read(bytes: &[u8], trust: &Trust, now: Timestamp) -> (Vec<Claim>, Vec<Refused>) {
    let envelope = match Envelope::parse(bytes) {
        Ok(envelope) => envelope,
        Err(error) => return (Vec::new(), vec![error.into()]),
    };
    // Nothing in the document is looked at before a trusted key has vouched for it.
    let signers = trust.rebuilders.iter();
    let signers: Vec<_> = signers
        .filter(|signer| envelope.is_signed_by(&signer.key))
        .collect();
    if signers.is_empty() {
        let key_ids = envelope.key_ids().to_vec();
        return (Vec::new(), vec![Refused::Unknown { key_ids }]);
    }
    let statement = match Statement::parse(envelope.payload()) {
        Ok(statement) => statement,
        Err(error) => return (Vec::new(), vec![error.into()]),
    };
    let time = statement.predicate.time;
    let (mut claims, mut refused) = (Vec::new(), Vec::new());
    for signer in signers {
        let rebuilder = signer.name.clone();
        match signer.standing(now) {
            Standing::Expired(date) => refused.push(Refused::Expired { rebuilder, date }),
            Standing::Revoked(reason) => refused.push(Refused::Revoked { rebuilder, reason }),
            Standing::Good if trust.is_too_old(time, now) => {
                refused.push(Refused::TooOld { rebuilder, time });
            }
            Standing::Good if time.duration_since(now) > AHEAD => {
                refused.push(Refused::Future { rebuilder, time });
            }
            Standing::Good => claims.push(Claim {
                rebuilder,
                statement: statement.clone(),
            }),
        }
    }
    (claims, refused)
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Enough rebuilders made these bytes, and none made others.
    Agreed,
    /// Fewer rebuilders than needed made these bytes, and none made others.
    TooFew,
    /// The file is listed and cannot be had.
    Unavailable,
    /// A rebuilder made other bytes.
    Disagreement,
}

/// A file with what rebuilders say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The file's name.
    pub file: String,
    /// SHA-256 of the bytes that were found, if they could be had.
    pub sha256: Option<String>,
    /// The rebuilders who made the same bytes.
    pub agree: Vec<String>,
    /// The rebuilders who made other bytes, with the SHA-256 of those.
    pub differ: BTreeMap<String, String>,
    /// How many must agree.
    pub needed: usize,
    /// What follows.
    pub verdict: Verdict,
    /// Who published it, by an attestation that fits what is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// What else is wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Judges the file of the name `file` whose bytes have the SHA-256 `sha256`. `needed`
/// rebuilders must have made it.
///
/// Of each rebuilder, the newest statement about the file counts, one for each build
/// system and platform. One other digest among them is a disagreement, however many
/// agree: the builders that agree may be one hijacked machine.
pub fn judge(file: &str, sha256: &str, claims: &[Claim], needed: usize) -> Judged {
    let mut newest: BTreeMap<(&str, &str, &str), (Timestamp, BTreeSet<&str>)> = BTreeMap::new();
    for claim in claims {
        let Some(digest) = claim.statement.files.get(file) else {
            continue;
        };
        let predicate = &claim.statement.predicate;
        let place = (
            claim.rebuilder.as_str(),
            predicate.builder.as_str(),
            predicate.platform.as_str(),
        );
        let found = newest
            .entry(place)
            .or_insert_with(|| (predicate.time, BTreeSet::new()));
        if predicate.time > found.0 {
            *found = (predicate.time, BTreeSet::new());
        }
        if predicate.time == found.0 {
            found.1.insert(digest);
        }
    }
    let said = newest
        .into_iter()
        .flat_map(|((rebuilder, _, _), (_, digests))| {
            digests.into_iter().map(move |digest| (rebuilder, digest))
        });
    weigh(file, sha256, said, needed)
}

/// Judges a file whose bytes have the SHA-256 `sha256` by what others say that it has:
/// names, each with a SHA-256. `needed` of them must say the same, and none another.
pub fn weigh<'a>(
    file: &str,
    sha256: &str,
    said: impl IntoIterator<Item = (&'a str, &'a str)>,
    needed: usize,
) -> Judged {
    let mut agree = BTreeSet::new();
    let mut differ = BTreeMap::new();
    for (name, digest) in said {
        if digest == sha256 {
            agree.insert(name.to_owned());
        } else {
            differ.insert(name.to_owned(), digest.to_owned());
        }
    }
    agree.retain(|rebuilder| !differ.contains_key(rebuilder));
    let verdict = if !differ.is_empty() {
        Verdict::Disagreement
    } else if agree.len() >= needed {
        Verdict::Agreed
    } else {
        Verdict::TooFew
    };
    Judged {
        file: file.to_owned(),
        sha256: Some(sha256.to_owned()),
        agree: agree.into_iter().collect(),
        differ,
        needed,
        verdict,
        publisher: None,
        problem: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::key;
    use super::super::statement::tests::statement;
    use super::*;
    use crate::digest::Digest;

    const FILE: &str = "a-1.0.tar.gz";
    const NOW: &str = "2026-11-29T12:00:00Z";

    fn trust(more: &str) -> Trust {
        let entry = |name: &str, number: u8, more: &str| {
            let line = key(number).public().to_line();
            format!("[[rebuilder]]\nname = \"{name}\"\nkey = \"{line}\"\n{more}\n")
        };
        let text = entry("ada", 1, more) + &entry("bob", 2, "") + &entry("cyd", 3, "");
        Trust::parse(&text).unwrap()
    }

    fn signed(number: u8, content: &str, time: &str) -> Vec<u8> {
        let statement = statement(FILE, content, time).to_bytes();
        Envelope::seal(statement, &key(number)).to_bytes()
    }

    fn verdict(trust: &Trust, envelopes: &[Vec<u8>]) -> Judged {
        let mut claims = Vec::new();
        for bytes in envelopes {
            claims.extend(read(bytes, trust, NOW.parse().unwrap()).0);
        }
        judge(FILE, &Digest::of(b"good").hex(), &claims, 2)
    }

    #[test]
    fn enough_agree_or_too_few_or_one_does_not() {
        let trust = trust("");
        let time = "2026-11-29T05:00:00Z";
        let mut all = vec![signed(1, "good", time)];
        assert_eq!(verdict(&trust, &all).verdict, Verdict::TooFew);
        all.push(signed(1, "good", "2026-11-28T05:00:00Z"));
        assert_eq!(
            verdict(&trust, &all).verdict,
            Verdict::TooFew,
            "one is not two"
        );
        all.push(signed(2, "good", time));
        let judged = verdict(&trust, &all);
        assert_eq!((judged.verdict, judged.agree.len()), (Verdict::Agreed, 2));
        all.push(signed(3, "bad", time));
        let judged = verdict(&trust, &all);
        assert_eq!(judged.verdict, Verdict::Disagreement);
        assert_eq!(judged.differ["cyd"], Digest::of(b"bad").hex());
        assert_eq!(verdict(&trust, &[]).verdict, Verdict::TooFew);
    }

    #[test]
    fn an_old_statement_does_not_count_against_a_newer_one() {
        let trust = trust("");
        let (old, new) = ("2026-11-01T00:00:00Z", "2026-11-29T05:00:00Z");
        let bob = signed(2, "good", new);
        for (older, newer, expected) in [
            ("bad", "good", Verdict::Agreed),
            ("good", "bad", Verdict::Disagreement),
        ] {
            let both = [signed(1, older, old), signed(1, newer, new)];
            let [a, b] = both;
            assert_eq!(
                verdict(&trust, &[a.clone(), b.clone(), bob.clone()]).verdict,
                expected
            );
            assert_eq!(verdict(&trust, &[b, bob.clone(), a]).verdict, expected);
        }
        // Two of one time that say different things: neither is believed.
        let two = [signed(1, "good", new), signed(1, "bad", new), bob];
        let judged = verdict(&trust, &two);
        assert_eq!(
            (judged.verdict, judged.agree),
            (Verdict::Disagreement, vec!["bob".into()])
        );
    }

    #[test]
    fn keys_that_do_not_count() {
        let now: Timestamp = NOW.parse().unwrap();
        let good = signed(1, "good", "2026-11-29T05:00:00Z");
        for (more, problem) in [
            ("expires = \"2026-11-28\"", "expired on 2026-11-28"),
            ("revoked = \"stolen\"", "is revoked: stolen"),
        ] {
            let (claims, refused) = read(&good, &trust(more), now);
            assert_eq!(claims, []);
            assert!(refused[0].to_string().contains(problem), "{refused:?}");
        }
        let refusal = |bytes: &[u8]| {
            let (claims, refused) = read(bytes, &trust(""), now);
            assert_eq!(claims, []);
            refused[0].to_string()
        };
        assert!(refusal(&signed(9, "good", NOW)).contains("no trusted key"));
        assert!(refusal(&signed(1, "good", "2026-12-01T00:00:00Z")).contains("not come yet"));
        assert!(refusal(b"{}").contains("not a DSSE envelope"));
        let other = Envelope::seal(b"{}".to_vec(), &key(1)).to_bytes();
        assert!(refusal(&other).contains("not a rebuild statement"));
    }
}
