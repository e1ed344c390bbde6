use clap::Args;
use daggerml::dag::BlobReader;
use daggerml::error::Error;
use daggerml::record::{CHUNK, Kind, Node};
use daggerml::repo::revision::Resolved;
use daggerml::store::ReadObjects;
use daggerml::value::Value;

use super::dag::report::datum;
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::JsonValue;

/// Write a value to standard output
///
/// Bytes, blobs and strings are written as they are, nothing added; any other value as
/// lossless JSON.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml cat training/model > model.bin     the node `model` of the DAG `training`
  dml cat training                       its result
  dml cat v1.0:training/model            as it was at v1.0
  dml cat 1f2e3d4c5b6a                   a datum, by its id")]
pub struct CatArgs {
    /// A DAG, DAG/NODE, REVISION:DAG/NODE, or an id
    #[arg(add = complete::dags())]
    object: String,
}

pub fn run(context: &mut Context<'_>, args: &CatArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let snapshot = repository.snapshot()?;
    let found = match repository.node_at(&args.object) {
        Ok((dag, node)) => {
            let record: Node = snapshot.load(node)?;
            match (record.datum(), dag) {
                (Some(id), _) => id,
                (None, Some(dag)) => {
                    repository.view(dag)?.value(node)?;
                    return Ok(());
                }
                (None, None) => {
                    return Err(CommandError::wrong_usage("the node is a call that failed"));
                }
            }
        }
        Err(error)
            if matches!(
                *error,
                Error::WrongKind {
                    found: Kind::Datum,
                    ..
                }
            ) =>
        {
            match repository.resolve(&args.object)? {
                Resolved::Datum(id) => id,
                _ => return Err(CommandError::wrong_usage("not a value")),
            }
        }
        Err(error) => return Err(error.into()),
    };
    let value = datum(&snapshot, found)?;
    match &value {
        Value::Bytes(bytes) if !context.ui.is_json() => Ok(context.ui.raw(bytes)?),
        Value::Blob(blob) if !context.ui.is_json() => {
            write_blob(context, &mut repository.open_blob(**blob)?)
        }
        Value::String(text) if !context.ui.is_json() => Ok(context.ui.raw(text.as_bytes())?),
        value => context.ui.json(&JsonValue(value)),
    }
}

/// Writes the bytes of a blob, a few MiB at a time.
fn write_blob(context: &mut Context<'_>, reader: &mut BlobReader) -> Result<(), CommandError> {
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    loop {
        let length = reader.read_at(at, &mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        context.ui.raw(buffer.get(..length).unwrap_or_default())?;
        at += length as u64;
    }
}
