//! Licence expressions as core metadata has them (PEP 639): SPDX's, without
//! references to other documents, in any case.

use spdx::identifiers::{EXCEPTIONS, LICENSES};

/// Deepest nesting of parentheses that is read.
const DEEPEST: usize = 200;

/// Says why text is not a licence expression that an index takes.
///
/// # Errors
/// A few words on what is wrong.
pub fn license_expression(text: &str) -> Result<(), String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut depth = 0_usize;
    // What may stand next: a licence, an operator, or an exception.
    let mut next = Next::License;
    // `WITH` follows a licence itself, never a closed parenthesis.
    let mut plain = false;
    for token in spaced.split_whitespace() {
        let lower = token.to_ascii_lowercase();
        next = match (next, lower.as_str()) {
            (Next::License, "(") => {
                depth += 1;
                if depth > DEEPEST {
                    return Err("its parentheses are nested too deeply".into());
                }
                Next::License
            }
            (Next::Operator, ")") => {
                depth = depth.checked_sub(1).ok_or("a `)` closes nothing")?;
                plain = false;
                Next::Operator
            }
            (Next::Operator, "and" | "or") => Next::License,
            (Next::Operator, "with") if plain => Next::Exception,
            (_, "(" | ")" | "and" | "or" | "with") => {
                return Err(format!("`{token}` stands in a place where it says nothing"));
            }
            (Next::License, id) => {
                license(token, id)?;
                plain = true;
                Next::Operator
            }
            (Next::Exception, id) => {
                if !EXCEPTIONS.iter().any(|e| e.name.eq_ignore_ascii_case(id)) {
                    return Err(format!("`{token}` is not an exception that SPDX lists"));
                }
                plain = false;
                Next::Operator
            }
            (Next::Operator, _) => {
                return Err(format!("there is no AND or OR before `{token}`"));
            }
        };
    }
    match next {
        Next::Operator if depth == 0 => Ok(()),
        Next::Operator => Err("a `(` is not closed".into()),
        Next::License | Next::Exception if text.trim().is_empty() => Err("it is empty".into()),
        Next::License | Next::Exception => Err("it ends where more should follow".into()),
    }
}

#[derive(Debug, Clone, Copy)]
enum Next {
    License,
    Operator,
    Exception,
}

fn license(token: &str, lower: &str) -> Result<(), String> {
    if let Some(own) = lower.strip_prefix("licenseref-") {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        return if !own.is_empty() && own.chars().all(plain) {
            Ok(())
        } else {
            Err(format!(
                "`{token}`: letters, digits, `.` and `-` make a LicenseRef"
            ))
        };
    }
    let base = lower.strip_suffix('+').unwrap_or(lower);
    // SPDX's word for "nothing is said" is in the library's list, but no licence.
    let known = base != "noassertion"
        && LICENSES
            .iter()
            .any(|l| l.name.eq_ignore_ascii_case(base) || l.name.eq_ignore_ascii_case(lower));
    if known {
        Ok(())
    } else {
        Err(format!("`{token}` is not a licence that SPDX lists"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in [
            "MIT",
            "mit",
            "mit or Apache-2.0",
            "(MIT AND (Apache-2.0 OR BSD-3-Clause))",
            "GPL-3.0-only WITH Classpath-exception-2.0",
            "GPL-2.0+",
            "GPL-2.0",
            "LicenseRef-Proprietary",
        ] {
            assert_eq!(license_expression(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "MIT License",
            "MIT AND",
            "OR MIT",
            "MIT/Apache-2.0",
            "BSD",
            "NOASSERTION",
            "(MIT",
            "MIT)",
            "()",
            "(MIT) WITH Classpath-exception-2.0",
            "MIT WITH Apache-2.0",
            "LicenseRef-",
            "LicenseRef-a_b",
            "DocumentRef-x:LicenseRef-y",
        ] {
            assert!(license_expression(bad).is_err(), "{bad}");
        }
        assert!(license_expression(&"(".repeat(100_000)).is_err());
    }
}
