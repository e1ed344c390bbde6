//! What a page holds.

/// One block that can be run.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of its opening fence, from 1.
    pub line: usize,
    /// What to do.
    pub action: Action,
}

/// What a block asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// `console`: commands and what they print.
    Console {
        /// The commands in order.
        commands: Vec<Command>,
        /// The exit status that the last one must have.
        exit: i32,
    },
    /// `python`: a program, in the page's one interpreter.
    Python {
        /// Its source.
        source: String,
        /// What it prints, if the page says.
        output: Option<String>,
    },
    /// `pycon`: an interactive session.
    Pycon {
        /// The session, prompts and answers.
        source: String,
    },
    /// `file=NAME`: a file that the page tells people to write.
    File {
        /// Its name.
        name: String,
        /// What goes into it.
        text: String,
    },
    /// `skip=REASON`: shown, not run.
    Skip {
        /// Why.
        reason: String,
    },
}

/// One command of a console block.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    /// The line it is on, from 1.
    pub line: usize,
    /// What is typed.
    pub text: String,
    /// What it prints.
    pub output: String,
}
