//! Checking pages, and the entries that are not objects.

use crate::dag::chunk_of;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::repo::refs::Target;
use crate::store::lmdb::Version;
use crate::store::pages::check::Walk;
use crate::store::{Snapshot, Table};

use super::super::ids::Ids;
use super::super::roots;
use super::{Report, Subject, drafts};

/// Checks the pages of all tables, and that every page is either in use once or free.
pub(super) fn check_pages(version: &Version, walk: &mut Walk<'_>, report: &mut Report) {
    let main = version.view.meta.main;
    let tables = Table::ALL
        .into_iter()
        .map(|table| (version.root(table), table.name()));
    for (root, name) in std::iter::once((main, "the table of tables")).chain(tables) {
        let mut entries = 0;
        for leaf in walk.branches(&root) {
            match walk.leaf(&root, leaf) {
                Ok(page) => entries += page.len as u64,
                Err(damage) => walk.damage.push(damage),
            }
        }
        walk.count(&root, entries, name);
    }
    walk.free();
    for damage in std::mem::take(&mut walk.damage) {
        report.find(Subject::Page(damage.page), damage.detail);
    }
    // Pages below a damaged one are not reached, and not lost.
    if report.is_clean() {
        report.lost_pages = walk.missing();
    }
}

/// Checks refs, drafts, calls, claims and facts.
pub(super) fn check_entries(snapshot: &Snapshot, ids: &Ids, report: &mut Report) -> Result<()> {
    for table in Table::ALL
        .into_iter()
        .filter(|table| *table != Table::Objects)
    {
        for entry in snapshot.scan(table, &[])? {
            match entry {
                Ok((key, value)) => check_entry(table, key, value, ids, report),
                Err(error) => match *error {
                    Error::StoreDamaged { detail, .. } => {
                        report.find(Subject::Entry(table, "?".to_owned()), detail);
                    }
                    error => return Err(error.into()),
                },
            }
        }
    }
    drafts::check(snapshot, ids, report);
    let counted = ids.len() as u64;
    let announced = snapshot.count(Table::Objects)?;
    if counted != announced && report.is_clean() {
        let detail = format!("{announced} objects announced, {counted} found");
        report.find(Subject::Entry(Table::Objects, "count".to_owned()), detail);
    }
    Ok(())
}

fn check_entry(table: Table, key: &[u8], value: &[u8], ids: &Ids, report: &mut Report) {
    let name = match table {
        Table::Refs => String::from_utf8_lossy(key).into_owned(),
        _ => roots::hex(key),
    };
    let subject = Subject::Entry(table, name.clone());
    if !roots::TABLES.contains(&table) || chunk_of(key).is_some() && table == Table::Drafts {
        return; // Logs are checked by themselves.
    }
    if table == Table::Refs
        && let Ok(Target::Ref(_)) = Target::parse(&name, value)
    {
        return; // It need not exist yet.
    }
    let mut missing: Option<ObjectId> = None;
    let read = roots::of_entry(table, key, value, &mut |id| {
        if ids.find(id).is_none() {
            missing = Some(id);
        }
    });
    match (read, missing) {
        (Err(error), _) => report.find(subject, error.to_string()),
        // A claim may hold 32 bytes that are not an id, for example in an adapter's token.
        (Ok(()), Some(id)) if table != Table::Claims => {
            report.find(subject, format!("refers to {id}, which is not there"));
        }
        _ => {}
    }
}
