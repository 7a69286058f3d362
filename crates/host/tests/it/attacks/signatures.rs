//! Signatures that are not what they seem.

use std::fs;
use std::io::Write;

use plugwright_host::Policy;
use plugwright_trust::{Bundle, BundledFile, Code, Digest, Key, Signatures, Timestamp};

use super::{ID, Ran, Signer, VERSION, bundle, check, in_child, marker, policy, signature_of};
use crate::Folder;

/// Needs a signature by `key`.
fn signed_by(key: Key) -> Policy {
    policy().with_signatures(Signatures::Required).with_key(key)
}

/// A folder with the plugin, signed by somebody whose key is trusted for everything.
fn signed(comment: &str) -> (Folder, Signer) {
    let (folder, signer) = (marker(), Signer::new());
    signer.sign_file(&folder.join("libmarker.so"), comment);
    (folder, signer)
}

/// The control of this file: what is signed well is loaded, and then it does run.
#[test]
fn a_well_signed_plugin_is_loaded() {
    in_child(
        "signatures::a_well_signed_plugin_is_loaded",
        Ran::Yes,
        || {
            let (folder, signer) = signed(&format!("id:{ID} version:{VERSION} expires:2999-01-01"));
            check(&folder, signed_by(signer.key("org.example.*")), &[]);
        },
    );
}

#[test]
fn a_plugin_of_a_well_signed_bundle_is_loaded() {
    let name = "signatures::a_plugin_of_a_well_signed_bundle_is_loaded";
    in_child(name, Ran::Yes, || {
        let (folder, signer) = (marker(), Signer::new());
        signer.sign_bundle(&folder, &bundle(&folder, VERSION), "");
        check(&folder, signed_by(signer.key("org.example.*")), &[]);
    });
}

#[test]
fn no_signature_at_all() {
    in_child("signatures::no_signature_at_all", Ran::No, || {
        let key = Signer::new().key("*");
        check(&marker(), signed_by(key), &[Code::SignatureMissing]);
    });
}

#[test]
fn bytes_added_after_signing() {
    in_child("signatures::bytes_added_after_signing", Ran::No, || {
        let (folder, signer) = signed("");
        let mut file = fs::File::options()
            .append(true)
            .open(folder.join("libmarker.so"))
            .expect("ours");
        file.write_all(b"\0").expect("written");
        check(
            &folder,
            signed_by(signer.key("*")),
            &[Code::SignatureForged],
        );
        // Also where nobody demands signatures: what a known key signed has to be as it signed it.
        let lax = policy().with_key(signer.key("*"));
        check(&folder, lax, &[Code::SignatureForged]);
    });
}

#[test]
fn a_comment_changed_after_signing() {
    in_child(
        "signatures::a_comment_changed_after_signing",
        Ran::No,
        || {
            let (folder, signer) = signed("expires:2020-01-01");
            let path = signature_of(&folder.join("libmarker.so"));
            let text = fs::read_to_string(&path).expect("ours");
            fs::write(&path, text.replace("2020", "2999")).expect("written");
            check(
                &folder,
                signed_by(signer.key("*")),
                &[Code::SignatureForged],
            );
        },
    );
}

#[test]
fn a_key_of_ones_own() {
    in_child("signatures::a_key_of_ones_own", Ran::No, || {
        let (folder, _) = signed("");
        let trusted = Signer::new().key("*");
        check(&folder, signed_by(trusted), &[Code::SignatureUnknownKey]);
    });
}

#[test]
fn the_number_of_a_trusted_key_on_a_signature_of_ones_own() {
    let name = "signatures::the_number_of_a_trusted_key_on_a_signature_of_ones_own";
    in_child(name, Ran::No, || {
        let (folder, _) = signed("");
        let trusted = Signer::new();
        let path = signature_of(&folder.join("libmarker.so"));
        let text = fs::read_to_string(&path).expect("ours");
        let number = |text: &str| text.lines().nth(1).expect("four lines")[..16].to_owned();
        let (theirs, ours) = (number(&text), number(&trusted.sign(b"", "")));
        fs::write(&path, text.replacen(&theirs, &ours, 1)).expect("written");
        check(
            &folder,
            signed_by(trusted.key("*")),
            &[Code::SignatureForged],
        );
    });
}

#[test]
fn the_older_form_that_signs_no_hash() {
    in_child(
        "signatures::the_older_form_that_signs_no_hash",
        Ran::No,
        || {
            let (folder, signer) = signed("");
            let path = signature_of(&folder.join("libmarker.so"));
            let text = fs::read_to_string(&path).expect("ours");
            fs::write(&path, text.replacen("\nRU", "\nRW", 1)).expect("written");
            check(
                &folder,
                signed_by(signer.key("*")),
                &[Code::SignatureLegacy],
            );
        },
    );
}

#[test]
fn a_truncated_signature() {
    in_child("signatures::a_truncated_signature", Ran::No, || {
        let (folder, signer) = signed("");
        let path = signature_of(&folder.join("libmarker.so"));
        let text = fs::read(&path).expect("ours");
        for length in [0, 1, 60, text.len() - 20] {
            fs::write(&path, &text[..length]).expect("written");
            check(
                &folder,
                signed_by(signer.key("*")),
                &[Code::SignatureMalformed],
            );
        }
    });
}

#[test]
fn an_expired_signature() {
    in_child("signatures::an_expired_signature", Ran::No, || {
        let (folder, signer) = signed("expires:2020-01-01");
        check(
            &folder,
            signed_by(signer.key("*")),
            &[Code::SignatureExpired],
        );
        let (folder, signer) = (marker(), Signer::new());
        let mut old = bundle(&folder, VERSION);
        old.expires = Some("2020-01-01".parse().expect("a date"));
        signer.sign_bundle(&folder, &old, "");
        check(
            &folder,
            signed_by(signer.key("*")),
            &[Code::SignatureExpired],
        );
    });
}

#[test]
fn a_key_out_of_its_time() {
    in_child("signatures::a_key_out_of_its_time", Ran::No, || {
        let (folder, signer) = signed("");
        let past = Some(Timestamp::from_unix(1_000_000));
        let future = Some("2999-01-01".parse().expect("a date"));
        for (from, until) in [(None, past), (future, None)] {
            let key = signer.key("*").with_validity(from, until);
            check(&folder, signed_by(key), &[Code::SignatureKeyExpired]);
        }
    });
}

#[test]
fn a_revoked_key() {
    in_child("signatures::a_revoked_key", Ran::No, || {
        let (folder, signer) = signed("");
        let key = signer.key("*").with_revoked("the laptop was stolen");
        check(&folder, signed_by(key), &[Code::SignatureRevoked]);
    });
}

#[test]
fn a_key_that_speaks_for_a_plugin_of_others() {
    let name = "signatures::a_key_that_speaks_for_a_plugin_of_others";
    in_child(name, Ran::No, || {
        let (folder, signer) = signed("");
        for ids in ["org.other.*", "org.example.mark.*", "org.example.marking2"] {
            check(&folder, signed_by(signer.key(ids)), &[Code::SignatureScope]);
        }
    });
}

/// A good signature over another plugin, or over another version of this one, laid beside this one.
#[test]
fn a_replayed_signature() {
    in_child("signatures::a_replayed_signature", Ran::No, || {
        let (folder, signer) = signed("id:org.example.other");
        check(
            &folder,
            signed_by(signer.key("*")),
            &[Code::SignatureSubject],
        );
        let (folder, signer) = signed(&format!("id:{ID} version:0.0.1"));
        check(
            &folder,
            signed_by(signer.key("*")),
            &[Code::SignatureSubject],
        );
        let (folder, signer) = (marker(), Signer::new());
        let other = folder.add("hello", "libhello.so");
        signer.sign_file(&other, "");
        fs::rename(
            signature_of(&other),
            signature_of(&folder.join("libmarker.so")),
        )
        .expect("moved");
        check(
            &folder,
            signed_by(signer.key("*")),
            &[Code::SignatureForged],
        );
    });
}

#[test]
fn a_file_added_to_a_signed_folder() {
    in_child(
        "signatures::a_file_added_to_a_signed_folder",
        Ran::No,
        || {
            let (folder, signer) = (marker(), Signer::new());
            let mut others = Bundle::default();
            others.files.push(BundledFile::new(
                "libother.so",
                7,
                Digest::from_bytes([7; 32]),
            ));
            signer.sign_bundle(&folder, &others, "");
            check(
                &folder,
                signed_by(signer.key("*")),
                &[Code::SignatureNotListed],
            );
        },
    );
}

#[test]
fn a_line_added_to_a_signed_bundle() {
    in_child(
        "signatures::a_line_added_to_a_signed_bundle",
        Ran::No,
        || {
            let (folder, signer) = (marker(), Signer::new());
            signer.sign_bundle(&folder, &Bundle::default(), "");
            let text = bundle(&folder, VERSION).write().expect("small");
            folder.write(plugwright_evidence::BUNDLE, text.as_bytes());
            check(
                &folder,
                signed_by(signer.key("*")),
                &[Code::SignatureForged],
            );
        },
    );
}
