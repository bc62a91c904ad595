//! What was meant, where a name is not known.

/// Below this, names are merely different (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.85;

/// The candidate that is spelled most like `word`; case, dashes and underscores do not matter.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &plain(candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let keys = ["maxParallel", "timeoutMinutes", "createPr", "prDraft"];
        let check = |word, expect| assert_eq!(nearest(word, keys), expect, "{word}");
        check("maxParalel", Some("maxParallel"));
        check("max_parallel", Some("maxParallel"));
        check("createPR", Some("createPr"));
        check("timeoutMinute", Some("timeoutMinutes"));
        check("colour", None);
    }
}
