use std::io;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use daggerml::Error;
use daggerml::maintenance::Step;
use daggerml::value::Value;
use serde_json::json;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{JsonValue, size, style};

/// Put a file of any size as a DAG, whose result is the file's bytes
///
/// The result is a blob: `dml cat` writes its bytes. Files with the same bytes are stored once.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml put samples samples.bin        commit the file as the DAG `samples`
  tar -c data | dml put data -       what comes from standard input
  dml cat samples > copy.bin         and back")]
pub struct PutArgs {
    /// The name of the DAG
    #[arg(add = complete::dags())]
    dag: String,

    /// The file; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// The commit's message
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    message: String,

    /// Name the node, too
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
}

pub fn run(context: &mut Context<'_>, args: &PutArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let mut dag = repository.new_dag(&args.dag, &args.message)?;
    let mut progress = context.ui.progress();
    let mut told = |done| {
        progress.step(Step {
            phase: "putting bytes",
            done,
            total: None,
        });
        Ok(())
    };
    let put = if args.file.as_os_str() == "-" {
        dag.put_blob(&mut io::stdin(), &mut told)
    } else {
        dag.put_file(&args.file, &mut told)
    };
    drop(progress);
    let node = put.map_err(|error| match &*error {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            CommandError::open(&args.file, source)
        }
        _ => error.into(),
    })?;
    if let Some(name) = &args.node {
        dag.set_name(name, node)?;
    }
    let value = dag.value(node)?;
    let made = dag.commit(node)?;
    let bytes = match &value {
        Value::Blob(blob) => blob.size,
        _ => 0,
    };
    let commit = made.commit.to_string();
    let json = json!({"made": {
        "name": args.dag,
        "dag": made.dag.to_string(),
        "commit": commit,
        "value": JsonValue(&value),
    }});
    let message = format_args!(
        "Put {} as the DAG {} in commit {}",
        size(bytes),
        args.dag,
        style::short(&commit)
    );
    context.ui.done(&json, message)
}
