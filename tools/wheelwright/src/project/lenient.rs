//! What maturin takes and an index does not: a project that knows nothing of wheelwright is
//! built anyway, and told what was made of it.

use super::Project;
use super::license;
use super::pyproject::{License, Person};

impl Project {
    /// Makes of each field that maturin takes what an index takes, too, with a note.
    pub(super) fn mend(&mut self) {
        let mut found: Vec<(Vec<String>, String)> = Vec::new();
        let mut note = |keys: &[&str], text: &str| {
            let keys = [&["project"], keys].concat();
            found.push((
                keys.into_iter().map(str::to_owned).collect(),
                text.to_owned(),
            ));
        };
        let table = &mut self.table;
        if let Some(summary) = table
            .description
            .as_mut()
            .filter(|text| text.contains('\n'))
        {
            *summary = summary.split_whitespace().collect::<Vec<_>>().join(" ");
            note(
                &["description"],
                "has several lines, which are written as one",
            );
        }
        if let Some(License::Expression(written)) = &table.license
            && let Err(problem) = license::expression(written)
        {
            let text = format!(
                "{written:?} is not an SPDX expression ({problem}), so it is written as a text, \
                 as before PEP 639; write one such as \"MIT\""
            );
            note(&["license"], &text);
            let written = written.clone();
            table.license = (!written.trim().is_empty()).then_some(License::Text(written));
        }
        if table.requires_python.as_deref() == Some("") {
            table.requires_python = None;
            note(
                &["requires-python"],
                "is empty and counts as not written; write a range",
            );
        }
        if table.keywords.iter().any(|word| word.contains(',')) {
            let words = table.keywords.iter().flat_map(|word| word.split(','));
            let words = words.map(str::trim).filter(|word| !word.is_empty());
            table.keywords = words.map(str::to_owned).collect();
            note(
                &["keywords"],
                "commas separate keywords, so a text with one counts as several",
            );
        }
        for (key, people) in [
            ("authors", &mut table.authors),
            ("maintainers", &mut table.maintainers),
        ] {
            for (position, person) in people.iter_mut().enumerate() {
                if without_empty(person) {
                    let position = position.to_string();
                    note(&[key, &position], "an empty text counts as not written");
                }
            }
            people.retain(|person| person.name.is_some() || person.email.is_some());
        }
        table.urls.0.retain_mut(|(label, address)| {
            *address = address.trim().to_owned();
            if address.is_empty() {
                note(&["urls", label], "is empty, and left out; write an address");
            }
            !address.is_empty()
        });
        for (position, classifier) in table.classifiers.iter_mut().enumerate() {
            if classifier.trim() != classifier {
                *classifier = classifier.trim().to_owned();
                let position = position.to_string();
                note(
                    &["classifiers", &position],
                    "is written without white space at its ends",
                );
            }
        }
        for (keys, text) in found {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let note = self.error_at(&keys, text);
            self.notes.push(note.to_string());
        }
        self.mend_license_files();
    }

    /// Passes over patterns of licence files that name none (PEP 639 asks for an error).
    fn mend_license_files(&mut self) {
        let stated = self.table.license_files.clone().unwrap_or_default();
        for (position, pattern) in stated.iter().enumerate().rev() {
            let keys = ["project", "license-files", &position.to_string()];
            // What is wrong in another way is told when the files are read.
            if license::named(self, &keys, pattern).is_ok_and(|files| files.is_empty()) {
                let text = format!(
                    "{pattern:?} names no file and is passed over; add the licence's text under \
                     that name, or take the pattern out of the list"
                );
                let note = self.error_at(&keys, text);
                self.notes.push(note.to_string());
                if let Some(patterns) = &mut self.table.license_files {
                    patterns.remove(position);
                }
            }
        }
    }
}

/// Takes away what is empty. Returns whether there was something.
fn without_empty(person: &mut Person) -> bool {
    let parts = [&mut person.name, &mut person.email];
    let mut found = false;
    for part in parts {
        if part.as_deref().is_some_and(|text| text.trim().is_empty()) {
            *part = None;
            found = true;
        }
    }
    found
}
