//! `wheelwright trust`: whose statements count.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use jiff::Timestamp;
use jiff::civil::Date;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use wheelwright_artifacts::rebuild::key::PublicKey;
use wheelwright_artifacts::rebuild::trust::{Standing, Trust};

use super::Outcome;

/// Say whose rebuild statements count
#[derive(clap::Args)]
pub(super) struct Args {
    /// The file that says it
    #[arg(long, value_name = "FILE", default_value = "trust.toml", global = true)]
    trust: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Count the statements of a rebuilder with this key
    Add {
        /// The rebuilder
        name: String,
        /// A line such as `ssh-ed25519 AAAA...`, or the file of a public key
        key: String,
        /// The last day on which the key counts
        #[arg(long, value_name = "YYYY-MM-DD")]
        expires: Option<Date>,
    },
    /// Show the rebuilders and their keys
    List,
    /// Count a key no more, whenever it signed
    Revoke {
        /// The rebuilder, whose keys are all revoked, or the fingerprint of one key
        #[arg(value_name = "NAME|FINGERPRINT")]
        which: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        match self.action {
            Action::Add { name, key, expires } => add(&self.trust, &name, &key, expires),
            Action::List => list(&self.trust),
            Action::Revoke { which, reason } => revoke(&self.trust, &which, &reason),
        }
    }
}

/// Reads a file of trust.
pub(super) fn read(path: &Path) -> Result<Trust, Box<dyn Error>> {
    parse(path, &String::from_utf8(super::read(path)?)?)
}

fn parse(path: &Path, text: &str) -> Result<Trust, Box<dyn Error>> {
    Ok(Trust::parse(text).map_err(|error| format!("{}: {error}", path.display()))?)
}

fn add(path: &Path, name: &str, key: &str, expires: Option<Date>) -> Outcome {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        other => other.map_err(|error| format!("cannot read {}: {error}", path.display()))?,
    };
    let mut document: DocumentMut = text.parse()?;
    let key = if key.starts_with("ssh-") {
        PublicKey::parse(key)?
    } else {
        let text = String::from_utf8(super::read(Path::new(key))?)?;
        PublicKey::parse(&text).map_err(|error| format!("{key}: {error}"))?
    };
    let mut entry = Table::new();
    entry["name"] = value(name);
    entry["key"] = value(key.to_line());
    if let Some(expires) = expires {
        entry["expires"] = value(expires.to_string());
    }
    let all = document
        .entry("rebuilder")
        .or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let all = all.as_array_of_tables_mut();
    let all = all.ok_or("`rebuilder` is not a list of [[rebuilder]] tables")?;
    all.push(entry);
    save(path, &document.to_string())?;
    super::print(format!("{name}: {}\n", key.fingerprint()).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn list(path: &Path) -> Outcome {
    let trust = read(path)?;
    let width = trust.rebuilders.iter().map(|one| one.name.len()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for one in &trust.rebuilders {
        let standing = match (one.standing(Timestamp::now()), one.expires) {
            (Standing::Revoked(reason), _) => format!("revoked: {reason}"),
            (Standing::Expired(date), _) => format!("expired on {date}"),
            (Standing::Good, Some(date)) => format!("good until {date}"),
            (Standing::Good, None) => "good".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<width$}  {}  {standing}",
            one.name,
            one.key.fingerprint()
        );
    }
    super::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn revoke(path: &Path, which: &str, reason: &str) -> Outcome {
    let text = String::from_utf8(super::read(path)?)?;
    let trust = parse(path, &text)?;
    let mut document: DocumentMut = text.parse()?;
    let entries = document.get_mut("rebuilder");
    let entries = entries.and_then(Item::as_array_of_tables_mut);
    let entries = entries.into_iter().flat_map(|all| all.iter_mut());
    let mut revoked = String::new();
    for (entry, known) in entries.zip(&trust.rebuilders) {
        let fingerprint = known.key.fingerprint();
        if (known.name == which || fingerprint == which) && known.revoked.is_none() {
            entry["revoked"] = value(reason);
            let _ = writeln!(revoked, "{}: {fingerprint}", known.name);
        }
    }
    if revoked.is_empty() {
        let path = path.display();
        return Err(format!("{path} has no key of {which:?} that is not revoked already").into());
    }
    save(path, &document.to_string())?;
    super::print(revoked.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the file, all or nothing, if it can be read back.
fn save(path: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    parse(path, text)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let problem = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    let file = tempfile::NamedTempFile::new_in(folder).map_err(problem)?;
    std::fs::write(file.path(), text).map_err(problem)?;
    // A temporary file is its owner's alone; this one is read by others.
    #[cfg(unix)]
    std::fs::set_permissions(
        file.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .map_err(problem)?;
    file.persist(path).map_err(|error| problem(error.error))?;
    Ok(())
}
