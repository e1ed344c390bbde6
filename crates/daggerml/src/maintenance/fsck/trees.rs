//! Checking trees: counts, and names in the slots that their hashes give.

use std::collections::HashSet;

use crate::error::Result;
use crate::id::{ObjectId, TreeId, TypedId};
use crate::record::{Commit, Kind, Record, Tree};
use crate::store::Snapshot;

use super::super::Step;
use super::super::ids::Ids;
use super::objects::sound;
use super::{Report, Subject};

/// Checks the trees of all commits that the refs reach.
pub(super) fn check(
    snapshot: &Snapshot,
    ids: &Ids,
    report: &mut Report,
    progress: &mut dyn FnMut(Step),
) -> Result<()> {
    let mut commits = Vec::new();
    let seen_commits = &mut HashSet::new();
    super::lost::heads(snapshot, &mut |_, id| commits.push(id));
    let mut seen = HashSet::new();
    let mut done = 0;
    while let Some(id) = commits.pop() {
        if !seen_commits.insert(id) {
            continue;
        }
        let Some(Ok(commit)) = sound(snapshot, ids, id.object())?.map(Commit::decode) else {
            continue; // Noted already.
        };
        commits.extend(&commit.parents);
        tree(snapshot, ids, commit.tree, &mut seen, report)?;
        done += 1;
        if done % 1024 == 0 {
            progress(Step {
                phase: "checking commits",
                done,
                total: None,
            });
        }
    }
    Ok(())
}

/// Checks a whole tree. A piece that was seen in the same place is not read again.
fn tree(
    snapshot: &Snapshot,
    ids: &Ids,
    root: TreeId,
    seen: &mut HashSet<(ObjectId, Vec<u8>)>,
    report: &mut Report,
) -> Result<()> {
    let mut waiting = vec![(root, Vec::new())];
    while let Some((id, way)) = waiting.pop() {
        if !seen.insert((id.object(), way.clone())) {
            continue;
        }
        let Some(Ok(piece)) = sound(snapshot, ids, id.object())?.map(Tree::decode) else {
            continue;
        };
        let subject = || Subject::Object(Some(Kind::Tree), id.object());
        match piece {
            Tree::Leaf(entries) => {
                for (name, _) in entries {
                    let right = way
                        .iter()
                        .enumerate()
                        .all(|(depth, slot)| Tree::slot(&name, depth) == usize::from(*slot));
                    if !right {
                        report.find(
                            subject(),
                            format!("the name {name:?} is in another's place"),
                        );
                    }
                }
            }
            Tree::Branch { count, children } => {
                let mut sum = 0;
                for (slot, child) in (0u8..).zip(children.iter()) {
                    let Some(child) = child else { continue };
                    if let Some(Ok(piece)) = sound(snapshot, ids, child.object())?.map(Tree::decode)
                    {
                        sum += piece.count();
                    } else {
                        sum = count; // The child is noted where it is.
                        break;
                    }
                    let mut below = way.clone();
                    below.push(slot);
                    waiting.push((*child, below));
                }
                if sum != count {
                    let detail = format!("announces {count} names and has {sum}");
                    report.find(subject(), detail);
                }
            }
        }
    }
    Ok(())
}
