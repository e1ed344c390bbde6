//! Reads a text of TOML into a tree.

use toml_parser::decoder::ScalarKind;
use toml_parser::lexer::Token;
use toml_parser::parser::{
    Event, EventKind, EventReceiver, RecursionGuard, ValidateWhitespace, parse_document,
    parse_value,
};
use toml_parser::{ErrorSink, ParseError, Source, Span};

use super::date::is_date_or_time;
use super::tree::{Form, Item, Kind, Lines, Table, Value};

/// How deep values may be in each other, and how many parts a key may have.
const DEPTH: u32 = 80;

/// A part of a key.
struct Part {
    name: String,
    span: Span,
}

/// Reads a whole document.
pub(super) fn document(text: &str) -> Result<Table, ParseError> {
    let mut reader = Reader::new(text, parse_document)?;
    let mut root = Table::default();
    let mut header = Vec::new();
    while let Some(event) = reader.next() {
        let lines = reader.line(event.span().start());
        match event.kind() {
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                let first = reader.expect(EventKind::SimpleKey)?;
                header = reader.key(first)?;
                // The table that a header opens begins at it, and its keys come after it.
                let lines = Lines {
                    span: lines,
                    said: header.len(),
                };
                let tables = event.kind() == EventKind::ArrayTableOpen;
                root.open(&header, tables, lines)?;
            }
            EventKind::SimpleKey => {
                let key = reader.key(event)?;
                reader.expect(EventKind::KeyValSep)?;
                let value = reader.value()?;
                let lines = Lines {
                    span: lines.start..reader.line(value.span.end).end,
                    said: header.len(),
                };
                let table = root.descend(&header, None)?;
                table.lines.span.end = lines.span.end;
                table.put(&key, Item::Value(value), &lines)?;
            }
            _ => {} // what closes a header
        }
    }
    Ok(root)
}

/// Reads one value.
pub(super) fn value(text: &str) -> Result<Value, ParseError> {
    Reader::new(text, parse_value)?.value()
}

type Parse = fn(&[Token], &mut dyn EventReceiver, &mut dyn ErrorSink);

/// The events of a text whose form is right. What is in them is not known to be right yet.
struct Reader<'a> {
    source: Source<'a>,
    events: std::vec::IntoIter<Event>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, parse: Parse) -> Result<Self, ParseError> {
        let source = Source::new(text);
        let mut events = Vec::new();
        let mut fault = None;
        let mut checked = ValidateWhitespace::new(&mut events, source);
        let mut bounded = RecursionGuard::new(&mut checked, DEPTH);
        parse(&source.lex().into_vec(), &mut bounded, &mut fault);
        events.retain(|event| {
            !matches!(
                event.kind(),
                EventKind::Whitespace | EventKind::Comment | EventKind::Newline
            )
        });
        fault.map_or_else(
            || {
                Ok(Self {
                    source,
                    events: events.into_iter(),
                })
            },
            Err,
        )
    }

    fn next(&mut self) -> Option<Event> {
        self.events.next()
    }

    fn next_is(&self, kind: EventKind) -> bool {
        let next = self.events.as_slice().first();
        next.is_some_and(|event| event.kind() == kind)
    }

    fn expect(&mut self, kind: EventKind) -> Result<Event, ParseError> {
        match self.next() {
            Some(event) if event.kind() == kind => Ok(event),
            other => Err(unexpected(other)),
        }
    }

    /// Returns the line that is around `at`, with its end.
    fn line(&self, at: usize) -> std::ops::Range<usize> {
        let (before, after) = self.source.input().split_at(at);
        let start = before.rfind('\n').map_or(0, |line| line + 1);
        start
            ..after
                .find('\n')
                .map_or(at + after.len(), |end| at + end + 1)
    }

    /// Reads the key that begins with `first`.
    fn key(&mut self, first: Event) -> Result<Vec<Part>, ParseError> {
        let mut parts = vec![self.part(first)?];
        while self.next_is(EventKind::KeySep) {
            self.next();
            let next = self.expect(EventKind::SimpleKey)?;
            parts.push(self.part(next)?);
        }
        if parts.len() > DEPTH as usize {
            return Err(ParseError::new("recursion limit"));
        }
        Ok(parts)
    }

    fn part(&self, event: Event) -> Result<Part, ParseError> {
        let mut name = String::new();
        let mut fault = None;
        if let Some(raw) = self.source.get(event) {
            raw.decode_key(&mut name, &mut fault);
        }
        let span = event.span();
        fault.map_or(Ok(Part { name, span }), Err)
    }

    fn value(&mut self) -> Result<Value, ParseError> {
        let Some(event) = self.next() else {
            return Err(unexpected(None));
        };
        let mut span = event.span();
        let kind = match event.kind() {
            EventKind::Scalar => self.scalar(event)?,
            EventKind::ArrayOpen => {
                let mut items = Vec::new();
                while !self.closes(EventKind::ArrayClose, &mut span)? {
                    items.push(self.value()?);
                }
                Kind::List(items)
            }
            EventKind::InlineTableOpen => {
                let mut table = Table::default();
                while !self.closes(EventKind::InlineTableClose, &mut span)? {
                    let first = self.expect(EventKind::SimpleKey)?;
                    let key = self.key(first)?;
                    self.expect(EventKind::KeyValSep)?;
                    let value = self.value()?;
                    table.put(&key, Item::Value(value), &Lines::default())?;
                }
                Kind::Table(table)
            }
            _ => return Err(unexpected(Some(event))),
        };
        Ok(Value {
            kind,
            span: span.start()..span.end(),
            lines: 0..0,
        })
    }

    /// Skips a comma, and returns whether the list or the table in braces ends here.
    fn closes(&mut self, close: EventKind, span: &mut Span) -> Result<bool, ParseError> {
        if self.next_is(EventKind::ValueSep) {
            self.next();
        }
        if self.next_is(close) {
            *span = span.append(self.expect(close)?.span());
            return Ok(true);
        }
        Ok(false)
    }

    fn scalar(&self, event: Event) -> Result<Kind, ParseError> {
        let mut decoded = String::new();
        let mut fault = None;
        let Some(raw) = self.source.get(event) else {
            return Err(unexpected(Some(event)));
        };
        let kind = raw.decode_scalar(&mut decoded, &mut fault);
        if let Some(fault) = fault {
            return Err(fault);
        }
        let wrong = |message| Err(ParseError::new(message).with_unexpected(event.span()));
        Ok(match kind {
            ScalarKind::String => Kind::Text(decoded),
            ScalarKind::Integer(radix) => {
                if i64::from_str_radix(&decoded, radix.value()).is_err() {
                    return wrong("integer number overflowed");
                }
                Kind::Other("integer")
            }
            ScalarKind::DateTime if !is_date_or_time(&decoded) => {
                return wrong("invalid date-time");
            }
            ScalarKind::DateTime => Kind::Other("datetime"),
            // No setting is a float, so nobody needs to know how large it is.
            ScalarKind::Float => Kind::Other("float"),
            ScalarKind::Boolean(_) => Kind::Other("boolean"),
        })
    }
}

impl Table {
    /// Opens the table of a header, or adds one to the tables of its name.
    fn open(&mut self, header: &[Part], tables: bool, lines: Lines) -> Result<(), ParseError> {
        let Some((last, path)) = header.split_last() else {
            return Ok(()); // never: a key has a part
        };
        let parent = self.descend(path, None)?;
        if tables {
            let all = parent.items.entry(last.name.clone());
            match all.or_insert_with(|| Item::Tables(Vec::new())) {
                Item::Tables(all) => all.push(Self {
                    form: Form::Header,
                    lines,
                    ..Self::default()
                }),
                _ => return Err(duplicate(last)),
            }
            return Ok(());
        }
        let item = parent.items.entry(last.name.clone());
        match item.or_insert_with(|| Item::Table(Self::implied())) {
            Item::Table(table) if table.form == Form::Implied => {
                table.form = Form::Header;
                table.lines = lines;
                Ok(())
            }
            _ => Err(duplicate(last)),
        }
    }

    fn implied() -> Self {
        Self {
            form: Form::Implied,
            ..Self::default()
        }
    }

    /// Puts `item` at `key`, which may have dots.
    fn put(&mut self, key: &[Part], mut item: Item, lines: &Lines) -> Result<(), ParseError> {
        let Some((last, path)) = key.split_last() else {
            return Ok(()); // never: a key has a part
        };
        if let Item::Value(value) = &mut item {
            value.lines = lines.span.clone();
        }
        let table = self.descend(path, Some(lines))?;
        // Dots cannot add to a table that a header has opened.
        let opened = !path.is_empty() && table.form == Form::Header;
        if opened || table.items.contains_key(&last.name) {
            return Err(duplicate(last));
        }
        table.items.insert(last.name.clone(), item);
        Ok(())
    }

    /// Returns the table at `path`, and makes those that are missing. `dotted` are the lines
    /// of a key whose dots lead there; without, it is a header that does.
    fn descend(&mut self, path: &[Part], dotted: Option<&Lines>) -> Result<&mut Self, ParseError> {
        let mut table = self;
        for part in path {
            let item = table.items.entry(part.name.clone());
            table = match item.or_insert_with(|| Item::Table(Self::implied())) {
                Item::Table(table) => {
                    if let Some(lines) = dotted {
                        if table.form == Form::Header {
                            return Err(duplicate(part));
                        }
                        table.form = Form::Dotted;
                        table.lines = lines.clone();
                    }
                    table
                }
                // A header is about the last of the tables that have its name.
                Item::Tables(all) => all.last_mut().ok_or_else(|| duplicate(part))?,
                Item::Value(value) => {
                    let message = format!(
                        "cannot extend value of type {} with a dotted key",
                        value.kind.name()
                    );
                    return Err(ParseError::new(message).with_unexpected(part.span));
                }
            };
        }
        Ok(table)
    }
}

fn duplicate(part: &Part) -> ParseError {
    ParseError::new("duplicate key").with_unexpected(part.span)
}

/// What the parser of events never lets through.
fn unexpected(event: Option<Event>) -> ParseError {
    let error = ParseError::new("something is missing or too much");
    match event {
        Some(event) => error.with_unexpected(event.span()),
        None => error,
    }
}
