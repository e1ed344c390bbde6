//! DAGs: open ones that grow, and finished ones to read.

mod open;
mod view;

pub use open::{Committed, OpenDag};
pub use view::DagView;
