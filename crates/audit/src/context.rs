//! Where something stands: what makes the same fault worse or milder, and what a report says of the surroundings.

use plugwright_inspect::Untrusted;
use serde::Serialize;

use plugwright_trust::Severity;

/// What is known of the place of a target, as far as it changes how bad a finding is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// Why what loads it has more rights than who starts it: the setuid bit, capabilities, being root's.
    pub(crate) privilege: Option<String>,
    /// Why others can put something else in its place, if that is so.
    pub(crate) exposed: Option<String>,
    /// Why nothing is known to load it, if that is so.
    pub(crate) unreached: Option<String>,
}

impl Context {
    /// The severity here, and what changed it.
    pub(crate) fn adjust(&self, severity: Severity) -> (Severity, Option<String>) {
        let mut changed = severity;
        let mut reasons = Vec::new();
        // Once: that others can replace a file of root's is no worse than what they can do by it.
        let worse = self.privilege.iter().chain(&self.exposed);
        let worse: Vec<&str> = worse.map(String::as_str).collect();
        if !worse.is_empty() {
            changed = changed.raised();
            reasons.extend(worse);
        }
        if let Some(why) = &self.unreached {
            changed = changed.lowered();
            reasons.push(why.as_str());
        }
        let text = (changed != severity)
            .then(|| format!("{severity} to {changed}: {}", reasons.join("; ")));
        (changed, text)
    }
}

/// Something that a report says of the surroundings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct ContextNote {
    /// The file, folder or process that it is about.
    pub subject: Untrusted,
    /// Which question it answers.
    pub kind: ContextKind,
    /// What is known. Escaped already.
    pub text: String,
}

/// The questions that context answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ContextKind {
    /// Who may write it.
    Writers,
    /// With which rights it runs.
    Privilege,
    /// Who loads it.
    LoadedBy,
    /// From where it loads, or is loaded.
    Search,
    /// What lies there beside what was reviewed.
    Surroundings,
}

impl ContextKind {
    /// The stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Writers => "writers",
            Self::Privilege => "privilege",
            Self::LoadedBy => "loaded-by",
            Self::Search => "search",
            Self::Surroundings => "surroundings",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privilege_raises_and_distance_lowers() {
        #[track_caller]
        fn check(privilege: bool, unreached: bool, severity: Severity, expected: Severity) {
            let context = Context {
                privilege: privilege.then(|| "setuid".into()),
                exposed: None,
                unreached: unreached.then(|| "nowhere".into()),
            };
            let (found, why) = context.adjust(severity);
            assert_eq!(found, expected);
            assert_eq!(why.is_some(), found != severity);
        }
        check(false, false, Severity::High, Severity::High);
        check(true, false, Severity::High, Severity::Critical);
        check(false, true, Severity::High, Severity::Medium);
        check(true, true, Severity::High, Severity::High);
        check(true, false, Severity::Info, Severity::Info);
    }
}
