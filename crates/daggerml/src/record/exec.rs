//! Exec records: the outcome of one attempt at a call.

use std::fmt;
use std::str::FromStr;

use crate::cbor::Writer;
use crate::fault::{Fault, FaultKind, IdError, ValueError};
use crate::id::{DagId, DatumId, ExecId, ObjectId};

use super::commit::Time;
use super::{Record, RecordReader, RecordWriter, Reference};

/// What a call is known by in the cache: a hash of the runnable's datum and the
/// arguments' data. Calls with the same key have the same result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(ObjectId);

impl CallKey {
    /// Makes the key of calling the runnable `runnable` with `args`.
    pub fn new(runnable: DatumId, args: &[DatumId]) -> Self {
        let mut writer = Writer::new();
        writer.array(2);
        writer.text("dml.call");
        writer.array(1 + args.len());
        writer.id(runnable);
        args.iter().for_each(|arg| writer.id(*arg));
        Self(ObjectId::of(&writer.into_bytes()))
    }

    /// Makes the key of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(ObjectId::from_bytes(bytes))
    }

    /// Returns the key's 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallKey({})", self.0)
    }
}

impl FromStr for CallKey {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self)
    }
}

/// How an attempt at a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExecStatus {
    /// With a result.
    Ok,
    /// With an error, recorded in the DAG.
    Error,
    /// Stopped on request.
    Canceled,
}

impl ExecStatus {
    /// Returns the status's name in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Canceled => "canceled",
        }
    }
}

/// The outcome of one attempt at a call. Attempts are appended, never overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// Which call.
    pub key: CallKey,
    /// How it ended.
    pub status: ExecStatus,
    /// The DAG that it made.
    pub dag: Option<DagId>,
    /// Who ran it.
    pub adapter: String,
    /// When it began.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
    /// What it wrote to standard error: a bytes value.
    pub log: Option<DatumId>,
    /// The attempt before this one.
    pub previous: Option<ExecId>,
}

impl Record for Exec {
    type Id = ExecId;

    fn items(&self) -> usize {
        8
    }

    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError> {
        writer.bytes(self.key.as_bytes());
        writer.text(self.status.as_str());
        writer.optional_id(self.dag);
        writer.text(&self.adapter);
        writer.int(self.started.0);
        writer.int(self.finished.0);
        writer.optional_id(self.log);
        writer.optional_id(self.previous);
        Ok(())
    }

    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault> {
        reader.expect_items(items, 8)?;
        let key = CallKey(reader.id::<ExecId>()?.into());
        let status = match reader.text()? {
            "ok" => ExecStatus::Ok,
            "error" => ExecStatus::Error,
            "canceled" => ExecStatus::Canceled,
            other => return Err(reader.fault(FaultKind::Kind, format!("unknown status {other:?}"))),
        };
        Ok(Self {
            key,
            status,
            dag: reader.optional_id()?,
            adapter: reader.text()?.to_owned(),
            started: Time(reader.int()?),
            finished: Time(reader.int()?),
            log: reader.optional_id()?,
            previous: reader.optional_id()?,
        })
    }

    fn references(&self, visit: &mut dyn FnMut(Reference)) {
        if let Some(dag) = self.dag {
            visit(dag.into());
        }
        if let Some(log) = self.log {
            visit(log.into());
        }
        if let Some(previous) = self.previous {
            visit(previous.into());
        }
    }
}
