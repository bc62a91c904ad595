//! What a program printed, as text that is safe to print: the one place where this room decides that.

use crate::rules::printable::{clip, printable_block, printable_lines};

/// The beginning of it, over several lines, at most so many bytes.
#[must_use]
pub fn beginning(text: &str, most: usize) -> String {
    let mut printable = printable_lines(head(text, most));
    printable.truncate(head(&printable, most).len());
    printable.trim_end().to_owned()
}

/// The end of it, over several lines, at most about so many bytes; says how much is missing.
#[must_use]
pub fn end(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    printable_block(text.trim_end(), most)
}

/// The beginning of it on one line, at most so many characters.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    clip(head(text, 4 * most), most)
}

fn head(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monster_is_cut_without_being_read_to_its_end() {
        let text = "ü\u{1b}[31mred\n".repeat(100_000);
        assert_eq!(beginning(&text, 13), "üred\nü");
        assert_eq!(line(&text, 6), "üred…");
        assert!(end(text.as_bytes(), 100).len() <= 100);
    }
}
