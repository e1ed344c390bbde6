//! Finding damage: everything is read, and everything that is wrong is reported.
//!
//! Every page is checked, every object hashed and decoded, every reference
//! followed, every entry's seal compared. Damage does not end the check: whatever can
//! still be read is checked too. Each finding says what refers to the damaged
//! thing, and which named DAGs and commits are lost with it.

mod builtins;
mod drafts;
mod lost;
mod objects;
mod state;
mod trees;
mod unfinished;

use std::fmt;

use crate::error::Result;
use crate::id::{CommitId, ObjectId};
use crate::name::Name;
use crate::record::{Kind, Reference};
use crate::sorting::sort_by;
use crate::store::absent::is_absent;
use crate::store::pages::check::Walk;
use crate::store::{Store, Table};

use super::ids::Ids;
use super::{Step, Total, Totals};

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A page of the file.
    Page(u64),
    /// An object; its kind where that is known.
    Object(Option<Kind>, ObjectId),
    /// An entry of a table that is not the table of objects.
    Entry(Table, String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(number) => write!(f, "page {number}"),
            Self::Object(Some(kind), id) => write!(f, "{kind} {id}"),
            Self::Object(None, id) => write!(f, "object {id}"),
            Self::Entry(table, key) => write!(f, "{} entry {key}", table.name()),
        }
    }
}

/// Something that is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is damaged.
    pub subject: Subject,
    /// How it is damaged.
    pub detail: String,
    /// What refers to it, or some of that when it is much.
    pub referrers: Vec<Reference>,
    /// What is lost with it, or some of that when it is much.
    pub lost: Vec<Lost>,
}

/// Something with a name that is lost, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lost {
    /// A DAG, by the ref and the name it has there.
    Dag {
        /// The ref.
        reference: String,
        /// The DAG's name.
        name: Name,
    },
    /// A commit.
    Commit(CommitId),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dag { reference, name } => write!(f, "dag {name} at {reference}"),
            Self::Commit(id) => write!(f, "commit {id}"),
        }
    }
}

/// An object that was excised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excised {
    /// Its id and the kind it was.
    pub object: Reference,
    /// Why.
    pub reason: String,
}

/// What to check beside what is always checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Do builtin operations again, and compare what they make with what is stored.
    /// Their arguments are decoded for it, so it takes longer where they are large.
    pub deep: bool,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The objects that are sound.
    pub objects: Totals,
    /// Objects that were excised: not damage.
    pub excised: Vec<Excised>,
    /// Commits before those of a shallow clone, which are not here on purpose.
    pub shallow: u64,
    /// Values that a filter left at remotes: not damage.
    pub promised: Total,
    /// What is damaged.
    pub findings: Vec<Finding>,
    /// The number of pages that are neither in use nor free. They are lost to the
    /// store and harm nothing.
    pub lost_pages: u64,
}

impl Report {
    /// Returns whether nothing is damaged.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, subject: Subject, detail: impl Into<String>) {
        self.findings.push(Finding {
            subject,
            detail: detail.into(),
            referrers: Vec::new(),
            lost: Vec::new(),
        });
    }
}

/// Checks all of `store`. `progress` is told how far it is.
///
/// An error means that the check itself could not run; damage is in the report.
pub fn fsck(store: &Store, progress: &mut dyn FnMut(Step)) -> Result<Report> {
    fsck_with(store, Options::default(), progress)
}

/// Checks all of `store`, as `options` say.
pub fn fsck_with(
    store: &Store,
    options: Options,
    progress: &mut dyn FnMut(Step),
) -> Result<Report> {
    let snapshot = store.snapshot()?;
    let mut report = Report::default();
    let version = snapshot.pages()?;
    let mut walk = Walk::new(&version.view);
    let ids = Ids::read(version, &mut walk.damage, progress);
    let found = objects::check(&snapshot, &ids, options, progress)?;
    report.objects = found.objects;
    report.excised = found.excised;
    report.findings = found.findings;
    let mut missing = Vec::new();
    for lack in found.missing {
        if !is_absent(&snapshot, lack.to)? {
            missing.push(lack);
        }
    }
    for (_, absent) in snapshot.absents()? {
        if absent.kind == Kind::Commit {
            report.shallow += 1;
        } else {
            report.promised.objects += 1;
            report.promised.bytes += absent.bytes;
        }
    }
    for objects::Missing { from, to } in unfinished::damage(&snapshot, &ids, missing)? {
        let detail = format!("refers to {} {}, which is not there", to.kind, to.id);
        report.find(Subject::Object(Some(from.kind), from.id), detail);
    }
    state::check_pages(version, &mut walk, &mut report);
    state::check_entries(&snapshot, &ids, &mut report)?;
    trees::check(&snapshot, &ids, &mut report, progress)?;
    objects::damaged(&snapshot, &ids, &mut report);
    sort_by(&mut report.findings, |a, b| {
        (&a.subject, &a.detail).cmp(&(&b.subject, &b.detail))
    });
    report.findings.dedup();
    if !report.is_clean() {
        lost::name(&snapshot, &ids, &mut report)?;
    }
    Ok(report)
}
