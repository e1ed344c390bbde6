//! What became of refs, as `push`, `fetch` and `pull` show it.

use std::io;

use daggerml::repo::branches::{HEADS, REMOTES};
use daggerml::transfer::remote::{Carried, ChangeKind, FetchReport, PushReport, RefChange, Remote};
use serde::Serialize;

use crate::ui::{Cell, Report, Table, Ui, size, style, text};

/// What a push or a fetch did.
#[derive(Serialize)]
pub struct Moved {
    remote: String,
    url: String,
    dry_run: bool,
    changes: Vec<Change>,
    packs: u64,
    objects: u64,
    bytes: u64,
    #[serde(skip)]
    action: &'static str,
}

#[derive(Serialize)]
struct Change {
    #[serde(rename = "ref")]
    name: String,
    #[serde(rename = "change")]
    how: &'static str,
    from: Option<String>,
    to: Option<String>,
    #[serde(skip)]
    kind: ChangeKind,
}

impl Change {
    fn new(change: &RefChange) -> Self {
        Self {
            name: change.name.clone(),
            how: change.kind.as_str(),
            from: change.before.map(|id| id.to_string()),
            to: change.after.map(|id| id.to_string()),
            kind: change.kind,
        }
    }

    fn word(&self) -> &'static str {
        match self.kind {
            ChangeKind::Unchanged => "unchanged",
            ChangeKind::Created => "new",
            ChangeKind::FastForward => "moved forward",
            ChangeKind::Moved => "moved",
            ChangeKind::Forced => "forced",
            ChangeKind::Deleted => "deleted",
            ChangeKind::Kept => "kept; it is another commit there",
        }
    }

    fn style(&self) -> anstyle::Style {
        match self.kind {
            ChangeKind::Unchanged => style::PLAIN,
            ChangeKind::Created => style::ADDED,
            ChangeKind::FastForward | ChangeKind::Moved => style::CHANGED,
            ChangeKind::Forced | ChangeKind::Deleted | ChangeKind::Kept => style::REMOVED,
        }
    }
}

impl Moved {
    /// What a push did.
    pub fn pushed(remote: &Remote, report: &PushReport) -> Self {
        let (changes, dry_run) = (&report.changes, report.dry_run);
        Self::new(remote, "Sent", changes, report.sent, dry_run)
    }

    /// What a fetch did.
    pub fn fetched(remote: &Remote, report: &FetchReport) -> Self {
        let (changes, dry_run) = (&report.changes, report.dry_run);
        Self::new(remote, "Received", changes, report.received, dry_run)
    }

    fn new(
        remote: &Remote,
        action: &'static str,
        changes: &[RefChange],
        carried: Carried,
        dry_run: bool,
    ) -> Self {
        Self {
            remote: remote.name().to_owned(),
            url: remote.address().to_owned(),
            dry_run,
            changes: changes.iter().map(Change::new).collect(),
            packs: carried.packs,
            objects: carried.objects,
            bytes: carried.bytes,
            action,
        }
    }

    /// Returns whether some ref moved, or would.
    pub fn is_something(&self) -> bool {
        let moved = |change: &Change| change.kind != ChangeKind::Unchanged;
        self.changes.iter().any(moved)
    }

    /// Says on standard error what was carried.
    fn note(&self, ui: &mut Ui) {
        if self.objects > 0 {
            ui.note(format_args!(
                "{} {} ({})",
                self.action,
                text::count(self.objects, "object"),
                size(self.bytes)
            ));
        }
        if self.dry_run && self.is_something() {
            ui.note("Nothing was changed; this is what would be:");
        }
    }

    /// Says on standard error that nothing moved, if that is so.
    pub fn note_nothing(&self, ui: &mut Ui) {
        if !self.is_something() && self.objects == 0 {
            let (remote, url) = (&self.remote, &self.url);
            ui.note(format_args!(
                "Nothing new between here and {remote} ({url})"
            ));
        }
    }
}

impl Report for Moved {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        self.note(ui);
        let mut table = Table::new(&["REF", "FROM", "TO", ""]);
        for change in &self.changes {
            if change.kind == ChangeKind::Unchanged && !ui.is_verbose() {
                continue;
            }
            let shown = [REMOTES, HEADS]
                .into_iter()
                .find_map(|space| change.name.strip_prefix(space));
            let commit = |id: &Option<String>| match id {
                Some(id) => Cell::id(id),
                None => Cell::plain("-"),
            };
            table.row([
                Cell::new(style::NAME, shown.unwrap_or(&change.name)),
                commit(&change.from),
                commit(&change.to),
                Cell::new(change.style(), change.word()),
            ]);
        }
        table.write(ui)
    }
}
