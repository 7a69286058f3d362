//! Signatures over plugins, by keys that are known: good ones, ones of a revoked key, and ones over other bytes.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use minisign::KeyPair;
use plugwright_audit::{Options, Severity, Target, Tier};
use plugwright_trust::Key;

use crate::rules::plugin;

/// Writes the plugin and a signature over `signed` beside it.
fn sign(folder: &Path, pair: &KeyPair, signed: &[u8]) {
    fs::write(folder.join("libplugin.so"), plugin()).expect("written");
    let comment = "id:org.example.a version:1.0.0";
    let signature = minisign::sign(None, &pair.sk, Cursor::new(signed), Some(comment), None);
    let signature = signature.expect("signed").to_string();
    fs::write(folder.join("libplugin.so.minisig"), signature).expect("written");
}

/// The rules of signing that tell something, with the severity.
fn told(folder: &Path, pair: &KeyPair, more: &str) -> Vec<(&'static str, Severity)> {
    let public = pair.pk.to_base64();
    let store = format!(
        "version = 1\n[[key]]\nname = \"release\"\npublic = \"{public}\"\nids = [\"*\"]\n{more}"
    );
    let keys = Key::parse_store(&store).expect("a key store");
    let options = Options::new(Tier::Files)
        .with_keys(keys)
        .with_system_root(folder.to_owned());
    let report = plugwright_audit::review(&[Target::path(folder)], &options);
    let findings = report.findings.iter();
    let told = findings.filter(|finding| ["D07", "D09", "D11"].contains(&finding.rule.id));
    told.map(|finding| (finding.rule.id, finding.severity))
        .collect()
}

#[test]
fn signatures_are_held_to_the_keys_that_are_given() {
    let pair = KeyPair::generate_unencrypted_keypair().expect("a key");
    let other = KeyPair::generate_unencrypted_keypair().expect("a key");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    sign(folder, &pair, &plugin());
    assert_eq!(told(folder, &pair, ""), []);
    let revoked = "revoked = \"stolen\"\n";
    assert_eq!(told(folder, &pair, revoked), [("D11", Severity::High)]);
    let over = "until = \"2020-01-01\"\n";
    assert_eq!(told(folder, &pair, over), [("D11", Severity::High)]);
    assert_eq!(told(folder, &other, ""), [("D09", Severity::High)]);
    sign(folder, &pair, b"other bytes");
    assert_eq!(told(folder, &pair, ""), [("D09", Severity::Critical)]);
}
