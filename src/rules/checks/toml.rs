//! As much of TOML as tells which tables and keys a manifest has, and what stands in them.

/// The keys of a document, each with the way to it (`tool.ruff.line-length`), and its value as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Toml {
    keys: Vec<(String, String)>,
}

impl Toml {
    /// Reads a document; else says in which line it is none.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut toml = Self::default();
        let mut table = String::new();
        let mut rest = Rest { text, line: 1 };
        while let Some((line, content)) = rest.statement()? {
            if content.is_empty() {
                continue;
            }
            let no_toml = || format!("line {line} is not TOML");
            if let Some(header) = content.strip_prefix('[') {
                let header = header.strip_prefix('[').unwrap_or(header);
                let header = header.split(']').next().filter(|_| content.ends_with(']'));
                table = key(header.ok_or_else(no_toml)?).ok_or_else(no_toml)?;
                toml.keys.push((table.clone(), String::new()));
                continue;
            }
            let (name, value) = content.split_once('=').ok_or_else(no_toml)?;
            let (name, value) = (key(name).ok_or_else(no_toml)?, value.trim());
            if value.is_empty() {
                return Err(no_toml());
            }
            let path = [table.as_str(), &name].join(".");
            let path = path.trim_start_matches('.').to_owned();
            toml.keys.push((path, value.to_owned()));
        }
        Ok(toml)
    }

    /// Is there this table or key, or anything below it?
    #[must_use]
    pub(super) fn has(&self, path: &str) -> bool {
        self.below(path).next().is_some()
    }

    /// The keys at this path and below it, with their values as they are written.
    pub(super) fn below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let is_below = move |key: &str| {
            let rest = key.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let keys = self.keys.iter().filter(move |(key, _)| is_below(key));
        keys.map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// `a . "b"` as `a.b`; `None` where that is no key.
fn key(text: &str) -> Option<String> {
    let is_quoted = text.contains(['"', '\'']);
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    // A dot within quotes parts as well: no key that we look for has one.
    let parts = text.split('.').map(str::trim);
    let parts: Vec<&str> = parts.map(|part| part.trim_matches(['"', '\''])).collect();
    let is_key = |part: &&str| !part.is_empty() && (is_quoted || part.chars().all(is_bare));
    parts.iter().all(is_key).then(|| parts.join("."))
}

/// What is left of a document.
struct Rest<'a> {
    text: &'a str,
    line: usize,
}

impl Rest<'_> {
    /// The next header or pair with the line it begins in, without comments; over several lines where brackets or quotes
    /// stay open.
    fn statement(&mut self) -> Result<Option<(usize, String)>, String> {
        if self.text.is_empty() {
            return Ok(None);
        }
        let (start, mut depth, mut statement) = (self.line, 0_u32, String::new());
        while let Some(next) = self.text.chars().next() {
            match next {
                '"' | '\'' => self.quoted(next, &mut statement)?,
                '#' => self.skip(self.text.find('\n').unwrap_or(self.text.len())),
                '\n' if depth == 0 => {
                    self.skip(1);
                    break;
                }
                _ => {
                    match next {
                        '[' | '{' => depth += 1,
                        ']' | '}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    statement.push(next);
                    self.skip(next.len_utf8());
                }
            }
        }
        if depth > 0 {
            return Err(format!("a bracket opened in line {start} is never closed"));
        }
        Ok(Some((start, statement.trim().to_owned())))
    }

    /// Takes a string in, of one line or of many.
    fn quoted(&mut self, quote: char, statement: &mut String) -> Result<(), String> {
        let start = self.line;
        let triple = quote.to_string().repeat(3);
        let end = if self.text.starts_with(&triple) {
            self.text[3..].find(&triple).map(|end| end + 6)
        } else {
            closing(self.text, quote)
        };
        let end = end.ok_or_else(|| format!("a quote opened in line {start} is never closed"))?;
        statement.push_str(&self.text[..end]);
        self.skip(end);
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        let (over, rest) = self.text.split_at(bytes);
        self.line += over.matches('\n').count();
        self.text = rest;
    }
}

/// Behind the quote that ends the string that begins here, in the same line.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, next) in text.char_indices().skip(1) {
        match next {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            _ if next == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_keys_and_values_are_found() {
        let toml = Toml::read(
            "a = 1 # one\n[tool.ruff]\nline = \"a # b\"\n[[tool.x]]\n[project]\ndeps = [\n  \"pytest>=8\", # c\n]\n\
             text = '''\n[tool.not]\n'''\n[dependency-groups]\ndev = [\"mypy\"]\n\"quoted\".key = { b = 2 }\n",
        );
        let toml = toml.unwrap();
        for path in ["a", "tool", "tool.ruff", "tool.ruff.line", "tool.x"] {
            assert!(toml.has(path), "{path}");
        }
        assert!(!toml.has("tool.not") && !toml.has("tool.ruf"));
        let deps: Vec<_> = toml.below("project.deps").collect();
        assert!(deps[0].1.contains("pytest>=8"), "{deps:?}");
        assert!(toml.has("dependency-groups.quoted.key"));
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_line() {
        let check = |text: &str, expect: &str| {
            assert_eq!(Toml::read(text).unwrap_err(), expect, "{text}");
        };
        check("[tool", "a bracket opened in line 1 is never closed");
        check(
            "a = 1\nb = \"x\n",
            "a quote opened in line 2 is never closed",
        );
        check("a = 1\n\n<<<<<<< HEAD\n", "line 3 is not TOML");
        check("a =\n", "line 1 is not TOML");
        check("[a] b", "line 1 is not TOML");
        check("a = [1,\n2", "a bracket opened in line 1 is never closed");
        assert_eq!(Toml::read("").unwrap(), Toml::default());
    }
}
