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
    /// Makes a cell with `content` in `style`.
    pub fn new(style: Style, content: impl AsRef<str>) -> Self {
        Self {
            text: text::line(content.as_ref()),
            style,
            right: false,
        }
    }

    /// Returns a plain cell.
    pub fn plain(content: impl AsRef<str>) -> Self {
        Self::new(style::PLAIN, content)
    }

    /// Returns an id, shortened.
    pub fn id(id: &str) -> Self {
        Self::new(style::ID, style::short(id))
    }

    /// Returns a number, aligned to the right.
    pub fn number(number: impl std::fmt::Display) -> Self {
        Self {
            right: true,
            ..Self::plain(number.to_string())
        }
    }
}

/// Rows of cells under headers. On a terminal columns are cut to fit, the last one
/// first.
pub struct Table {
    header: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
    /// The widest cell of each column so far.
    widths: Vec<usize>,
    /// Whether rows were written before all were there.
    begun: bool,
}

/// How many rows [`Table::flow`] waits for. They say how wide the columns are; those that
/// come later seldom need more.
const BLOCK: usize = 128;

impl Table {
    /// Makes a table with these headers.
    pub fn new(header: &[&str]) -> Self {
        Self {
            header: header
                .iter()
                .map(|title| Cell::new(style::HEADER, title))
                .collect(),
            rows: Vec::new(),
            widths: header.iter().map(|title| text::width(title)).collect(),
            begun: false,
        }
    }

    /// Adds a row.
    pub fn row(&mut self, row: impl IntoIterator<Item = Cell>) {
        let row: Vec<Cell> = row.into_iter().collect();
        for (width, cell) in self.widths.iter_mut().zip(&row) {
            *width = text::width(&cell.text).max(*width);
        }
        self.rows.push(row);
    }

    /// Writes the rows that there are, if they are many: the reader need not wait for all.
    /// A column becomes wider where a later row needs it.
    pub fn flow(&mut self, ui: &mut Ui) -> io::Result<()> {
        if self.rows.len() < BLOCK {
            return Ok(());
        }
        let first = !self.begun;
        self.write(ui)?;
        self.rows.truncate(1); // says which columns stand on the right
        self.begun = true;
        if first {
            ui.out().flush()?;
        }
        Ok(())
    }

    /// Writes the table, or what is left of it; nothing at all when it has no rows.
    pub fn write(&self, ui: &mut Ui) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut widths = self.widths.clone();
        if let Some(all) = text::columns() {
            fit(&mut widths, all);
        }
        // After the first block, the first row has been written.
        let written = usize::from(self.begun);
        let header = (!self.begun).then_some(&self.header);
        for row in header.into_iter().chain(self.rows.iter().skip(written)) {
            self.write_row(ui.out(), row, &widths)?;
        }
        Ok(())
    }

    fn write_row(&self, out: &mut impl Write, row: &[Cell], widths: &[usize]) -> io::Result<()> {
        let last = row
            .iter()
            .rposition(|cell| !cell.text.is_empty())
            .unwrap_or(0);
        for (at, (cell, &width)) in row.iter().zip(widths).enumerate().take(last + 1) {
            let style = cell.style;
            let right = cell.right || self.is_right(at);
            let shown = text::fit(&cell.text, width);
            let pad = width.saturating_sub(text::width(&shown));
            // Nothing is written after the last cell that has something in it.
            let (before, after) = match (right, at == last) {
                (true, _) => (pad, 0),
                (false, true) => (0, 0),
                (false, false) => (0, pad),
            };
            if at > 0 {
                write!(out, "  ")?;
            }
            write!(out, "{:before$}{style}{shown}{style:#}{:after$}", "", "")?;
        }
        writeln!(out)
    }

    /// Returns a header stands where its column's cells do.
    fn is_right(&self, column: usize) -> bool {
        let first = self.rows.first().and_then(|row| row.get(column));
        first.is_some_and(|cell| cell.right)
    }
}

/// The least that a column is cut to.
const LEAST: usize = 16;

/// Makes columns of these widths narrower, so that they fit a terminal of `all`
/// columns: the last one, and when that is not enough the widest, again and again.
fn fit(widths: &mut [usize], all: usize) {
    let gaps = 2 * widths.len().saturating_sub(1);
    let over = |widths: &[usize]| (widths.iter().sum::<usize>() + gaps).saturating_sub(all);
    let excess = over(widths);
    if let Some(last) = widths.last_mut() {
        *last = (*last).min(last.saturating_sub(excess).max(LEAST));
    }
    while over(widths) > 0 {
        let excess = over(widths);
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > LEAST) else {
            break;
        };
        *widest = widest.saturating_sub(excess).max(LEAST);
    }
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn columns_fit_a_terminal() {
        let fitted = |mut widths: Vec<usize>, all| {
            fit(&mut widths, all);
            widths
        };
        assert_eq!(fitted(vec![10, 12, 30], 80), [10, 12, 30]);
        assert_eq!(fitted(vec![10, 12, 73], 60), [10, 12, 34]);
        assert_eq!(fitted(vec![1024, 12, 5, 73], 80), [41, 12, 5, 16]);
        assert_eq!(fitted(vec![300, 400, 5], 60), [35, 16, 5]);
        assert_eq!(fitted(vec![20, 20], 10), [16, 16]);
        assert_eq!(fitted(vec![5, 3], 4), [5, 3]);
    }
}
