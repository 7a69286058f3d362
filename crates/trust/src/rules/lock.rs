//! The plugin is the one with which the application was released.

use super::signature;
use crate::{Code, Facts, Lock, LockedPlugin, ManifestFacts, Policy, Reason, Unlocked};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    if policy.trusted.contains(&facts.digest) {
        return;
    }
    let origin = &facts.origin;
    let entries: Vec<&LockedPlugin> = match (&policy.lock, &facts.manifest) {
        (Some(lock), Some(manifest)) => lock.versions(&manifest.id).collect(),
        _ => Vec::new(),
    };
    if entries.is_empty() {
        if policy.unlocked == Unlocked::Refused {
            reasons.push(missing(facts, policy.lock.as_ref()));
        }
        return;
    }
    let Some(manifest) = &facts.manifest else {
        return;
    };
    let id = &manifest.id;
    let Some(entry) = entries
        .iter()
        .find(|entry| entry.version == manifest.version)
    else {
        let versions: Vec<_> = entries
            .iter()
            .map(|entry| entry.version.to_string())
            .collect();
        // The lowest comes first.
        let lower = entries
            .first()
            .is_some_and(|lowest| manifest.version < lowest.version);
        let (code, what, advice) = if lower {
            (
                Code::LockDowngrade,
                "is older than what the lock file lists",
                "install the locked version; if going back is wanted, `plugwright lock --allow-downgrade` writes it down",
            )
        } else {
            (
                Code::LockVersion,
                "is not a version that the lock file lists",
                "install the locked version, or lock this one with `plugwright lock`",
            )
        };
        let what = format!("{origin} {what}");
        let expected = format!("{id} {}", versions.join(" or "));
        let found = format!("{id} {}", manifest.version);
        reasons.push(Reason::new(code, &what, &expected, &found, advice));
        return;
    };
    check_entry(entry, manifest, facts, policy, reasons);
}

fn missing(facts: &Facts, lock: Option<&Lock>) -> Reason {
    let what = format!("{} is not in the lock file", facts.origin);
    let found = match (lock, &facts.manifest) {
        (None, _) => String::from("no lock file"),
        (Some(_), None) => String::from("a library that does not say which plugin it is"),
        (Some(_), Some(manifest)) => format!("nothing about {}", manifest.id),
    };
    let advice = "if it belongs to the application, lock it with `plugwright lock`; otherwise remove the file";
    Reason::new(
        Code::LockMissing,
        &what,
        "a plugin that the lock file lists",
        &found,
        advice,
    )
}

fn check_entry(
    entry: &LockedPlugin,
    manifest: &ManifestFacts,
    facts: &Facts,
    policy: &Policy,
    reasons: &mut Vec<Reason>,
) {
    let (origin, digest) = (&facts.origin, facts.digest);
    let named = format!("{} {}", entry.id, entry.version);
    if !entry.files.iter().any(|file| file.digest == digest) {
        let files: Vec<String> = entry
            .files
            .iter()
            .map(|file| format!("digest {} ({})", file.digest, file.target))
            .collect();
        let what = format!("{origin} has other bytes than {named} when it was locked");
        let advice = "find out who changed the file; if the change is wanted, lock it anew with `plugwright lock`";
        let found = format!("digest {digest}");
        reasons.push(Reason::new(
            Code::LockDigest,
            &what,
            &files.join(" or "),
            &found,
            advice,
        ));
    }
    let unsigned =
        |signer| signature::accepted(facts, policy).all(|(key, _)| key.public.id() != signer);
    if let Some(signer) = entry.signer.filter(|signer| unsigned(*signer)) {
        let what = format!("{origin} is not signed as {named} was when it was locked");
        let advice = "install it anew with its signature; if the key was replaced, lock it anew";
        let found: Vec<_> = signature::accepted(facts, policy)
            .map(|(key, _)| format!("by the key {:?} ({})", key.name, key.public.id()))
            .collect();
        let found = if found.is_empty() {
            String::from("no signature that counts")
        } else {
            found.join(" and ")
        };
        let expected = format!("a signature by the key {signer}");
        reasons.push(Reason::new(
            Code::LockSigner,
            &what,
            &expected,
            &found,
            advice,
        ));
    }
    for locked in &entry.interfaces {
        if manifest.interfaces.contains(locked) {
            continue;
        }
        let words = |facts: &crate::InterfaceFacts| {
            format!(
                "{} {} with the fingerprint {:016x}",
                facts.id, facts.version, facts.fingerprint
            )
        };
        let now = manifest
            .interfaces
            .iter()
            .find(|interface| interface.id == locked.id);
        let found = now.map_or_else(|| format!("no {}", locked.id), words);
        let what = format!("{origin} does not provide what {named} did when it was locked");
        let advice = "install the locked bytes, or lock these with `plugwright lock`";
        reasons.push(Reason::new(
            Code::LockInterface,
            &what,
            &words(locked),
            &found,
            advice,
        ));
    }
}
