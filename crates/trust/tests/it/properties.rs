//! Properties over made-up facts and policies. Small domains on purpose, so that facts and policy meet often.

use plugwright_trust::{
    Audit, Capability, Digest, Excess, Facts, FileFacts, FolderFacts, GroupWrite, HardLinks,
    Isolation, Key, Lock, LockedFile, LockedPlugin, ManifestFacts, Owner, PanicAbort,
    PanicStrategy, Policy, ProblemClass, ProcessFacts, PublicKey, Severity, SignatureCheck,
    SignatureFacts, Signatures, Signed, Source, StickyFolders, Structure, StructureProblem,
    Subject, Unlocked, Unpinned, Verdict, Version, judge,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

const IDS: [&str; 3] = ["org.example.a", "org.example.b", "org.example.c"];
const OWNERS: [Owner; 4] = [
    Owner::Root,
    Owner::ThisUser,
    Owner::Uid(1000),
    Owner::Uid(1001),
];
const SOURCES: [Source; 3] = [Source::Sealed, Source::PrivateCopy, Source::InPlace];

fn digests() -> impl Strategy<Value = Digest> {
    (0..3u8).prop_map(|byte| Digest::from_bytes([byte; 32]))
}

const CHECKS: [SignatureCheck; 6] = [
    SignatureCheck::Good,
    SignatureCheck::Forged,
    SignatureCheck::Legacy,
    SignatureCheck::UnknownKey,
    SignatureCheck::NotListed,
    SignatureCheck::Malformed,
];

fn public(key: usize) -> PublicKey {
    let number = ["Qf6", "Qf7", "Qf8"][key];
    let text = format!("RW{number}LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3");
    text.parse().expect("a key")
}

fn capability(number: usize) -> Capability {
    let text = ["threads:2", "threads:4", "processes"][number];
    text.parse().expect("a capability")
}

prop_compose! {
    fn signature()(
        key in 0..3usize,
        check in prop_oneof![4 => Just(SignatureCheck::Good), 2 => select(&CHECKS[..])],
        id in prop::option::weighted(0.3, select(&IDS[..])),
    ) -> SignatureFacts {
        let mut subject = Subject::default();
        subject.id = id.map(String::from);
        SignatureFacts::new("x", public(key).id(), Signed::File, check).with_subject(subject)
    }
}

prop_compose! {
    fn key()(
        ids in prop_oneof![3 => Just("*"), 1 => select(&IDS[..])],
        revoked in prop::bool::weighted(0.2),
        limit in prop::option::of(vec(0..3usize, 0..2)),
    ) -> Key {
        let mut key = Key::new("", public(0), [ids.parse().expect("a pattern")]);
        key.revoked = revoked.then(|| "lost".to_owned());
        key.capabilities = limit.map(|limit| limit.into_iter().map(capability).collect());
        key
    }
}

/// Keys with the numbers 0, 1 and so on.
fn keys() -> impl Strategy<Value = Vec<Key>> {
    vec(key(), 0..3).prop_map(|mut keys| {
        for (number, key) in keys.iter_mut().enumerate() {
            (key.name, key.public) = (number.to_string(), public(number));
        }
        keys
    })
}

prop_compose! {
    fn lock()(id in select(&IDS[..]), major in 1..3u64, digest in digests(), signer in prop::option::of(0..3usize)) -> Lock {
        let mut plugin = LockedPlugin::new(id, Version::new(major, 0, 0));
        plugin.files.push(LockedFile::new("here", "x", 1, digest));
        plugin.signer = signer.map(|key| public(key).id());
        let mut lock = Lock::default();
        lock.plugins.push(plugin);
        lock
    }
}

fn uids() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(0), 2 => Just(1000), 1 => Just(1001)]
}

fn modes() -> impl Strategy<Value = u32> {
    prop_oneof![6 => Just(0o755), 1 => Just(0o775), 1 => Just(0o777), 1 => Just(0o1777)]
}

prop_compose! {
    fn facts()(
        digest in digests(),
        fatal in prop::bool::weighted(0.1),
        file in prop::option::weighted(0.95, (uids(), uids(), modes(), 1..3u64)),
        folders in vec((uids(), uids(), modes()), 0..3),
        reaches_top in prop::bool::weighted(0.95),
        manifest in prop::option::of((select(&IDS[..]), prop::option::of(prop::bool::ANY))),
        process in prop::option::weighted(0.9, (uids(), uids())),
        held in prop::option::of(select(&SOURCES[..])),
        signatures in vec(signature(), 0..3),
        asked in vec(0..3usize, 0..2),
    ) -> Facts {
        let problems = if fatal { vec![StructureProblem::fatal("x", "x", ProblemClass::Position)] } else { Vec::new() };
        let mut facts = Facts::new("/x", digest, Structure::new(problems));
        facts.file = file.map(|(uid, gid, mode, links)| FileFacts::new(uid, gid, mode).with_links(links));
        facts.ancestors = folders.into_iter().map(|(uid, gid, mode)| FolderFacts::new("/f", uid, gid, mode)).collect();
        if reaches_top {
            facts.ancestors.push(FolderFacts::new("/", 0, 0, 0o755));
        }
        facts.manifest = manifest.map(|(id, abort)| {
            let asked = asked.into_iter().map(capability).collect();
            let manifest = ManifestFacts::new(id, Version::new(1, 0, 0)).with_capabilities(asked);
            match abort {
                Some(true) => manifest.with_panic(PanicStrategy::Abort),
                Some(false) => manifest.with_panic(PanicStrategy::Unwind),
                None => manifest,
            }
        });
        facts.process = process.map(|(uid, gid)| ProcessFacts::new(uid, gid));
        facts.held = held;
        facts.signatures = signatures;
        facts
    }
}

prop_compose! {
    fn policies()(
        owners in btree_set(select(&OWNERS[..]), 0..5),
        (own_group, sticky, links, unpinned, abort) in any::<(bool, bool, bool, bool, bool)>(),
        isolated in prop::bool::weighted(0.1),
        pins in vec((select(&IDS[..]), digests()), 0..3),
        denied in btree_set(digests(), 0..2),
        sources in vec(select(&SOURCES[..]), 0..4),
        (signed, locked, excess) in (prop::bool::weighted(0.3), prop::bool::weighted(0.3), prop::bool::weighted(0.3)),
        (keys, lock) in (keys(), prop::option::weighted(0.3, lock())),
        trusted in btree_set(digests(), 0..2),
        capabilities in vec(0..3usize, 0..3),
    ) -> Policy {
        let mut policy = Policy::server()
            .with_group_write(if own_group { GroupWrite::OwnGroup } else { GroupWrite::Refused })
            .with_sticky_folders(if sticky { StickyFolders::Accepted } else { StickyFolders::Refused })
            .with_hard_links(if links { HardLinks::Accepted } else { HardLinks::Refused })
            .with_unpinned(if unpinned { Unpinned::Accepted } else { Unpinned::Refused })
            .with_panic_abort(if abort { PanicAbort::Accepted } else { PanicAbort::Refused })
            .with_isolation(if isolated { Isolation::Required } else { Isolation::NotRequired })
            .with_sources(sources);
        policy.owners = owners;
        policy.denied = denied;
        policy.trusted = trusted;
        policy.signatures = if signed { Signatures::Required } else { Signatures::NotRequired };
        policy.unlocked = if locked { Unlocked::Refused } else { Unlocked::Accepted };
        policy.excess = if excess { Excess::Refused } else { Excess::Told };
        (policy.keys, policy.lock) = (keys, lock);
        policy.capabilities = capabilities.into_iter().map(capability).collect();
        for (id, digest) in pins {
            policy = policy.with_pin(id, digest);
        }
        policy
    }
}

/// Every way to make a policy stricter, applied one at a time.
fn stricter(policy: &Policy) -> Vec<Policy> {
    let clone = || policy.clone();
    let mut all: Vec<Policy> = vec![
        clone().with_group_write(GroupWrite::Refused),
        clone().with_sticky_folders(StickyFolders::Refused),
        clone().with_hard_links(HardLinks::Refused),
        clone().with_unpinned(Unpinned::Refused),
        clone().with_panic_abort(PanicAbort::Refused),
        clone().with_isolation(Isolation::Required),
        clone().with_signatures(Signatures::Required),
        clone().with_unlocked(Unlocked::Refused),
        clone().with_excess(Excess::Refused),
        clone().with_audit(Audit::Refuse(Severity::Info)),
    ];
    // Revoking a key takes what it says away, whatever that was.
    for key in 0..policy.keys.len() {
        let mut revoked = clone();
        revoked.keys[key].revoked = Some("stolen".into());
        all.push(revoked);
    }
    for digest in &policy.trusted {
        let mut lesser = clone();
        lesser.trusted.remove(digest);
        all.push(lesser);
    }
    for capability in &policy.capabilities {
        let mut lesser = clone();
        lesser.capabilities.remove(capability);
        all.push(lesser);
    }
    all.extend(OWNERS.iter().map(|owner| clone().without_owner(*owner)));
    all.extend((0..3).map(|byte| clone().with_denied(Digest::from_bytes([byte; 32]))));
    // A first pin for an id narrows it, unless the policy runs pinned plugins only: there, a pin is what admits.
    if policy.unpinned == Unpinned::Accepted {
        let unpinned = IDS.iter().filter(|id| !policy.pins.contains_key(**id));
        all.extend(unpinned.flat_map(|id| {
            (0..3).map(|byte| clone().with_pin(*id, Digest::from_bytes([byte; 32])))
        }));
    }
    // Taking away the least preferred source. (Taking the first one changes what is asked for, not how strictly.)
    if policy.sources.len() > 1 {
        all.push(clone().with_sources(&policy.sources[..policy.sources.len() - 1]));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stricter_policy_never_admits_more(facts in facts(), policy in policies()) {
        if !judge(&facts, &policy).is_allowed() {
            for stricter in stricter(&policy) {
                prop_assert!(!judge(&facts, &stricter).is_allowed(), "{stricter:#?} admits what {policy:#?} refuses");
            }
        }
    }

    #[test]
    fn unknown_facts_never_speak_for_a_file(facts in facts(), policy in policies()) {
        if !judge(&facts, &policy).is_allowed() {
            let mut lesser = facts.clone();
            lesser.file = None;
            prop_assert!(!judge(&lesser, &policy).is_allowed());
            let mut lesser = facts.clone();
            lesser.ancestors.pop();
            prop_assert!(!judge(&lesser, &policy).is_allowed());
            let mut lesser = facts;
            lesser.process = None;
            prop_assert!(!judge(&lesser, &policy).is_allowed());
        }
    }

    #[test]
    fn a_refusal_has_reasons_and_a_verdict_is_repeatable(facts in facts(), policy in policies()) {
        let verdict = judge(&facts, &policy);
        prop_assert_eq!(&verdict, &judge(&facts, &policy));
        if let Verdict::Refuse { reasons } = verdict {
            prop_assert!(!reasons.is_empty());
        }
    }

    /// The other properties would hold of a judge that refuses everything.
    #[test]
    fn sound_facts_pass_any_policy_that_trusts_root(digest in digests(), held in select(&SOURCES[..])) {
        let facts = Facts::new("/x", digest, Structure::sound())
            .with_file(FileFacts::new(0, 0, 0o644))
            .with_ancestors(vec![FolderFacts::new("/", 0, 0, 0o755)])
            .with_held(held);
        prop_assert!(judge(&facts, &Policy::server().with_sources(SOURCES)).is_allowed());
    }
}
