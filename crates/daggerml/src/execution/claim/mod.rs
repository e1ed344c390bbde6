//! Claims: calls under way, one for each key.
//!
//! `owner` and `lease` are how the owner of a claim shows that it lives: by a locked file,
//! and by raising the claim's beat.

pub(crate) mod lease;
pub(crate) mod owner;

use std::fmt;

use crate::cbor::{Reader, Writer};
use crate::error::{Error, ExecutionError, Fault, FaultKind, Result};
use crate::id::DatumId;
use crate::record::{CallKey, Time};
use crate::store::{Snapshot, Table, WriteTxn};

/// The longest token of an adapter, in bytes.
pub const MAX_TOKEN: usize = 4096;

/// The version of a claim.
const VERSION: u64 = 1;

/// An executor, as the owner of claims: random, and the name of its lock file.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OwnerId(String);

impl OwnerId {
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| Error::Invalid {
            message: format!("the system gives no random numbers: {error}"),
        })?;
        let number = u128::from_be_bytes(bytes);
        Ok(Self(format!("{number:032x}")))
    }

    /// Returns the owner of that name; `None` when it cannot be one, for example a path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 32 && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the bytes whose digits the name has.
    pub(crate) fn to_bytes(&self) -> [u8; 16] {
        u128::from_str_radix(&self.0, 16)
            .unwrap_or_default()
            .to_be_bytes()
    }
}

impl fmt::Debug for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnerId({})", self.0)
    }
}

/// How far a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was asked of the adapter yet, or it is to be asked again.
    Claimed,
    /// The adapter was asked and has not answered.
    Running,
    /// The adapter works on it, and is to be asked with this token.
    Pending(String),
}

impl State {
    /// Returns the state's name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Pending(_) => "pending",
        }
    }
}

/// A call under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who runs it.
    pub owner: OwnerId,
    /// The number of the attempt.
    pub attempt: u64,
    /// Raised whenever the owner shows that it lives.
    pub beat: u64,
    /// How far it is.
    pub state: State,
    /// The adapter's name.
    pub adapter: String,
    /// The runnable.
    pub runnable: DatumId,
    /// The arguments.
    pub args: Vec<DatumId>,
    /// The list of the arguments: what the result's argv node must hold.
    pub argv: DatumId,
    /// When it was claimed, for people.
    pub since: Time,
    /// The machine, for people.
    pub host: String,
    /// The process, for people.
    pub pid: u64,
    /// Whether somebody wants it to stop.
    pub cancel: bool,
}

impl Claim {
    /// Returns the claim's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(12);
        writer.uint(VERSION);
        writer.text(self.owner.as_str());
        writer.uint(self.attempt);
        writer.uint(self.beat);
        writer.text(self.state.as_str());
        match &self.state {
            State::Pending(token) => writer.text(token),
            _ => writer.null(),
        }
        writer.text(&self.adapter);
        writer.id(self.runnable);
        writer.array(self.args.len());
        self.args.iter().for_each(|arg| writer.id(*arg));
        writer.id(self.argv);
        writer.array(3);
        writer.int(self.since.0);
        writer.text(&self.host);
        writer.uint(self.pid);
        writer.uint(self.cancel.into());
        writer.into_bytes()
    }

    /// Returns the claim in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let reader = &mut Reader::new(bytes);
        reader.array_of(12)?;
        match reader.uint()? {
            VERSION => {}
            other => return Err(reader.fault(FaultKind::Header, format!("claim {other}"))),
        }
        let owner = OwnerId::parse(reader.text()?)
            .ok_or_else(|| reader.fault(FaultKind::Payload, "not the name of an owner"))?;
        let attempt = reader.uint()?;
        let beat = reader.uint()?;
        let name = reader.text()?;
        let token = if reader.is_null() {
            None
        } else {
            Some(reader.text()?)
        };
        let state = match (name, token) {
            ("claimed", None) => State::Claimed,
            ("running", None) => State::Running,
            ("pending", Some(token)) if !token.is_empty() && token.len() <= MAX_TOKEN => {
                State::Pending(token.to_owned())
            }
            _ => {
                let detail = format!("not the state of a claim: {name:?}");
                return Err(reader.fault(FaultKind::Kind, detail));
            }
        };
        let adapter = reader.text()?.to_owned();
        let runnable = reader.id()?;
        let args = reader.ids()?;
        let argv = reader.id()?;
        reader.array_of(3)?;
        let since = Time(reader.int()?);
        let host = reader.text()?.to_owned();
        let pid = reader.uint()?;
        let cancel = match reader.uint()? {
            0 => false,
            1 => true,
            _ => return Err(reader.fault(FaultKind::Payload, "cancel is neither 0 nor 1")),
        };
        reader.finish()?;
        Ok(Self {
            owner,
            attempt,
            beat,
            state,
            adapter,
            runnable,
            args,
            argv,
            since,
            host,
            pid,
            cancel,
        })
    }

    fn read(key: CallKey, bytes: Option<&[u8]>) -> Result<Option<Self>> {
        bytes
            .map(|bytes| {
                Self::decode(bytes).map_err(|fault| {
                    ExecutionError::StateInvalid {
                        what: "claim",
                        key,
                        detail: fault.to_string(),
                    }
                    .into()
                })
            })
            .transpose()
    }

    pub(crate) fn put(&self, txn: &mut WriteTxn<'_>, key: CallKey) -> Result<()> {
        txn.put(Table::Claims, key.as_bytes(), &self.encode())
    }
}

/// Returns the claim of the call `key`.
pub fn find(snapshot: &Snapshot, key: CallKey) -> Result<Option<Claim>> {
    Claim::read(key, snapshot.get(Table::Claims, key.as_bytes())?)
}

/// Returns the claim of the call `key`, in a write transaction.
pub(crate) fn find_in(txn: &WriteTxn<'_>, key: CallKey) -> Result<Option<Claim>> {
    Claim::read(key, txn.get(Table::Claims, key.as_bytes())?)
}

/// Returns the claim of `key`, if it is still `owner`'s.
pub(crate) fn owned(txn: &WriteTxn<'_>, key: CallKey, owner: &OwnerId) -> Result<Option<Claim>> {
    Ok(find_in(txn, key)?.filter(|claim| claim.owner == *owner))
}

pub(crate) fn remove(txn: &mut WriteTxn<'_>, key: CallKey) -> Result<bool> {
    txn.delete(Table::Claims, key.as_bytes())
}

/// Returns all claims, in order of their keys.
pub fn list(snapshot: &Snapshot) -> Result<Vec<(CallKey, Claim)>> {
    let mut found = Vec::new();
    for entry in snapshot.scan(Table::Claims, &[])? {
        let (key, bytes) = entry?;
        if let Ok(key) = key.try_into() {
            let key = CallKey::from_bytes(key);
            if let Some(claim) = Claim::read(key, Some(bytes))? {
                found.push((key, claim));
            }
        }
    }
    Ok(found)
}
