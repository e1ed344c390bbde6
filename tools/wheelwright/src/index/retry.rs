//! Runs again what failed and may succeed the next time.

use std::time::Duration;

use crate::terminal::escaped;

/// How often something is tried, and how long the pauses are: each is twice the
/// one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often, at least once.
    pub attempts: u32,
    /// The first pause.
    pub pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            pause: Duration::from_secs(1),
        }
    }
}

impl Retry {
    /// The longest pause.
    const LONGEST: Duration = Duration::from_secs(30);

    /// Runs `attempt` until it succeeds, fails for good (its second value is
    /// false), or was tried often enough. The error is what the last one said.
    ///
    /// # Errors
    /// It never succeeded.
    pub fn run<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, (String, bool)>,
    ) -> Result<T, String> {
        let mut pause = self.pause;
        let mut tried = 1;
        loop {
            match attempt() {
                Ok(value) => return Ok(value),
                Err((problem, true)) if tried < self.attempts => {
                    let seconds = pause.as_secs_f64();
                    eprintln!("{}; trying again in {seconds:.1} s", escaped(&problem));
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Self::LONGEST);
                    tried += 1;
                }
                Err((problem, _)) if tried > 1 => {
                    return Err(format!("{problem} (tried {tried} times)"));
                }
                Err((problem, _)) => return Err(problem),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tries_again_only_while_that_may_help() {
        let retry = Retry {
            attempts: 3,
            pause: Duration::from_millis(1),
        };
        let run = |until: u32, again: bool| {
            let mut count = 0;
            let result = retry.run(|| {
                count += 1;
                if count >= until {
                    Ok(count)
                } else {
                    Err((format!("failure {count}"), again))
                }
            });
            (result, count)
        };
        assert_eq!(run(1, true), (Ok(1), 1));
        assert_eq!(run(3, true), (Ok(3), 3));
        assert_eq!(
            run(4, true),
            (Err("failure 3 (tried 3 times)".to_owned()), 3)
        );
        assert_eq!(run(2, false), (Err("failure 1".to_owned()), 1));
    }
}
