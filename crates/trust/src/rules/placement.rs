//! There is a place for the plugin, and its bytes are held as the policy wants until they are loaded there.

use crate::{Code, Facts, FileFacts, FolderFacts, Isolation, Policy, Reason, Source};
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
    check_held(facts, policy, reasons);
}

/// That the bytes are held in a way that the policy accepts, and cannot change.
pub(super) fn check_held(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    let origin = &facts.origin;
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
    for (path, uid, mode) in thawed(facts) {
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

/// Whether it is known that nobody but root can change a file or put another one in its place: what a distribution installs, and
/// what may be loaded from where it lies. `ancestors` are the folders above it, up to `/`.
#[must_use]
pub fn is_frozen(file: &FileFacts, ancestors: &[FolderFacts]) -> bool {
    let reaches_top = ancestors.last().is_some_and(|folder| folder.path == "/");
    let mut folders = ancestors.iter().map(|folder| (folder.uid, folder.mode));
    reaches_top && is_roots(file.uid, file.mode) && folders.all(|(uid, mode)| is_roots(uid, mode))
}

/// Whether only root can write what has this owner and mode.
const fn is_roots(uid: u32, mode: u32) -> bool {
    uid == 0 && mode & 0o022 == 0
}

/// [`is_frozen`], of the file of these facts.
pub(super) fn facts_are_frozen(facts: &Facts) -> bool {
    let file = facts.file.as_ref();
    file.is_some_and(|file| is_frozen(file, &facts.ancestors))
}

/// What of the file and the folders above it somebody besides root can write: path, owner and mode.
fn thawed(facts: &Facts) -> impl Iterator<Item = (&str, u32, u32)> {
    let file = facts
        .file
        .iter()
        .map(|file| (facts.origin.as_str(), file.uid, file.mode));
    let folders = facts
        .ancestors
        .iter()
        .map(|folder| (folder.path.as_str(), folder.uid, folder.mode));
    file.chain(folders)
        .filter(|(_, uid, mode)| !is_roots(*uid, *mode))
}
