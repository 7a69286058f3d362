//! There is a place for the plugin, and its bytes are held as the policy wants until they are loaded there.

use crate::{Code, Facts, Isolation, Policy, Reason, Source};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    let origin = &facts.origin;
    if policy.isolation == Isolation::Required {
        let what = format!("{origin} must not enter the host's own process");
        let advice =
            "wait for a release that can isolate plugins, or accept it in-process in the policy";
        reasons.push(Reason::new(
            Code::IsolationUnavailable,
            &what,
            "a process of its own",
            "none available",
            advice,
        ));
    }
    let Some(source) = source(facts, policy) else {
        let what = format!("the bytes of {origin} are not held as the policy wants");
        let accepted: Vec<_> = policy.sources.iter().map(ToString::to_string).collect();
        let expected = if accepted.is_empty() {
            "nothing: the policy accepts no source".to_string()
        } else {
            accepted.join(" or ")
        };
        let found = facts
            .held
            .map_or_else(|| "no accepted source".to_string(), |held| held.to_string());
        let advice = "load it from a source that the policy accepts";
        reasons.push(Reason::new(
            Code::SourceNotAccepted,
            &what,
            &expected,
            &found,
            advice,
        ));
        return;
    };
    if source == Source::InPlace {
        check_frozen(facts, reasons);
    }
}

/// The source that the bytes are in, or are to be put in if they are only looked at; `None` if the policy accepts none.
pub(crate) fn source(facts: &Facts, policy: &Policy) -> Option<Source> {
    match facts.held {
        Some(held) => policy.sources.contains(&held).then_some(held),
        None => policy.sources.first().copied(),
    }
}

/// In place, the owner can change the file after it was judged. Only root, who can do anything anyhow, may be that owner:
/// this is stricter than the ownership rule and no policy relaxes it.
fn check_frozen(facts: &Facts, reasons: &mut Vec<Reason>) {
    let file = facts
        .file
        .iter()
        .map(|file| (facts.origin.as_str(), file.uid, file.mode));
    let folders = facts
        .ancestors
        .iter()
        .map(|folder| (folder.path.as_str(), folder.uid, folder.mode));
    for (path, uid, mode) in file
        .chain(folders)
        .filter(|(_, uid, mode)| *uid != 0 || mode & 0o022 != 0)
    {
        let what = format!(
            "{} can change between judging and loading, through {path}",
            facts.origin
        );
        let found = format!("user {uid}, mode {:04o}", mode & 0o7777);
        let advice = "load it from a sealed or private copy";
        reasons.push(Reason::new(
            Code::NotFrozen,
            &what,
            "user 0 and no write permission for others",
            &found,
            advice,
        ));
    }
}
