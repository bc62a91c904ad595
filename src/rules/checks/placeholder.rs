//! Scripts that stand where none was written.

/// What npm writes where there are no tests.
const NO_TESTS: &str = "no test specified";

/// Does this script try nothing?
#[must_use]
pub(super) fn is_placeholder(script: &str) -> bool {
    let script = script.trim();
    let only_speaks = script.starts_with("echo ") && !script.contains(['&', ';', '|']);
    script.contains(NO_TESTS)
        || only_speaks
        || matches!(script, "" | ":" | "true" | "exit 0" | "exit 1" | "echo")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_tries_nothing_is_told_apart() {
        let check = |script: &str, expect: bool| {
            assert_eq!(is_placeholder(script), expect, "{script}");
        };
        check("echo \"Error: no test specified\" && exit 1", true);
        check("echo 'no tests yet'", true);
        check(" true ", true);
        check("", true);
        check("echo start && jest", false);
        check("jest", false);
        check("exit-code-check", false);
    }
}
