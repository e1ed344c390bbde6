//! How far a push or a fetch is, on the progress line.

use std::cell::RefCell;

use daggerml::transfer::remote::{Listener, Step};

use crate::ui::{Progress, Ui};

/// Tells the progress line.
pub struct Told(RefCell<Progress>);

impl Told {
    pub fn new(ui: &Ui) -> Self {
        Self(RefCell::new(ui.progress()))
    }
}

impl Listener for Told {
    fn step(&self, step: &Step) {
        self.0.borrow_mut().carried(step);
    }
}
