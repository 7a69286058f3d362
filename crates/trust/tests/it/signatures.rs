//! Signatures: what the judge makes of what a witness checked.

use crate::reasons::{check, installed};
use plugwright_trust::{
    Capability, Code, Facts, Key, KeyId, Policy, PublicKey, SignatureCheck, SignatureFacts,
    Signatures, Signed, Subject, Timestamp, Verdict, judge,
};

const PUBLIC: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fn public() -> PublicKey {
    PUBLIC.parse().expect("valid")
}

fn release() -> Key {
    Key::new(
        "release",
        public(),
        ["org.example.*".parse().expect("valid")],
    )
}

fn signed(check: SignatureCheck, comment: &str) -> Facts {
    by(public().id(), check, comment)
}

fn by(key: KeyId, check: SignatureCheck, comment: &str) -> Facts {
    let signature = SignatureFacts::new("libzstd.so.minisig", key, Signed::File, check);
    let signature = signature.with_subject(Subject::parse(comment).expect("valid"));
    installed()
        .with_signatures(vec![signature])
        .with_now(time("2027-01-01"))
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("valid")
}

fn policy(key: Key) -> Policy {
    Policy::server()
        .with_key(key)
        .with_signatures(Signatures::Required)
}

#[test]
fn a_good_signature_by_a_known_key_is_enough() {
    let comment =
        "timestamp:1 file:libzstd.so id:org.example.zstd version:1.2.3 expires:2027-01-02";
    check(
        &signed(SignatureCheck::Good, comment),
        &policy(release()),
        &[],
    );
    check(&signed(SignatureCheck::Good, ""), &policy(release()), &[]);
    check(&installed(), &policy(release()), &[Code::SignatureMissing]);
}

#[test]
fn a_signature_by_a_known_key_has_to_be_right_though_none_is_required() {
    let not_required = Policy::server().with_key(release());
    for policy in [policy(release()), not_required] {
        let check = |which, comment: &str, code| check(&signed(which, comment), &policy, &[code]);
        check(SignatureCheck::Forged, "", Code::SignatureForged);
        check(SignatureCheck::Legacy, "", Code::SignatureLegacy);
        check(
            SignatureCheck::Good,
            "id:org.example.other",
            Code::SignatureSubject,
        );
        check(
            SignatureCheck::Good,
            "version:1.2.2",
            Code::SignatureSubject,
        );
        check(
            SignatureCheck::Good,
            "expires:2027-01-01",
            Code::SignatureExpired,
        );
    }
}

#[test]
fn what_speaks_neither_for_nor_against_the_bytes_counts_where_a_signature_is_required() {
    let stranger = by(
        "0123456789ABCDEF".parse().expect("valid"),
        SignatureCheck::UnknownKey,
        "",
    );
    check(&stranger, &policy(release()), &[Code::SignatureUnknownKey]);
    check(&stranger, &Policy::server().with_key(release()), &[]);
    let not_listed = signed(SignatureCheck::NotListed, "");
    check(&not_listed, &policy(release()), &[Code::SignatureNotListed]);
    check(&not_listed, &Policy::server().with_key(release()), &[]);
}

#[test]
fn a_key_speaks_within_its_time_and_scope_while_it_is_not_revoked() {
    let good = signed(SignatureCheck::Good, "");
    let limited = |from: &str, until: &str| {
        policy(release().with_validity(Some(time(from)), Some(time(until))))
    };
    check(&good, &limited("2026-01-01", "2028-01-01"), &[]);
    check(&good, &limited("2027-01-01", "2027-01-02"), &[]);
    check(
        &good,
        &limited("2027-01-02", "2028-01-01"),
        &[Code::SignatureKeyExpired],
    );
    check(
        &good,
        &limited("2026-01-01", "2027-01-01"),
        &[Code::SignatureKeyExpired],
    );
    check(
        &good,
        &policy(release().with_revoked("lost with a laptop")),
        &[Code::SignatureRevoked],
    );
    let others = Key::new("release", public(), ["org.other.*".parse().expect("valid")]);
    check(&good, &policy(others), &[Code::SignatureScope]);
}

#[test]
fn without_a_clock_nothing_that_ends_is_accepted() {
    let mut good = signed(SignatureCheck::Good, "expires:2999-01-01");
    good.now = None;
    check(&good, &policy(release()), &[Code::SignatureExpired]);
    let mut good = signed(SignatureCheck::Good, "");
    good.now = None;
    check(&good, &policy(release()), &[]);
    let until = policy(release().with_validity(None, Some(time("2999-01-01"))));
    check(&good, &until, &[Code::SignatureKeyExpired]);
}

#[test]
fn a_second_signature_makes_up_for_one_that_has_lapsed_and_not_for_a_forged_one() {
    let mut facts = signed(SignatureCheck::Good, "");
    let old = SignatureFacts::new(
        "old.minisig",
        public().id(),
        Signed::File,
        SignatureCheck::Good,
    );
    facts
        .signatures
        .push(old.with_subject(Subject::parse("expires:2020-01-01").expect("valid")));
    check(&facts, &policy(release()), &[]);
    facts.signatures[1].check = SignatureCheck::Forged;
    check(&facts, &policy(release()), &[Code::SignatureForged]);
}

#[test]
fn a_key_limits_what_is_granted_to_what_it_signs() {
    let capability = |text: &str| text.parse::<Capability>().expect("valid");
    let mut facts = signed(SignatureCheck::Good, "");
    let asks = vec![capability("processes"), capability("threads:2")];
    facts.manifest = facts
        .manifest
        .map(|manifest| manifest.with_capabilities(asks));
    let limited = release().with_capabilities([capability("threads:4")]);
    let policy = policy(limited)
        .with_capability(capability("processes"))
        .with_capability(capability("threads:8"));
    let Verdict::Allow {
        grants, remarks, ..
    } = judge(&facts, &policy)
    else {
        panic!("refused")
    };
    assert_eq!(
        grants.capabilities.into_iter().collect::<Vec<_>>(),
        [capability("threads:2")]
    );
    let text = remarks[0].to_string();
    assert!(
        text.contains("what the key that signed it may be granted, found processes"),
        "{text}"
    );
}

#[test]
fn reasons_name_the_key_as_people_call_it() {
    let verdict = judge(
        &signed(SignatureCheck::Good, ""),
        &policy(release().with_revoked("lost with a laptop")),
    );
    assert_eq!(
        verdict.reasons()[0].to_string(),
        "the signature libzstd.so.minisig over /usr/lib/press/libzstd.so is by a revoked key: expected a key that is in good \
         standing, found the key \"release\" (E7620F1842B4E81F), revoked: lost with a laptop; get a release that is signed by \
         another key [signature.revoked, CWE-299]"
    );
}

#[test]
fn revoking_a_key_does_not_widen_what_another_key_lets_be_granted() {
    let other = "RWQf7LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let other: PublicKey = other.parse().expect("valid");
    let mut facts = signed(SignatureCheck::Good, "");
    let second = SignatureFacts::new("x", other.id(), Signed::File, SignatureCheck::Good);
    facts.signatures.push(second);
    let asked: Capability = "threads:4".parse().expect("valid");
    let manifest = facts.manifest.take().expect("a plugin");
    facts.manifest = Some(manifest.with_capabilities(vec![asked.clone()]));
    let limited = release().with_capabilities([]);
    for limited in [limited.clone(), limited.with_revoked("lost")] {
        let policy = policy(Key::new("other", other, release().ids))
            .with_key(limited)
            .with_capability(asked.clone())
            .with_excess(plugwright_trust::Excess::Refused);
        check(&facts, &policy, &[Code::CapabilityNotGranted]);
    }
}

#[test]
fn bytes_that_are_trusted_need_no_signature_and_no_lock_entry() {
    let facts = installed();
    let strict = Policy::locked().with_trusted(facts.digest);
    check(&facts, &strict, &[]);
    check(
        &facts,
        &strict.clone().with_denied(facts.digest),
        &[Code::DigestDenied],
    );
    // A signature that is wrong is still told.
    let forged = signed(SignatureCheck::Forged, "");
    let strict = strict.with_key(release());
    check(&forged, &strict, &[Code::SignatureForged]);
}
