//! Tables: columns that line up, without lines.

use std::io::{self, Write};

use anstyle::Style;

use super::{Ui, style, text};

/// One cell: text (made safe) in a style.
pub struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// A cell with `content` in `style`.
    pub fn new(style: Style, content: impl AsRef<str>) -> Self {
        Self {
            text: text::line(content.as_ref()),
            style,
            right: false,
        }
    }

    /// A plain cell.
    pub fn plain(content: impl AsRef<str>) -> Self {
        Self::new(style::PLAIN, content)
    }

    /// An id, shortened.
    pub fn id(id: &str) -> Self {
        Self::new(style::ID, style::short(id))
    }

    /// A number, aligned to the right.
    pub fn number(number: impl std::fmt::Display) -> Self {
        Self {
            right: true,
            ..Self::plain(number.to_string())
        }
    }
}

/// Rows of cells under headers. On a terminal the last column is cut to fit.
pub struct Table {
    header: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these headers.
    pub fn new(header: &[&str]) -> Self {
        Self {
            header: header
                .iter()
                .map(|title| Cell::new(style::HEADER, title))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.rows.push(row.into_iter().collect());
    }

    /// Writes the table; nothing at all when it has no rows.
    pub fn write(&self, ui: &mut Ui) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let columns = self.header.len();
        let mut widths = vec![0; columns];
        for row in std::iter::once(&self.header).chain(&self.rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = text::width(&cell.text).max(*width);
            }
        }
        let room = text::columns().map(|all| {
            let before: usize = widths.iter().rev().skip(1).map(|width| width + 2).sum();
            all.saturating_sub(before).max(16)
        });
        for row in std::iter::once(&self.header).chain(&self.rows) {
            self.write_row(ui.out(), row, &widths, room)?;
        }
        Ok(())
    }

    fn write_row(
        &self,
        out: &mut impl Write,
        row: &[Cell],
        widths: &[usize],
        room: Option<usize>,
    ) -> io::Result<()> {
        let last = row
            .iter()
            .rposition(|cell| !cell.text.is_empty())
            .unwrap_or(0);
        for (at, (cell, &width)) in row.iter().zip(widths).enumerate().take(last + 1) {
            let style = cell.style;
            let right = cell.right || self.is_right(at);
            let pad = width.saturating_sub(text::width(&cell.text));
            let (before, after) = if right { (pad, 0) } else { (0, pad) };
            if at > 0 {
                write!(out, "  ")?;
            }
            if at == last {
                let shown = match room {
                    Some(room) if at + 1 == widths.len() => text::fit(&cell.text, room),
                    _ => cell.text.clone(),
                };
                write!(out, "{:before$}{style}{shown}{style:#}", "")?;
            } else {
                write!(
                    out,
                    "{:before$}{style}{}{style:#}{:after$}",
                    "", cell.text, ""
                )?;
            }
        }
        writeln!(out)
    }

    /// A header stands where its column's cells do.
    fn is_right(&self, column: usize) -> bool {
        let first = self.rows.first().and_then(|row| row.get(column));
        first.is_some_and(|cell| cell.right)
    }
}
