//! Panics: none is expected, and one is shown as an error instead of a backtrace.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

static HOOK: Once = Once::new();

/// Runs `body`; a panic in it becomes an `Err` that says what and where.
///
/// The process's panic hook is wrapped once and left alone for every panic
/// outside `body`: the command may run inside a Python process.
pub fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() {
                MESSAGE.set(info.to_string());
            } else {
                before(info);
            }
        }));
    });
    GUARDED.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(body));
    GUARDED.set(false);
    done.map_err(|_| MESSAGE.take())
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_becomes_its_message() {
        let message = caught(|| panic!("broken {}", 1)).unwrap_err();
        assert!(message.contains("broken 1"), "{message}");
        assert!(message.contains("panics.rs"), "{message}");
        assert_eq!(caught(|| 2), Ok(2), "and the next run is not harmed");
    }
}
