//! All tasks have ended: their work is tried together, that is told, and then the session is finished.

use crate::rules::certificate::{Certificate, LeftOut, Part, Why};
use crate::rules::event::{Effect, Event};
use crate::rules::ids::IssueNumber;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::Entry;
use crate::rules::task::Ending;
use std::collections::BTreeSet;

/// How far the trial of the whole has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Certification {
    /// It has not begun, or began in a process that died.
    #[default]
    Open,
    /// It runs, over this work.
    Running(Vec<Part>),
    /// It ended.
    Done(Box<Certificate>),
}

impl Session {
    /// Have all tasks ended, and was that told?
    pub(super) fn is_worked_off(&self) -> bool {
        self.read && self.table.all_ended() && self.unannounced.is_empty()
    }

    /// Is there nothing left to do at all?
    pub(super) fn is_done(&self) -> bool {
        self.is_worked_off()
            && self.untested.is_empty()
            && self.rework_offer().is_none()
            && match &self.certification {
                Certification::Open => !self.is_to_be_certified() && self.conflicting().is_empty(),
                Certification::Running(_) => false,
                Certification::Done(_) => self.untold.is_empty(),
            }
    }

    /// What comes after the last task.
    pub(super) fn close(&self) -> Option<Event> {
        if !self.is_worked_off() || !self.untested.is_empty() {
            return None;
        }
        match &self.certification {
            Certification::Open if self.is_to_be_certified() => Some(Event::Certifying {
                parts: self.parts(),
            }),
            Certification::Open if !self.conflicting().is_empty() => Some(Event::Certified {
                certificate: Box::new(Certificate::untried(self.conflicting())),
            }),
            Certification::Running(_) => None,
            Certification::Open | Certification::Done(_) => {
                self.is_done().then_some(Event::SessionFinished)
            }
        }
    }

    /// Two at least have to be there before they can go together.
    fn is_to_be_certified(&self) -> bool {
        let entries = self.table.entries().iter();
        let mut parts = entries.filter(|entry| is_unmerged(entry) && entry.record.commit.is_some());
        self.settings().together.certificate && parts.nth(1).is_some()
    }

    /// What is offered in pulls and conflicts, where nothing is tried together. Their pulls tell it.
    fn conflicting(&self) -> Vec<LeftOut> {
        let entries = self.clashing.iter().map(|place| self.table.at(place));
        let told = |entry: &Entry| {
            let is_offered =
                entry.ending() == Some(Ending::Completed) && entry.record.pull.is_some();
            let conflicts = entry.record.conflicts.iter();
            let why = if entry.record.outdated.is_empty() {
                Why::Meets {
                    with: conflicts.clone().map(|conflict| conflict.with).collect(),
                    paths: conflicts
                        .flat_map(|conflict| conflict.paths.clone())
                        .collect(),
                }
            } else {
                Why::Outdated {
                    paths: entry.record.outdated.clone(),
                }
            };
            let issue = entry.number;
            is_offered.then_some(LeftOut { issue, why })
        };
        entries.filter_map(told).collect()
    }

    /// The work that is offered and not merged, what others stand on first.
    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut seen = BTreeSet::new();
        for place in 0..self.table.entries().len() {
            self.add_part(place, &mut seen, &mut parts);
        }
        parts
    }

    fn add_part(&self, place: usize, seen: &mut BTreeSet<usize>, parts: &mut Vec<Part>) {
        let entry = self.table.at(place);
        if !is_unmerged(entry) || !seen.insert(place) {
            return;
        }
        let below = &entry.record.below;
        for below in below {
            if let Some(place) = self.table.place(below.issue) {
                self.add_part(place, seen, parts);
            }
        }
        if let Some(commit) = &entry.record.commit {
            parts.push(Part {
                issue: entry.number,
                commit: commit.id.clone(),
                below: below.iter().map(|below| below.issue).collect(),
            });
        }
    }

    /// What an ended trial makes known, if it is still asked for.
    pub(super) fn certified(&self, parts: &[Part], certificate: &Certificate) -> Option<Event> {
        let is_asked = match &self.certification {
            Certification::Running(asked) => asked.as_slice() == parts,
            Certification::Open | Certification::Done(_) => false,
        };
        is_asked.then(|| Event::Certified {
            certificate: Box::new(certificate.clone()),
        })
    }

    pub(super) fn certificate_told(
        &self,
        issue: IssueNumber,
        trouble: Option<&String>,
    ) -> Option<Event> {
        let place = self.table.place(issue);
        let is_news = place.is_some_and(|place| self.untold.contains(place));
        is_news.then(|| Event::CertificateTold {
            issue,
            trouble: trouble.cloned(),
        })
    }

    pub(super) fn begin_certifying(&mut self, parts: &[Part]) {
        self.certification = Certification::Running(parts.to_vec());
    }

    pub(super) fn note_certificate(&mut self, certificate: &Certificate) {
        self.certification = Certification::Done(Box::new(certificate.clone()));
        let left_out = certificate.left_out.iter().map(|left| left.issue);
        for issue in certificate.together.iter().copied().chain(left_out) {
            if let Some(place) = self.table.place(issue)
                && self.table.at(place).record.pull.is_some()
            {
                self.untold.insert(place);
            }
        }
    }

    /// The pulls that still have to tell it, and what.
    #[must_use]
    pub fn untold(&self) -> Option<(&Certificate, Vec<IssueNumber>)> {
        let Certification::Done(certificate) = &self.certification else {
            return None;
        };
        let issues = self.untold.iter();
        let issues: Vec<_> = issues.map(|place| self.table.at(place).number).collect();
        (!issues.is_empty()).then_some((certificate, issues))
    }

    /// There is other work than it spoke of: it is tried anew when that has ended.
    pub(super) fn reopen_certification(&mut self) {
        self.certification = Certification::Open;
        for place in self.untold.iter().collect::<Vec<_>>() {
            self.untold.remove(place);
        }
        for place in 0..self.table.entries().len() {
            let effects = &mut self.table.at_mut(place).record.effects;
            for (effect, done) in effects.iter_mut() {
                if matches!(effect, Effect::Describe { .. }) {
                    *done = false;
                }
            }
        }
    }
}

/// Is its work there, and yet to be merged?
fn is_unmerged(entry: &Entry) -> bool {
    !entry.merged && entry.ending() == Some(Ending::Completed)
}
