//! Where something stands: what makes the same fault worse.

use crate::severity::Severity;

/// What is known of the place of a target, as far as it changes how bad a finding is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// Why what loads it has more rights than who starts it: the setuid bit, capabilities, being root's.
    pub(crate) privilege: Option<String>,
}

impl Context {
    /// The severity here, and what changed it.
    pub(crate) fn adjust(&self, severity: Severity) -> (Severity, Option<String>) {
        let Some(why) = &self.privilege else {
            return (severity, None);
        };
        let raised = severity.raised();
        let text = (raised != severity).then(|| format!("{severity} to {raised}: {why}"));
        (raised, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privilege_raises() {
        #[track_caller]
        fn check(privileged: bool, severity: Severity, expected: Severity) {
            let context = Context {
                privilege: privileged.then(|| "setuid".into()),
            };
            let (found, why) = context.adjust(severity);
            assert_eq!(found, expected);
            assert_eq!(why.is_some(), found != severity);
        }
        check(false, Severity::High, Severity::High);
        check(true, Severity::High, Severity::Critical);
        check(true, Severity::Info, Severity::Info);
    }
}
