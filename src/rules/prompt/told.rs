//! All that may be told in a first prompt: cleaned, measured, and as a template sees it.

use crate::rules::footprint::LikelyFile;
use crate::rules::lesson::LESSON_MAX;
use crate::rules::printable::{clip, printable};
use crate::rules::prompt::cut::{Counts, Part, missing};
use crate::rules::prompt::fence::{beginning, fenced, shown};
use crate::rules::prompt::first::{Comment, PromptInput};
use crate::rules::prompt::others::Other;
use crate::rules::prompt::surroundings::WORTH_A_WORD;
use minijinja::{Value, context};

/// The most of one comment, of one file of instructions and of one piece of code, in bytes.
const COMMENT_MAX: usize = 8_000;
const GUIDE_MAX: usize = 12_000;
const SNIPPET_MAX: usize = 4_000;
/// Files, reasons for each and pieces of code that are told.
const FILES_MAX: usize = 20;
const REASONS_MAX: usize = 3;
const SNIPPETS_MAX: usize = 6;
/// Bytes that marks and names around an item take at most, about.
const AROUND: usize = 60;

/// All that may be told, cleaned, with what each item takes.
pub(super) struct Told {
    /// Title and body of the issue, not fenced yet.
    pub(super) text: String,
    comments: Vec<Comment>,
    files: Vec<String>,
    lessons: Vec<String>,
    others: Vec<String>,
    guides: Vec<(String, String)>,
    snippets: Vec<(String, usize, String)>,
    tests: Vec<String>,
    configs: Vec<String>,
    commits: Vec<String>,
    /// Bytes of each item of each part, about.
    pub(super) sizes: [Vec<usize>; Part::ALL.len()],
}

impl Told {
    pub(super) fn of(input: &PromptInput<'_>) -> Self {
        let issue = input.issue;
        let around = input.surroundings;
        let files = input.files.by_probability().into_iter();
        let files = files.filter(|file| file.probability >= WORTH_A_WORD);
        let snippets = around.snippets.iter().take(SNIPPETS_MAX);
        let mut told = Self {
            text: format!(
                "{}\n\n{}",
                clip(&issue.title, 300),
                shown(&issue.body).trim()
            )
            .trim_end()
            .to_owned(),
            comments: input.comments.iter().map(comment).collect(),
            files: files.take(FILES_MAX).map(file_line).collect(),
            lessons: input
                .lessons
                .iter()
                .map(|text| clip(text, LESSON_MAX))
                .collect(),
            others: input.others.iter().map(other_line).collect(),
            guides: around
                .guides
                .iter()
                .map(|guide| (printable(&guide.path), bounded(&guide.text, GUIDE_MAX)))
                .filter(|(_, text)| !text.is_empty())
                .collect(),
            snippets: snippets
                .map(|piece| {
                    let text = beginning(shown(&piece.text).trim_end(), SNIPPET_MAX);
                    (printable(&piece.path), piece.line, text)
                })
                .collect(),
            tests: around.tests.iter().map(|path| printable(path)).collect(),
            configs: around.configs.iter().map(|path| printable(path)).collect(),
            commits: around
                .commits
                .iter()
                .map(|subject| clip(subject, 150))
                .collect(),
            sizes: Default::default(),
        };
        told.measure();
        told
    }

    fn measure(&mut self) {
        let lines = |lines: &[String]| lines.iter().map(|line| line.len() + 1).collect();
        for part in Part::ALL {
            self.sizes[part as usize] = match part {
                Part::Comments => {
                    let size = |one: &Comment| one.author.len() + one.text.len() + AROUND;
                    self.comments.iter().map(size).collect()
                }
                Part::Files => lines(&self.files),
                Part::Lessons => lines(&self.lessons),
                Part::Others => lines(&self.others),
                Part::Guides => {
                    let size = |(path, text): &(String, String)| path.len() + text.len() + AROUND;
                    self.guides.iter().map(size).collect()
                }
                Part::Snippets => {
                    let size = |(path, _, text): &(String, usize, String)| {
                        path.len() + text.len() + AROUND
                    };
                    self.snippets.iter().map(size).collect()
                }
                Part::Tests => lines(&self.tests),
                Part::Configs => lines(&self.configs),
                Part::Commits => lines(&self.commits),
            };
        }
    }

    /// What a template never names can neither be cut nor missed.
    pub(super) fn forget_unused(&mut self, template: &str) {
        for part in Part::ALL {
            if !template.contains(part.variable()) {
                self.sizes[part as usize].clear();
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Part::ALL.map(|part| self.sizes[part as usize].len())
    }

    pub(super) fn bytes(&self, kept: &Counts) -> usize {
        let parts = self.sizes.iter().zip(kept);
        parts.flat_map(|(sizes, kept)| &sizes[..*kept]).sum()
    }

    pub(super) fn missing(&self, all: &Counts, kept: &Counts, text_max: usize) -> Vec<String> {
        let mut missing = missing(all, kept);
        if self.text.len() > text_max {
            missing.push("the end of the issue".to_owned());
        }
        missing
    }

    pub(super) fn values(&self, input: &PromptInput<'_>, kept: &Counts, text_max: usize) -> Value {
        let kept = |part: Part| kept[part as usize];
        let issue = input.issue;
        let labels: Vec<String> = issue.labels.iter().map(|label| printable(label)).collect();
        let comments = self.comments.iter().take(kept(Part::Comments));
        let guides = self.guides.iter().take(kept(Part::Guides));
        let snippets = self.snippets.iter().take(kept(Part::Snippets));
        context! {
            issue => context! {
                number => issue.number.0,
                title => clip(&issue.title, 300),
                text => fenced("issue", &beginning(&self.text, text_max)),
                labels => labels,
                author => issue.author.as_deref().map(printable),
                url => issue.url.as_deref().map(printable),
            },
            repository => input.repository,
            base_branch => input.base_branch,
            branch => input.branch.as_str(),
            comments => comments
                .map(|one| context! { author => &one.author, text => fenced("comment", &one.text) })
                .collect::<Vec<_>>(),
            files => lines("files", &self.files, kept(Part::Files)),
            lessons => lines("lessons", &self.lessons, kept(Part::Lessons)),
            others => lines("others", &self.others, kept(Part::Others)),
            guides => guides
                .map(|(path, text)| context! { path => path, text => fenced("instructions", text) })
                .collect::<Vec<_>>(),
            snippets => snippets
                .map(|(path, line, text)| context! { path => path, line => line, text => fenced("code", text) })
                .collect::<Vec<_>>(),
            configs => lines("configs", &self.configs, kept(Part::Configs)),
            tests => lines("tests", &self.tests, kept(Part::Tests)),
            commits => lines("commits", &self.commits, kept(Part::Commits)),
            checks => input.checks.to_vec(),
            steps => input.steps.to_vec(),
        }
    }
}

fn comment(comment: &Comment) -> Comment {
    Comment {
        author: clip(&comment.author, 100),
        text: bounded(&comment.text, COMMENT_MAX),
    }
}

fn bounded(text: &str, max_bytes: usize) -> String {
    beginning(shown(text).trim(), max_bytes)
}

/// The fenced lines that are kept; nothing where that is none.
fn lines(name: &str, lines: &[String], kept: usize) -> String {
    let kept = &lines[..kept.min(lines.len())];
    if kept.is_empty() {
        return String::new();
    }
    fenced(name, &kept.join("\n"))
}

/// The path, how likely it is and why, the strongest reason first.
fn file_line(file: &LikelyFile) -> String {
    let mut reasons = file.evidence.clone();
    reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let reasons = reasons.iter().take(REASONS_MAX);
    let reasons: Vec<&str> = reasons.map(|reason| reason.kind.words()).collect();
    let path = printable(&file.path);
    format!(
        "{path} ({:.0} %: {})",
        file.probability * 100.0,
        reasons.join(", ")
    )
}

fn other_line(other: &Other) -> String {
    let files: Vec<String> = other.files.iter().map(|path| printable(path)).collect();
    let files = if files.is_empty() {
        "its files are not known".to_owned()
    } else {
        files.join(", ")
    };
    let (issue, title) = (other.issue, clip(&other.title, 100));
    format!("{issue} {title} (in the stage {}): {files}", other.stage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::footprint::Evidence;

    #[test]
    fn the_likeliest_file_comes_first_with_its_reasons() {
        let mut file = LikelyFile::new("a.rs", 0.42, Evidence::Symbol);
        file.evidence
            .extend(LikelyFile::new("a.rs", 0.9, Evidence::SimilarWork).evidence);
        assert_eq!(
            file_line(&file),
            "a.rs (42 %: touched by similar work, knows a name of the text)"
        );
    }
}
