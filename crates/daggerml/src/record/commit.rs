//! Commit records: a tree, what came before, who, why and when.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::fault::{Fault, FaultKind, ValueError};
use crate::id::{CommitId, TreeId};

use super::{Record, RecordReader, RecordWriter, Reference};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// Returns the moment of the call, by the machine's clock.
    pub fn now() -> Self {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |n| -n),
        };
        Self(micros)
    }

    /// Returns the moment to the second, as people read it: `2026-11-30 09:11:36 UTC`.
    pub(crate) fn in_words(self) -> String {
        let seconds = self.0.div_euclid(1_000_000);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Years that begin in March have the leap day at their end; 400 of them are an era.
        let days = days + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + 400 * era + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

/// One state of all named DAGs, and the states it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The DAGs by name.
    pub tree: TreeId,
    /// The commits it follows: none for the first, several for a merge.
    pub parents: Vec<CommitId>,
    /// Who made it.
    pub author: String,
    /// Why.
    pub message: String,
    /// When.
    pub time: Time,
}

impl Record for Commit {
    type Id = CommitId;

    fn items(&self) -> usize {
        5
    }

    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError> {
        writer.id(self.tree);
        writer.array(self.parents.len());
        self.parents.iter().for_each(|parent| writer.id(*parent));
        writer.text(&self.author);
        writer.text(&self.message);
        writer.int(self.time.0);
        Ok(())
    }

    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault> {
        reader.expect_items(items, 5)?;
        let tree = reader.id()?;
        let parents: Vec<CommitId> = reader.ids()?;
        if parents
            .iter()
            .enumerate()
            .any(|(at, id)| parents.iter().take(at).any(|p| p == id))
        {
            return Err(reader.fault(FaultKind::Payload, "a parent comes twice"));
        }
        Ok(Self {
            tree,
            parents,
            author: reader.text()?.to_owned(),
            message: reader.text()?.to_owned(),
            time: Time(reader.int()?),
        })
    }

    fn references(&self, visit: &mut dyn FnMut(Reference)) {
        visit(self.tree.into());
        self.parents
            .iter()
            .for_each(|parent| visit((*parent).into()));
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn moments_in_words() {
        for (second, words) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_796_029_896, "2026-11-30 09:11:36 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
        ] {
            assert_eq!(Time(second * 1_000_000 + 999_999).in_words(), words);
        }
        for extreme in [i64::MIN, i64::MAX] {
            assert!(Time(extreme).in_words().ends_with(" UTC"));
        }
    }
}
