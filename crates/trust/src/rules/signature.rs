//! Somebody whom the policy knows spoke for the bytes, and was allowed to.

use crate::{
    Capability, Code, Facts, Key, Policy, Reason, SignatureCheck, SignatureFacts, Signatures,
    Timestamp,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    let required =
        policy.signatures == Signatures::Required && !policy.trusted.contains(&facts.digest);
    let signed = accepted(facts, policy).next().is_some();
    let before = reasons.len();
    for signature in &facts.signatures {
        let Err(reason) = accept(signature, facts, policy) else {
            continue;
        };
        let counts = match reason.code {
            // Somebody changed what was signed, whoever else signed it.
            Code::SignatureForged => true,
            // Says nothing against the bytes; they are as if unsigned.
            Code::SignatureUnknownKey | Code::SignatureNotListed | Code::SignatureMalformed => {
                required && !signed
            }
            _ => !signed,
        };
        if counts {
            reasons.push(reason);
        }
    }
    if required && !signed && reasons.len() == before {
        let what = format!("{} is not signed", facts.origin);
        let expected = if policy.keys.is_empty() {
            String::from("a signature, but the policy knows no key that could make one")
        } else {
            let names: Vec<_> = policy.keys.iter().map(|key| key.name.as_str()).collect();
            format!("a signature by {}", names.join(" or "))
        };
        let advice = "have it signed with a key that the policy knows, or trust these bytes in a policy that needs no signatures";
        let found = "no signature beside it and no signed bundle that lists it";
        reasons.push(Reason::new(
            Code::SignatureMissing,
            &what,
            &expected,
            found,
            advice,
        ));
    }
}

/// The keys of the policy that spoke well for the file, with what they said: in their time, unrevoked, within their scope.
pub fn accepted<'a>(
    facts: &'a Facts,
    policy: &'a Policy,
) -> impl Iterator<Item = (&'a Key, &'a SignatureFacts)> + use<'a> {
    let accepted = |signature| Some((accept(signature, facts, policy).ok()?, signature));
    facts.signatures.iter().filter_map(accepted)
}

/// What the keys that made good signatures over the file let be granted, whether they count now or not.
pub(super) fn limits<'a>(
    facts: &'a Facts,
    policy: &'a Policy,
) -> impl Iterator<Item = &'a Vec<Capability>> + use<'a> {
    let good = |signature: &&SignatureFacts| signature.check == SignatureCheck::Good;
    let key = |signature: &SignatureFacts| {
        let mut keys = policy.keys.iter();
        keys.find(|key| key.public.id() == signature.key)
    };
    let keys = facts.signatures.iter().filter(good).filter_map(key);
    keys.filter_map(|key| key.capabilities.as_ref())
}

/// The key that made a signature, if it counts.
fn accept<'a>(
    signature: &SignatureFacts,
    facts: &Facts,
    policy: &'a Policy,
) -> Result<&'a Key, Reason> {
    let about = |text: &str| {
        format!(
            "the signature {} over {} {text}",
            signature.origin, facts.origin
        )
    };
    let id = signature.key;
    if signature.check == SignatureCheck::Malformed {
        return Err(Reason::new(
            Code::SignatureMalformed,
            &about("is none"),
            "four lines in minisign's form, over a file or a bundle manifest that can be read",
            "something else",
            "install it anew from where it came, or make it with `plugwright sign` or minisign",
        ));
    }
    let known = policy.keys.iter().find(|key| key.public.id() == id);
    let key = match (known, signature.check) {
        (Some(key), check) if check != SignatureCheck::UnknownKey => key,
        _ => {
            return Err(Reason::new(
                Code::SignatureUnknownKey,
                &about("is by a key that the policy does not know"),
                "a key of the policy",
                &format!("the key {id}"),
                "if you trust whoever has this key, add it to the policy with the plugins that it may sign",
            ));
        }
    };
    let by = format!("the key {:?} ({id})", key.name);
    let over = signature.over;
    match signature.check {
        SignatureCheck::Forged => {
            return Err(Reason::new(
                Code::SignatureForged,
                &about("is not right"),
                &format!("a signature of this very {over}"),
                &format!("one that {by} did not make over it"),
                "somebody changed the bytes or the signature: install both anew from where they came",
            ));
        }
        SignatureCheck::Legacy => {
            return Err(Reason::new(
                Code::SignatureLegacy,
                &about("is of minisign's older form"),
                "a signature of the hash (minisign's default since 0.10)",
                "a signature of the bytes themselves",
                "sign it anew, without -l",
            ));
        }
        SignatureCheck::NotListed => {
            return Err(Reason::new(
                Code::SignatureNotListed,
                &about("does not speak for this file"),
                "the file's digest in the bundle manifest",
                &format!("no file with the digest {}", facts.digest),
                "remove the file from the folder, or make and sign the bundle manifest anew",
            ));
        }
        SignatureCheck::Good | SignatureCheck::UnknownKey | SignatureCheck::Malformed => {}
    }
    if let Some(why) = &key.revoked {
        return Err(Reason::new(
            Code::SignatureRevoked,
            &about("is by a revoked key"),
            "a key that is in good standing",
            &format!("{by}, revoked: {why}"),
            "get a release that is signed by another key",
        ));
    }
    let now = facts.now;
    if !(reached(key.from, now, true) && reached(key.until, now, false)) {
        return Err(Reason::new(
            Code::SignatureKeyExpired,
            &about("is by a key that is not valid now"),
            &format!("a time {}", span(key.from, key.until)),
            &format!("{} for {by}", clock(now)),
            "get a release that is signed by a key that is valid",
        ));
    }
    let subject = &signature.subject;
    if !reached(subject.expires, now, false) {
        return Err(Reason::new(
            Code::SignatureExpired,
            &about("was made for a time that is over"),
            &format!("a time {}", span(None, subject.expires)),
            &clock(now),
            "get a newer release",
        ));
    }
    if let Some(manifest) = &facts.manifest {
        check_subject(signature, key, manifest, facts)?;
    }
    Ok(key)
}

/// That the key may speak for this plugin, and did.
fn check_subject(
    signature: &SignatureFacts,
    key: &Key,
    manifest: &crate::ManifestFacts,
    facts: &Facts,
) -> Result<(), Reason> {
    let about = |text: &str| {
        format!(
            "the signature {} over {} {text}",
            signature.origin, facts.origin
        )
    };
    let id = &manifest.id;
    if !key.ids.iter().any(|pattern| pattern.matches(id)) {
        let scope: Vec<_> = key.ids.iter().map(ToString::to_string).collect();
        return Err(Reason::new(
            Code::SignatureScope,
            &about("is by a key that may not speak for it"),
            &format!(
                "one of the plugins that the key {:?} may sign: {}",
                key.name,
                scope.join(", ")
            ),
            id,
            "if that key may sign this plugin, say so in the policy",
        ));
    }
    let subject = &signature.subject;
    let other_id = subject.id.as_ref().is_some_and(|signed| signed != id);
    let other_version = subject
        .version
        .as_ref()
        .is_some_and(|signed| *signed != manifest.version);
    if other_id || other_version {
        return Err(Reason::new(
            Code::SignatureSubject,
            &about("was made for something else"),
            &format!("{id} {}", manifest.version),
            &subject.to_string(),
            "install the file and its signature anew, both from the same release",
        ));
    }
    Ok(())
}

/// Whether a border in time was reached (`after`) or is still ahead. Without a border, all is well; without a clock, nothing.
fn reached(border: Option<Timestamp>, now: Option<Timestamp>, after: bool) -> bool {
    match (border, now) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(border), Some(now)) => (now >= border) == after,
    }
}

fn span(from: Option<Timestamp>, until: Option<Timestamp>) -> String {
    match (from, until) {
        (Some(from), Some(until)) => format!("from {from} and before {until}"),
        (Some(from), None) => format!("from {from}"),
        (None, Some(until)) => format!("before {until}"),
        (None, None) => String::from("at any moment"),
    }
}

fn clock(now: Option<Timestamp>) -> String {
    now.map_or_else(|| String::from("no clock"), |now| now.to_string())
}
