use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Args;
use daggerml::config::{self, Config, KEYS, OF_REMOTES, Scope, Setting};
use daggerml::error::Error;
use daggerml::transfer::remote::checked_setting;
use daggerml::{ErrorKind, Repository};
use serde::Serialize;
use serde_json::json;

use crate::complete;
use crate::context::Context;
use crate::error::{CommandError, CommandErrorKind};
use crate::ui::{Cell, Report, Table, Ui, style, text};

/// Show and change settings
///
/// A setting of the repository counts more than one of the user.
#[derive(Args, Debug)]
#[command(after_help = settings_help())]
pub struct ConfigArgs {
    /// Show the setting KEY
    #[arg(add = complete::settings())]
    key: Option<String>,

    /// Set it to VALUE
    #[arg(requires = "key")]
    value: Option<String>,

    /// Add VALUE to the list that the setting is
    #[arg(long, requires = "value")]
    add: bool,

    /// Remove the setting
    #[arg(long, requires = "key", conflicts_with = "value")]
    unset: bool,

    /// Change the user's settings, for all repositories
    #[arg(long)]
    user: bool,
}

fn settings_help() -> String {
    let mut help = String::from(
        "Examples:
  dml config                          list the settings
  dml config user.name                show one
  dml config user.name \"Ada\" --user   set one for all repositories
  dml config adapters.allow sum --add --user  add to a list

Settings:
",
    );
    for key in KEYS {
        let _ = writeln!(help, "  {:<24} {}", key.key, key.about);
    }
    for (name, _, about) in OF_REMOTES {
        let _ = writeln!(help, "  remote.NAME.{name:<12} {about}");
    }
    help.push_str("  adapter.NAME.KEY         a setting of the adapter NAME");
    help
}

#[derive(Serialize)]
struct Settings {
    settings: Vec<SettingReport>,
}

#[derive(Serialize)]
struct SettingReport {
    key: String,
    value: String,
    scope: &'static str,
}

impl SettingReport {
    fn new(setting: Setting) -> Self {
        Self {
            key: setting.key,
            value: setting.value,
            scope: setting.scope.as_str(),
        }
    }
}

impl Report for Settings {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["KEY", "SCOPE", "VALUE"]);
        for setting in &self.settings {
            table.row([
                Cell::new(style::NAME, &setting.key),
                Cell::plain(setting.scope),
                Cell::plain(&setting.value),
            ]);
        }
        table.write(ui)
    }
}

impl Report for SettingReport {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        writeln!(ui.out(), "{}", text::line(&self.value))
    }
}

/// Returns whether the repository may do harm: then it is better to say so than to leave its
/// settings out.
fn is_unsafe(error: &CommandError) -> bool {
    error.kind() == CommandErrorKind::Engine(ErrorKind::Unsafe)
}

/// Returns the address of the remote for which `key` says that results of calls are shared, if
/// the user does not trust it.
fn untrusted(repository: &Repository, key: &str) -> Option<String> {
    let name = key.strip_prefix("remote.")?.strip_suffix(".calls")?;
    let all = repository.sharing().ok()?;
    let found = all.iter().find(|sharing| sharing.remote == name)?;
    let remote = repository.remote(name).ok()?;
    (!found.trusted).then(|| remote.shown(repository))
}

/// Says of a setting that somebody wrote into the file that it has no effect.
fn note_unknown(ui: &mut Ui, key: &str, scope: Scope) {
    let similar = config::similar(key).join(", ");
    let key = text::line(key);
    let of = scope.as_str();
    if similar.is_empty() {
        ui.note(format_args!("No setting is called {key} ({of})"));
    } else {
        let meant = text::line(&similar);
        ui.note(format_args!(
            "No setting is called {key} ({of}); did you mean {meant}?"
        ));
    }
}

pub fn run(context: &mut Context<'_>, args: &ConfigArgs) -> Result<(), CommandError> {
    // The user's settings can be seen and changed outside of any repository.
    let changes = args.value.is_some() || args.unset;
    let repository = match context.repository() {
        // A repository that cannot be used is in nobody's way.
        _ if args.user && changes => None,
        Ok(repository) => Some(repository),
        Err(error) if is_unsafe(&error) => return Err(error),
        Err(_) if args.user || args.value.is_none() => None,
        Err(error) => return Err(error),
    };
    let mut config = Config::of(repository.as_ref().map(Repository::root))?;
    let scope = if args.user {
        Scope::User
    } else {
        Scope::Repository
    };
    let Some(key) = &args.key else {
        let mut settings = Vec::new();
        let mut unknown = Vec::new();
        for setting in config.list() {
            if !config::is_known(&setting.key) {
                unknown.push((setting.key.clone(), setting.scope));
            }
            settings.push(SettingReport::new(setting));
        }
        context.ui.report(&Settings { settings })?;
        for (key, scope) in unknown {
            note_unknown(context.ui, &key, scope);
        }
        return Ok(());
    };
    if let Some(value) = &args.value {
        let value = checked_setting(key, value)?;
        if args.add {
            config.add(scope, key, &value)?;
        } else {
            config.set(scope, key, &value)?;
        }
        let done = if args.add { "Added to" } else { "Set" };
        let json = json!({"key": key, "value": value, "scope": scope.as_str()});
        context
            .ui
            .done(&json, format_args!("{done} {key} ({})", scope.as_str()))?;
        if let Some(url) = repository.and_then(|repository| untrusted(&repository, key)) {
            context.ui.note(format_args!(
                "Nothing is shared until you trust that remote, in your own settings: \
                 `dml config --user --add remotes.trusted {url}`"
            ));
        }
        return Ok(());
    }
    let not_set = || Error::NotFound {
        what: "setting",
        name: key.clone(),
        place: String::new(),
    };
    if args.unset {
        if !config.unset(scope, key)? {
            return Err(not_set().into());
        }
        let json = json!({"unset": key, "scope": scope.as_str()});
        return context
            .ui
            .done(&json, format_args!("Removed {key} ({})", scope.as_str()));
    }
    let Some(setting) = config.get(key)? else {
        let similar = config::similar(key);
        let error = CommandError::from(not_set());
        return Err(if !config::is_known(key) && !similar.is_empty() {
            error.hint(format!("did you mean {}?", similar.join(", ")))
        } else {
            error
        });
    };
    context.ui.report(&SettingReport::new(setting))
}
