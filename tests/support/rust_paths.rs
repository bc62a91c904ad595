//! Which modules and crates a Rust source names: tokens, and the paths that they make.

/// All paths, `use` trees unfolded, each from `crate` or an outside name on.
pub(crate) fn paths(module: &str, tokens: &[Token]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut here: Vec<String> = module.split('/').map(str::to_owned).collect();
    if matches!(module, "main" | "lib") {
        here.clear();
    }
    // For each open brace, whether it is that of an inline module.
    let mut braces = Vec::new();
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut at = 0;
    while at < tokens.len() {
        let line = tokens[at].line;
        let before = at.checked_sub(1).map_or("", text);
        match text(at) {
            "{" => {
                let is_module = at >= 2 && text(at - 2) == "mod";
                if is_module {
                    here.push(before.to_owned());
                }
                braces.push(is_module);
            }
            "}" => here.truncate(here.len() - usize::from(braces.pop() == Some(true))),
            "use" if text(at + 1) != "<" => {
                let mut tree = Vec::new();
                at = unfold(tokens, at + 1, &[], &mut tree);
                found.extend(tree.into_iter().map(|path| (line, resolve(&here, path))));
                continue;
            }
            "crate" if before == "extern" => found.push((line, vec![text(at + 1).to_owned()])),
            _ if tokens[at].is_name() && text(at + 1) == "::" => {
                let rooted = before == "::" && (at < 2 || !follows_path(&tokens[at - 2]));
                if rooted || !matches!(before, "::" | ".") {
                    found.push((line, resolve(&here, straight(tokens, at))));
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Can a `::` after this token go on with a path?
fn follows_path(token: &Token) -> bool {
    token.is_name() || token.text == ">"
}

/// The names of a path in an expression or a type, up to the first generic arguments.
fn straight(tokens: &[Token], mut at: usize) -> Vec<String> {
    let mut path = Vec::new();
    while let Some(token) = tokens.get(at).filter(|token| token.is_name()) {
        path.push(token.text.clone());
        if tokens.get(at + 1).is_none_or(|next| next.text != "::") {
            break;
        }
        at += 2;
    }
    path
}

/// Unfolds one `use` tree that begins at a token; gives the place after it.
fn unfold(tokens: &[Token], mut at: usize, prefix: &[String], out: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = unfold(tokens, at, &path, out);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "as" => at += 2,
            "," | "}" | ";" => break,
            _ => {
                path.push(token.text.clone());
                at += 1;
            }
        }
    }
    out.push(path);
    at
}

/// From `crate` on, where the path begins in this crate.
fn resolve(here: &[String], path: Vec<String>) -> Vec<String> {
    let inside = |start: &[String], rest: &[String]| [&["crate".to_owned()], start, rest].concat();
    let ups = path.iter().take_while(|name| *name == "super").count();
    match path[0].as_str() {
        "self" => inside(here, &path[1..]),
        "super" => inside(&here[..here.len().saturating_sub(ups)], &path[ups..]),
        "autoissue" => inside(&[], &path[1..]),
        _ => path,
    }
}

/// A name or a sign.
#[derive(Debug)]
pub(crate) struct Token {
    /// Its line, counted from 1.
    pub(crate) line: usize,
    /// Itself.
    pub(crate) text: String,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text
            .starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// Names, `::` and single signs; comments, strings, characters, lifetimes and numbers are left out.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let silent = skipped(rest);
        let length = match silent {
            Some(length) => length,
            None if rest.starts_with("::") => 2,
            None => word(rest).max(first.len_utf8()),
        };
        let (token, after) = rest.split_at(length);
        if silent.is_none() && !first.is_whitespace() && !first.is_ascii_digit() {
            let text = token.to_owned();
            tokens.push(Token { line, text });
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

/// The length of a name or number at the start.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

/// The length of what says nothing, where it stands at the start: a comment, a string, a character, a lifetime.
fn skipped(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    let name = word(text);
    let (prefix, rest) = text.split_at(name);
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let is_raw = matches!(prefix, "r" | "br" | "cr");
    if is_raw && rest[hashes..].starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        let start = name + hashes + 1;
        let end = text[start..]
            .find(&close)
            .map_or(text.len(), |at| start + at + close.len());
        return Some(end);
    }
    if matches!(prefix, "" | "b" | "c") && rest.starts_with('"') {
        return Some(name + quoted(rest, '"'));
    }
    if matches!(prefix, "" | "b") && rest.starts_with('\'') {
        let mut chars = rest.chars().skip(1);
        let is_character = chars.next() == Some('\\') || chars.next() == Some('\'');
        let length = if is_character {
            quoted(rest, '\'')
        } else {
            1 + word(&rest[1..])
        };
        return Some(name + length);
    }
    None
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The length of a quoted text with `\` escapes, quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}
