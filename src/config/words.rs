//! A command written as one string: plain words and quotes, and nothing else that a shell would do.

/// Why a string is no plain command.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// There is nothing in it.
    #[error("names no program")]
    Empty,
    /// A quote is open at its end.
    #[error("a quote is not closed")]
    Quote,
    /// It needs a shell, and none is started.
    #[error("{operator} needs a shell, and none is started")]
    Shell {
        /// What a shell would have acted on, quoted for a sentence.
        operator: String,
    },
}

/// Splits a command into its words, as a shell would, and refuses what only a shell could do.
pub fn split(line: &str) -> Result<Vec<String>, WordsError> {
    if let Some(operator) = shell_operator(line) {
        return Err(WordsError::Shell { operator });
    }
    let words = shell_words::split(line).map_err(|_| WordsError::Quote)?;
    match words.first() {
        None => Err(WordsError::Empty),
        Some(program) if program.is_empty() => Err(WordsError::Empty),
        Some(program) if is_assignment(program) => Err(WordsError::Shell {
            operator: format!("`{program}`"),
        }),
        Some(_) => Ok(words),
    }
}

/// `NAME=value` before a command sets a variable in a shell; here it would be taken for the program.
fn is_assignment(program: &str) -> bool {
    program.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// What in this line a shell would act on, outside of quotes that stop it.
fn shell_operator(line: &str) -> Option<String> {
    let mut quote = None;
    let mut before = ' ';
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let starts_word = before.is_whitespace();
        before = c;
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                rest.next();
            }
            (None | Some('"'), '`') => return Some("a backquote".into()),
            (None, '\n' | '\r') => return Some("a line break".into()),
            (None | Some('"'), '$') => return Some(format!("`${}`", name_after(&mut rest))),
            (None, '&' | '|' | '>' | '<') if rest.peek() == Some(&c) => {
                return Some(format!("`{c}{c}`"));
            }
            (None, '&' | '|' | '>' | '<' | ';' | '(' | ')' | '*' | '?' | '[') => {
                return Some(format!("`{c}`"));
            }
            (None, '~' | '#') if starts_word => return Some(format!("`{c}`")),
            (_, _) => {}
        }
    }
    None
}

fn name_after(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    if rest.peek() == Some(&'(') {
        return "(".into();
    }
    rest.take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_and_quotes_are_split_as_a_shell_would() {
        let check = |line, expect: &[&str]| assert_eq!(split(line).unwrap(), expect, "{line}");
        check("cargo test --all", &["cargo", "test", "--all"]);
        check("  pytest -k 'a and b'  ", &["pytest", "-k", "a and b"]);
        check(r#"echo "it's" a\ b"#, &["echo", "it's", "a b"]);
        check("grep '$HOME && *' x", &["grep", "$HOME && *", "x"]);
        check("make CC=gcc", &["make", "CC=gcc"]);
        check("git diff HEAD~1 a#b", &["git", "diff", "HEAD~1", "a#b"]);
    }

    #[test]
    fn what_needs_a_shell_is_refused_by_name() {
        let check = |line: &str, operator: &str| {
            let expect = Err(WordsError::Shell {
                operator: operator.into(),
            });
            assert_eq!(split(line), expect, "{line}");
        };
        check("make && make test", "`&&`");
        check("a | b", "`|`");
        check("a || b", "`||`");
        check("a; b", "`;`");
        check("a > log", "`>`");
        check("a 2>&1", "`>`");
        check("echo $(date)", "`$(`");
        check("echo `date`", "a backquote");
        check("echo $HOME", "`$HOME`");
        check(r#"echo "$HOME""#, "`$HOME`");
        check("rm *.o", "`*`");
        check("ls a[0-9]", "`[`");
        check("ls ~/x", "`~`");
        check("a # b", "`#`");
        check("a\nb", "a line break");
        check("CI=1 make", "`CI=1`");
        check("(cd x)", "`(`");
    }

    #[test]
    fn an_empty_command_names_no_program() {
        assert_eq!(split("  "), Err(WordsError::Empty));
        assert_eq!(split("'' a"), Err(WordsError::Empty));
        assert_eq!(split("a 'b"), Err(WordsError::Quote));
    }
}
