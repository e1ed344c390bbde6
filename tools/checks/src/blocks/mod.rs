//! Runs the code blocks of a page of documentation, as docs/guide/blocks.md says.

mod compare;
mod page;
mod parse;
mod run;

pub use page::Block;
pub use parse::{line_of, parse};
pub use run::run;
