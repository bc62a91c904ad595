//! What a name is to disks and systems that take several spellings for one.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Does HFS+ leave this character out of names? The list is git's (`next_hfs_char` in `utf8.c`).
#[must_use]
pub fn is_left_out(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Two paths with the same fold are one file on some disk: on one that knows no case (NTFS, APFS), no difference between
/// a letter with its accent and the two apart (NFC and NFD: APFS, HFS+), no blanks or dots at the end (Windows).
#[must_use]
pub fn folded(path: &str) -> String {
    let plain = if path.is_ascii() {
        path.to_ascii_lowercase()
    } else {
        let apart = DecomposingNormalizerBorrowed::new_nfd();
        let kept: String = path.chars().filter(|c| !is_left_out(*c)).collect();
        // Upper case first: it is where letters such as the long s and the Kelvin sign meet theirs.
        let folded = apart.normalize(&kept).to_uppercase().to_lowercase();
        apart.normalize(&folded).into_owned()
    };
    let parts: Vec<&str> = plain.split('/').map(without_tail).collect();
    parts.join("/")
}

/// The path by which any system may come to the file: besides, Windows goes down at a backslash, and takes what follows a
/// colon for a stream of the file before it.
#[must_use]
pub fn reached(path: &str) -> String {
    let folded = folded(&path.replace('\\', "/"));
    let parts = folded.split('/');
    let files = parts.map(|part| without_tail(part.split(':').next().unwrap_or(part)));
    files.collect::<Vec<_>>().join("/")
}

fn without_tail(part: &str) -> &str {
    match part.trim_end_matches(['.', ' ']) {
        "" => part,
        kept => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_file_fold_alike() {
        let check = |one: &str, other: &str, expect: bool| {
            assert_eq!(folded(one) == folded(other), expect, "{one:?} {other:?}");
        };
        check("README.md", "readme.MD", true);
        check("docs/a", "Docs/a", true);
        check("caf\u{e9}", "cafe\u{301}", true);
        check("CAF\u{c9}", "cafe\u{301}", true);
        check("\u{212a}ey", "key", true);
        check("\u{17f}et", "set", true);
        check("a\u{200c}b", "ab", true);
        check("a.", "a", true);
        check("dir. /a", "dir/a", true);
        check("cafe", "caf\u{e9}", false);
        check("a/b", "ab", false);
        check("...", "..", false);
        check("a.b", "ab", false);
        check("x:a", "x:b", false);
    }

    #[test]
    fn streams_and_backslashes_lead_to_the_file() {
        let check = |path: &str, expect: &str| assert_eq!(reached(path), expect, "{path:?}");
        check("AGENTS.md::$DATA", "agents.md");
        check(".github\\workflows\\x.yml", ".github/workflows/x.yml");
        check(".github./workflows /x.yml", ".github/workflows/x.yml");
        check("CLA\u{200d}UDE.md", "claude.md");
        check("src/a.rs", "src/a.rs");
    }
}
