//! Stack traces and compilers' messages: the places that they name, the most telling first.

use crate::rules::markdown::visible;

/// The most places that are read from one text.
const FRAMES_MAX: usize = 60;
/// Longer words are no paths.
const LENGTH_MAX: usize = 400;

/// The files of a text's traces as they are written there, absolute ones without their first `/`: the innermost frame
/// first, each file once. At most 60.
#[must_use]
pub fn frames(text: &str) -> Vec<String> {
    let mut frames: Vec<String> = Vec::new();
    let mut python: Vec<String> = Vec::new();
    for line in visible(text).lines() {
        let is_indented = line.starts_with(char::is_whitespace);
        let line = line.trim().trim_matches('`');
        if let Some(path) = python_frame(line) {
            python.push(path);
        } else if python.is_empty() || !is_indented {
            // Python writes the innermost frame last, and below each its line of code.
            frames.extend(python.drain(..).rev());
            frames.extend(frame(line));
        }
    }
    frames.extend(python.drain(..).rev());
    let mut unique: Vec<String> = Vec::new();
    for frame in frames {
        if unique.len() < FRAMES_MAX && !unique.contains(&frame) {
            unique.push(frame);
        }
    }
    unique
}

/// `File "app/main.py", line 3, in run`
fn python_frame(line: &str) -> Option<String> {
    let (path, rest) = line.strip_prefix("File \"")?.split_once('"')?;
    rest.starts_with(", line ").then(|| clean(path)).flatten()
}

fn frame(line: &str) -> Option<String> {
    if let Some(rest) = line.strip_prefix("at ") {
        return java_frame(rest).or_else(|| placed(rest));
    }
    let is_marked =
        line.starts_with("--> ") || line.starts_with("from ") || line.contains("panicked at ");
    let first = line.split_whitespace().next()?;
    if is_marked {
        return placed(line);
    }
    // `src/a.c:12:5: error`, `/app/main.go:12 +0x1b`, `lib/x.rb:12:in 'run'`
    let (_, position) = split_position(first)?;
    let is_message = position.matches(':').count() > 1 || position.contains(":in");
    (is_message || line.contains(" +0x"))
        .then(|| placed(first))
        .flatten()
}

/// The first word of the line with a position behind it.
fn placed(line: &str) -> Option<String> {
    line.split(|char: char| char.is_whitespace() || "()'\",".contains(char))
        .find_map(|word| split_position(word).and_then(|(path, _)| clean(path)))
}

/// `src/a.rs:12:5` -> `src/a.rs`, `:12:5`
fn split_position(word: &str) -> Option<(&str, &str)> {
    let from = if word.get(1..3) == Some(":\\") { 2 } else { 0 };
    let from = word.find("://").map_or(from, |at| at + 3);
    let colons = word[from..].match_indices(':').map(|(at, _)| at + from);
    let mut places = colons.filter(|at| is_position(&word[*at..]));
    let at = places.find(|at| !crate::rules::paths::extension(&word[..*at]).is_empty())?;
    Some(word.split_at(at))
}

/// `:12`, `:12:5:`, `:12:in`
fn is_position(text: &str) -> bool {
    let text = text.strip_suffix("in").unwrap_or(text);
    text.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
        && text
            .bytes()
            .all(|byte| byte == b':' || byte.is_ascii_digit())
}

/// `com.shop.Cart.add(Cart.java:12)` -> `com/shop/Cart.java`
fn java_frame(rest: &str) -> Option<String> {
    let (call, place) = rest.split_once('(')?;
    let (file, _) = place.split_once(':')?;
    if !matches!(
        crate::rules::paths::extension(file),
        "java" | "kt" | "scala" | "groovy"
    ) || file.contains('/')
    {
        return None;
    }
    let call = call.rsplit_once('/').map_or(call, |(_, call)| call);
    let parts: Vec<&str> = call.split('.').collect();
    let package = parts.get(..parts.len().saturating_sub(2))?;
    let is_word = |part: &&str| {
        !part.is_empty()
            && part
                .chars()
                .all(|char| char.is_alphanumeric() || char == '_')
    };
    package
        .iter()
        .all(is_word)
        .then(|| [package, &[file]].concat().join("/"))
}

fn clean(path: &str) -> Option<String> {
    let path = path
        .split_once("://")
        .map_or(path, |(_, path)| path)
        .replace('\\', "/");
    let path = path.rsplit_once("/./").map_or(&*path, |(_, path)| path);
    let path = path
        .strip_prefix("./")
        .unwrap_or(path)
        .trim_start_matches('/');
    let is_sound = !path.is_empty()
        && path.len() <= LENGTH_MAX
        && !path.contains("..")
        && !crate::rules::paths::extension(path).is_empty()
        && !path.chars().any(|char| char.is_control() || char == '<');
    is_sound.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        assert_eq!(frames(text), expect, "{text}");
    }

    #[test]
    fn traces_of_many_languages_are_read() {
        check(
            "  at run (src/a.ts:1:2)\n  at Object.<anonymous> (/home/me/shop/src/b.ts:3:4)",
            &["src/a.ts", "home/me/shop/src/b.ts"],
        );
        check("    at src/deep.rs:12:5", &["src/deep.rs"]);
        check(
            "thread 'main' panicked at src/main.rs:10:9:\nboom",
            &["src/main.rs"],
        );
        check(
            "error[E0308]: mismatched types\n  --> crates/x/src/lib.rs:7:3",
            &["crates/x/src/lib.rs"],
        );
        check(
            "main.run()\n\t/app/cmd/run.go:12 +0x1b",
            &["app/cmd/run.go"],
        );
        check("src/a.c:12:5: error: expected ';'", &["src/a.c"]);
        check(
            "lib/x.rb:12:in 'run'\n\tfrom bin/x.rb:3:in '<main>'",
            &["lib/x.rb", "bin/x.rb"],
        );
        check(
            "at com.shop.cart.Cart.add(Cart.java:12)",
            &["com/shop/cart/Cart.java"],
        );
        check("at webpack://shop/./src/App.tsx:4:2", &["src/App.tsx"]);
        check("at Foo in C:\\src\\Foo.cs:12", &["C:/src/Foo.cs"]);
    }

    #[test]
    fn python_names_the_innermost_frame_last() {
        let text = "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 3, in <module>\n    run()\n  File \"/srv/app/deep.py\", line 9, in run\nValueError";
        check(text, &["srv/app/deep.py", "srv/app/main.py"]);
        let adjacent = "File \"a.py\", line 3, in x\nFile \"b.py\", line 9, in y";
        check(adjacent, &["b.py", "a.py"]);
    }

    #[test]
    fn prose_is_no_trace() {
        check("look at src/a.rs and at 12:30", &[]);
        check("at noon: http://x.com:80/a", &[]);
        check("The ratio is 3:1, from 10:20.", &[]);
        check("", &[]);
    }

    #[test]
    fn a_trace_without_end_is_cut() {
        let lines: Vec<String> = (0..500)
            .map(|n| format!("at f (src/f{n}.js:1:1)"))
            .collect();
        let text = lines.join("\n");
        assert_eq!(frames(&text).len(), 60);
    }
}
