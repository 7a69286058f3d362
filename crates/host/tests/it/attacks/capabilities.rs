//! Plugins that ask for more than they may, or do more than they ask for.

use plugwright_host::Policy;
use plugwright_trust::{Code, Excess};

use super::{Ran, Signer, check, in_child, marker, policy};

/// Refuses excess, and grants what is listed.
fn granting(capabilities: &[&str]) -> Policy {
    let granted = capabilities
        .iter()
        .map(|text| text.parse().expect("a capability"));
    let strict = policy().with_excess(Excess::Refused);
    granted.fold(strict, Policy::with_capability)
}

const ASKED: [&str; 2] = ["threads:8", "environment:*"];

#[test]
fn what_is_granted_is_not_in_the_way() {
    in_child(
        "capabilities::what_is_granted_is_not_in_the_way",
        Ran::Yes,
        || {
            check(&marker(), granting(&ASKED), &[]);
        },
    );
}

#[test]
fn asking_for_more_than_the_policy_grants() {
    let name = "capabilities::asking_for_more_than_the_policy_grants";
    in_child(name, Ran::No, || {
        let expected = [Code::CapabilityNotGranted];
        check(&marker(), granting(&["threads:2"]), &expected);
        check(
            &marker(),
            granting(&["threads:1", "environment:*"]),
            &expected,
        );
    });
}

#[test]
fn asking_for_more_than_the_key_may_be_granted() {
    let name = "capabilities::asking_for_more_than_the_key_may_be_granted";
    in_child(name, Ran::No, || {
        let (folder, signer) = (marker(), Signer::new());
        signer.sign_file(&folder.join("libmarker.so"), "");
        let key = signer
            .key("*")
            .with_capabilities(["environment:*".parse().expect("one")]);
        let policy = granting(&ASKED).with_key(key);
        check(&folder, policy, &[Code::CapabilityNotGranted]);
    });
}
