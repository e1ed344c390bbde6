//! Reading and editing TOML, compared with what `toml_edit` does.

use proptest::prelude::*;
use toml_edit::{DocumentMut, TableLike};

use super::tree::{Document, Item, Kind, Table, Value, list, quoted};

type Values = Vec<(String, String)>;

/// Returns the values of a document that are neither tables nor lists, by their places.
fn values(document: &Document) -> Values {
    let mut found = Vec::new();
    in_table(document, &document.root, "", &mut found);
    found
}

fn in_table(document: &Document, table: &Table, place: &str, found: &mut Values) {
    for (key, item) in &table.items {
        let place = format!("{place}.{key:?}");
        match item {
            Item::Table(table) => in_table(document, table, &place, found),
            Item::Tables(tables) => {
                for (at, table) in tables.iter().enumerate() {
                    in_table(document, table, &format!("{place}[{at}]"), found);
                }
            }
            Item::Value(value) => in_value(document, value, &place, found),
        }
    }
}

fn in_value(document: &Document, value: &Value, place: &str, found: &mut Values) {
    match &value.kind {
        Kind::Table(table) => in_table(document, table, place, found),
        Kind::List(items) => {
            for (at, item) in items.iter().enumerate() {
                in_value(document, item, &format!("{place}[{at}]"), found);
            }
        }
        _ => found.push((place.to_owned(), document.show(value))),
    }
}

/// Returns the same of a document of `toml_edit`.
fn oracle_values(document: &DocumentMut) -> Values {
    let mut found = Vec::new();
    in_oracle_table(document.as_table(), "", &mut found);
    sorted(found)
}

fn in_oracle_table(table: &dyn TableLike, place: &str, found: &mut Values) {
    for (key, item) in table.iter() {
        let place = format!("{place}.{key:?}");
        match item {
            toml_edit::Item::Table(table) => in_oracle_table(table, &place, found),
            toml_edit::Item::ArrayOfTables(tables) => {
                for (at, table) in tables.iter().enumerate() {
                    in_oracle_table(table, &format!("{place}[{at}]"), found);
                }
            }
            toml_edit::Item::Value(value) => in_oracle_value(value, &place, found),
            toml_edit::Item::None => {}
        }
    }
}

fn in_oracle_value(value: &toml_edit::Value, place: &str, found: &mut Values) {
    match value {
        toml_edit::Value::InlineTable(table) => in_oracle_table(table, place, found),
        toml_edit::Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                in_oracle_value(item, &format!("{place}[{at}]"), found);
            }
        }
        toml_edit::Value::String(text) => found.push((place.to_owned(), text.value().clone())),
        other => {
            let mut other = other.clone();
            other.decor_mut().clear();
            found.push((place.to_owned(), other.to_string()));
        }
    }
}

fn sorted(mut values: Values) -> Values {
    values.sort();
    values
}

/// Compares what is made of `text`: the values, or what is wrong with it and where.
fn check(text: &str) -> Result<(), TestCaseError> {
    match (
        Document::parse(text.to_owned()),
        text.parse::<DocumentMut>(),
    ) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(sorted(values(&ours)), oracle_values(&theirs)),
        (Err(ours), Err(theirs)) => {
            // Theirs says of some tables in braces only that there are two, and of a date what in
            // it is wrong.
            let braces = "cannot extend value of type inline table with a dotted key";
            let told = |text: &str| {
                let text = text.trim_end().replace(braces, "duplicate key");
                match text.rsplit_once('\n') {
                    Some((place, _)) if ours.ends_with("invalid date-time") => place.to_owned(),
                    _ => text,
                }
            };
            prop_assert_eq!(told(&ours), told(&theirs.to_string()));
        }
        (ours, theirs) => prop_assert!(false, "{ours:?}\n{theirs:?}"),
    }
    Ok(())
}

fn key() -> impl Strategy<Value = String> {
    let part = prop_oneof![4 => "[abc]", 1 => "\"[a-c]\"", 1 => "'[.a]'"];
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("."))
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[1-9]{1,3}",
        "(true|false)",
        "\"[ a-z#é\\[]{0,4}\"",
        "'[ a-z\"]{0,4}'",
        Just("\"\"\"\nmore\n # lines\"\"\"".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
        Just("-0x1f".replace('-', "")),
        Just("6.5e-3".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(3, 8, 3, |inner| {
        let pair = (key(), inner.clone()).prop_map(|(key, value)| format!("{key} = {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..3)
                .prop_map(|items| format!("[ # many\n{}\n]", items.join(",\n  "))),
            prop::collection::vec(pair, 0..3)
                .prop_map(|pairs| format!("{{ {} }}", pairs.join(", "))),
        ]
    })
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| format!("{key} = {value}")),
        2 => (key(), value()).prop_map(|(key, value)| format!("  {key}={value} # why")),
        3 => key().prop_map(|key| format!("[{key}]")),
        1 => key().prop_map(|key| format!("[ {key} ] # a table")),
        1 => key().prop_map(|key| format!("[[{key}]]")),
        1 => Just(String::new()),
        1 => "# [a-z=\\[]{0,9}",
    ]
}

/// Lines that are in order by themselves; together, some say the same twice.
fn document() -> impl Strategy<Value = String> {
    let end = prop_oneof![3 => Just("\n"), 1 => Just("\r\n")];
    (prop::collection::vec(line(), 0..9), end, any::<bool>()).prop_map(|(lines, end, last)| {
        // A line that cannot follow those before it is left out.
        let mut text = String::new();
        for line in lines {
            let more = format!("{text}{}{end}", line.replace('\n', end));
            if more.parse::<DocumentMut>().is_ok() {
                text = more;
            }
        }
        if last {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    })
}

/// Anything that has parts of TOML.
fn soup() -> impl Strategy<Value = String> {
    let words: Vec<&str> =
        "[ ] [[ ]] { } = , . # \n \r\n \" ' \"\"\" ''' a b \"a\" 1 -1 0x1 1.5 1_0 \
        true nan 1979-05-27 07:32 99:00 \\ \\u00e9 \u{7f} \t"
            .split(' ')
            .collect();
    prop::collection::vec(prop::sample::select(words), 0..12).prop_map(|words| words.concat())
}

fn path() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[abc]", 2..4)
}

/// What `Config` did with `toml_edit`: sets `path`, and returns whether that could be.
fn oracle_set(document: &mut DocumentMut, path: &[&str], value: &str) -> bool {
    let Some((last, tables)) = path.split_last() else {
        return false;
    };
    let mut at = document.as_table_mut();
    for part in tables {
        let entry = at.entry(part).or_insert_with(|| {
            let mut table = toml_edit::Table::new();
            table.set_implicit(true);
            toml_edit::Item::Table(table)
        });
        at = match entry {
            toml_edit::Item::Table(table) => table,
            _ => return false,
        };
    }
    if at.get(last).is_some_and(|item| !item.is_value()) {
        return false;
    }
    at.insert(last, toml_edit::value(value));
    true
}

fn oracle_unset(document: &mut DocumentMut, path: &[&str]) -> bool {
    let Some((last, tables)) = path.split_last() else {
        return false;
    };
    let mut at = document.as_table_mut();
    for part in tables {
        match at.get_mut(part).and_then(toml_edit::Item::as_table_mut) {
            Some(table) => at = table,
            None => return false,
        }
    }
    at.remove(last).is_some()
}

/// Returns how many bytes at the start and at the end two texts have in common.
fn in_common(a: &str, b: &str) -> usize {
    let most = a.len().min(b.len());
    let start = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let ends = a.bytes().rev().zip(b.bytes().rev());
    start + ends.take_while(|(a, b)| a == b).count().min(most - start)
}

#[test]
fn an_edit_changes_its_own_lines_only() {
    let text = "# mine\n[user] # me\n  name = 'Ada' # of\n\n# far\n[remote.o]\nurl = 'x'";
    let mut document = Document::parse(text.to_owned()).unwrap();
    document.set(&["user", "name"], "\"Bob\"").unwrap();
    document.set(&["remote", "o", "calls"], "\"read\"").unwrap();
    document.set(&["adapter", "x", "processes"], "4").unwrap();
    assert_eq!(
        document.text(),
        "# mine\n[user] # me\n  name = \"Bob\" # of\n\n# far\n[remote.o]\nurl = 'x'\n\
         calls = \"read\"\n\n[adapter.x]\nprocesses = 4\n"
    );
    assert_eq!(document.unset(&["user", "name"]), Ok(true));
    assert_eq!(document.unset(&["remote", "o"]), Ok(true));
    assert_eq!(
        document.text(),
        "# mine\n[user] # me\n\n# far\n\n[adapter.x]\nprocesses = 4\n"
    );
    // What would take other settings with it is refused.
    let error = document.set(&["adapter", "x"], "1").unwrap_err();
    assert_eq!(error, "x is a table");
    let error = document.set(&["adapter", "x", "processes", "y"], "1");
    assert_eq!(error.unwrap_err(), "processes is no table");
}

#[test]
fn dots_stay_dots() {
    let mut document = Document::parse("a.b.c = 1 # one\r\n[d]\r\ne.f = 2".to_owned()).unwrap();
    document.set(&["a", "b", "x"], "3").unwrap();
    document.set(&["d", "e", "x"], "4").unwrap();
    assert_eq!(
        document.text(),
        "a.b.c = 1 # one\r\na.b.x = 3\r\n[d]\r\ne.f = 2\r\ne.x = 4\r\n"
    );
}

// `toml_edit` counts bytes here.
#[test]
fn columns_are_those_of_characters() {
    let error = Document::parse("ok = 1\né\té".to_owned()).unwrap_err();
    assert_eq!(
        error,
        "TOML parse error at line 2, column 3\n  |\n2 | é\té\n  |   ^\nkey with no value, expected `=`"
    );
}

proptest! {
    #[test]
    fn documents_are_read_as_by_toml_edit(text in document()) {
        check(&text)?;
    }

    #[test]
    fn what_is_said_twice_is_refused_as_by_toml_edit(lines in prop::collection::vec(line(), 0..6)) {
        // Up to the first line that is wrong: of several faults, others may be told first.
        let texts = (0..=lines.len()).map(|count| lines[..count].join("\n"));
        for text in texts {
            check(&text)?;
            if text.parse::<DocumentMut>().is_err() {
                break;
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_by_toml_edit(text in soup()) {
        check(&text)?;
    }

    #[test]
    fn dates_are_those_of_toml_edit(
        text in "(000[04]|19[0-9]{2}|2000)-[01][0-9]-[0-3][0-9]([Tt ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{1,11})?)?)?([Zz]|[+-][0-2][0-9]:[0-6][0-9])?"
    ) {
        let theirs = format!("a = {text}").parse::<DocumentMut>().is_ok();
        prop_assert_eq!(super::date::is_date_or_time(&text), theirs);
    }

    #[test]
    fn dates_with_a_fault_are_none(
        text in "(1979-05-27|1979-05|07:32|19790527)[T :Z.+0-9-]{0,8}"
    ) {
        let theirs = text.parse::<toml_edit::Datetime>().is_ok();
        prop_assert_eq!(super::date::is_date_or_time(&text), theirs);
    }

    #[test]
    fn a_text_and_a_list_are_read_back(text in ".{0,9}", items in prop::collection::vec("\\PC{0,5}", 0..4)) {
        let document = Document::parse(format!("a = {}", quoted(&text))).unwrap();
        prop_assert_eq!(values(&document), [(".\"a\"".to_owned(), text)]);
        let written = format!("a = {}", list(items.clone()));
        let theirs = written.parse::<DocumentMut>().unwrap();
        let theirs: Vec<_> = theirs["a"].as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect();
        prop_assert_eq!(theirs, items);
    }

    #[test]
    fn what_is_set_is_there_and_the_rest_stays(text in document(), path in path()) {
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        let mut ours = Document::parse(text.clone()).unwrap();
        let mut theirs = text.parse::<DocumentMut>().unwrap();
        let old = ours.find(&path).map(|value| value.span.len());
        let set = ours.set(&path, "\"new\"");
        if !oracle_set(&mut theirs, &path, "new") {
            prop_assert!(set.is_err());
            prop_assert_eq!(ours.text(), text);
            return Ok(());
        }
        prop_assert_eq!(set, Ok(()));
        prop_assert_eq!(sorted(values(&ours)), oracle_values(&theirs));
        prop_assert!(in_common(&text, ours.text()) >= text.len() - old.unwrap_or(0), "{}", ours.text());
        // Others read the text in the same way.
        check(ours.text())?;
        // What was set where there was nothing can be taken away again.
        if old.is_none() {
            prop_assert_eq!(ours.unset(&path), Ok(true));
            let before = values(&Document::parse(text).unwrap());
            prop_assert_eq!(values(&ours), before);
        }
    }

    #[test]
    fn what_is_removed_is_gone_and_the_rest_stays(text in document(), path in path()) {
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        let mut ours = Document::parse(text.clone()).unwrap();
        let mut theirs = text.parse::<DocumentMut>().unwrap();
        let removed = oracle_unset(&mut theirs, &path);
        prop_assert_eq!(ours.unset(&path), Ok(removed));
        prop_assert_eq!(sorted(values(&ours)), oracle_values(&theirs));
        check(ours.text())?;
        // Whole lines went, and no others changed.
        let mut before = text.split_inclusive('\n');
        for line in ours.text().split_inclusive('\n') {
            prop_assert!(before.any(|old| old == line), "{line:?}");
        }
    }
}
