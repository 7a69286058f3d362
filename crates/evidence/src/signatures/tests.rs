//! Signatures of every kind, made with the crate that minisign's author has for signing.

use super::*;
use minisign::{KeyPair, SecretKey};
use plugwright_trust::{BundledFile, IdPattern, Version};
use std::fs;
use std::io::Cursor;

const BYTES: &[u8] = b"the bytes of a plugin";

struct Case {
    temp: tempfile::TempDir,
    pair: KeyPair,
}

impl Case {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("x.so"), BYTES).unwrap();
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        Self { temp, pair }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.temp.path().join(name), text).unwrap();
    }

    fn sign(&self, bytes: &[u8], comment: &str) -> String {
        signature(&self.pair.sk, bytes, comment)
    }

    fn bundle(&self, bundle: &Bundle, comment: &str) {
        let text = bundle.write().unwrap();
        self.write(BUNDLE, &text);
        self.write(
            &format!("{BUNDLE}.minisig"),
            &self.sign(text.as_bytes(), comment),
        );
    }

    fn facts(&self, known: bool) -> Vec<SignatureFacts> {
        let everything: IdPattern = "*".parse().unwrap();
        let key = Key::new(
            "ours",
            self.pair.pk.to_base64().parse().unwrap(),
            [everything],
        );
        let keys = if known { vec![key] } else { Vec::new() };
        let root = Root::open(self.temp.path()).unwrap();
        let found = Signatures::new(&root, &keys).of(Path::new("x.so"));
        found.settle(BYTES).unwrap().1
    }

    /// What is said of each signature, with the words of its comment.
    #[track_caller]
    fn check(&self, expected: &[(Signed, SignatureCheck, &str)]) {
        let facts = self.facts(true);
        let found: Vec<_> = facts
            .iter()
            .map(|facts| (facts.over, facts.check, facts.subject.to_string()))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(over, check, subject)| (*over, *check, (*subject).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }
}

fn signature(key: &SecretKey, bytes: &[u8], comment: &str) -> String {
    let signed = minisign::sign(None, key, Cursor::new(bytes), Some(comment), None);
    signed.unwrap().to_string()
}

fn listed() -> BundledFile {
    let digest = Digest::from_bytes(*blake3::hash(BYTES).as_bytes());
    BundledFile::new("x.so", BYTES.len() as u64, digest)
}

fn bundle(file: BundledFile) -> Bundle {
    let mut bundle = Bundle::default();
    bundle.files.push(file);
    bundle
}

#[test]
fn a_file_without_signatures_has_none() {
    Case::new().check(&[]);
}

#[test]
fn a_good_signature_is_good_and_its_comment_is_read() {
    let case = Case::new();
    case.write("x.so.minisig", &case.sign(BYTES, "id:org.a version:1.0.0"));
    case.check(&[(Signed::File, SignatureCheck::Good, "id:org.a version:1.0.0")]);
    assert_eq!(case.facts(false)[0].check, SignatureCheck::UnknownKey);
}

#[test]
fn a_signature_over_other_bytes_or_with_another_comment_is_forged() {
    let case = Case::new();
    case.write("x.so.minisig", &case.sign(b"other", "id:org.a"));
    case.check(&[(Signed::File, SignatureCheck::Forged, "")]);
    let changed = case.sign(BYTES, "id:org.a").replace("org.a", "org.b");
    case.write("x.so.minisig", &changed);
    case.check(&[(Signed::File, SignatureCheck::Forged, "")]);
    // Another key that claims the number of ours.
    let other = KeyPair::generate_unencrypted_keypair().unwrap();
    let theirs = signature(&other.sk, BYTES, "id:org.a");
    // Algorithm, number, and two bytes of what is signed.
    let head = |text: &str| text.lines().nth(1).unwrap()[..16].to_owned();
    let ours = case.sign(BYTES, "id:org.a");
    let claimed = theirs.replacen(&head(&theirs), &head(&ours), 1);
    case.write("x.so.minisig", &claimed);
    case.check(&[(Signed::File, SignatureCheck::Forged, "")]);
}

#[test]
fn what_is_no_signature_is_told_and_ends_nothing() {
    let case = Case::new();
    let good = case.sign(BYTES, "id:org.a");
    let cut: String = good
        .lines()
        .take(3)
        .map(|line| format!("{line}\n"))
        .collect();
    for text in [
        "",
        "nonsense",
        &cut,
        &"x".repeat(MAX_SIGNATURE + 1),
        "\n\n\n\n",
    ] {
        case.write("x.so.minisig", text);
        case.check(&[(Signed::File, SignatureCheck::Malformed, "")]);
    }
    fs::write(case.temp.path().join("x.so.minisig"), [0xff; 300]).unwrap();
    case.check(&[(Signed::File, SignatureCheck::Malformed, "")]);
    fs::remove_file(case.temp.path().join("x.so.minisig")).unwrap();
    std::os::unix::fs::symlink("x.so", case.temp.path().join("x.so.minisig")).unwrap();
    case.check(&[(Signed::File, SignatureCheck::Malformed, "")]);
}

#[test]
fn a_comment_that_contradicts_itself_does_not_count() {
    let case = Case::new();
    case.write("x.so.minisig", &case.sign(BYTES, "id:org.a id:org.b"));
    case.check(&[(Signed::File, SignatureCheck::Malformed, "")]);
}

#[test]
fn a_bundle_speaks_for_what_it_lists() {
    let case = Case::new();
    let version = Version::new(1, 2, 3);
    let mut signed = bundle(listed().with_plugin("org.a", version));
    signed.expires = Some("2030-01-01".parse().unwrap());
    case.bundle(&signed, "expires:2029-01-01");
    case.check(&[(
        Signed::Bundle,
        SignatureCheck::Good,
        "id:org.a version:1.2.3 expires:2029-01-01T00:00:00Z",
    )]);
    let other = BundledFile::new("x.so", 1, Digest::from_bytes([9; 32]));
    case.bundle(&bundle(other), "");
    case.check(&[(Signed::Bundle, SignatureCheck::NotListed, "")]);
}

#[test]
fn a_bundle_that_was_changed_is_forged_and_one_that_is_none_is_malformed() {
    let case = Case::new();
    case.bundle(&bundle(listed()), "");
    let text = bundle(listed().with_plugin("org.a", Version::new(1, 0, 0)));
    case.write(BUNDLE, &text.write().unwrap());
    case.check(&[(Signed::Bundle, SignatureCheck::Forged, "")]);
    case.write(BUNDLE, "no bundle");
    let signature = case.sign(b"no bundle", "");
    case.write(&format!("{BUNDLE}.minisig"), &signature);
    case.check(&[(Signed::Bundle, SignatureCheck::Malformed, "")]);
    fs::remove_file(case.temp.path().join(BUNDLE)).unwrap();
    case.check(&[(Signed::Bundle, SignatureCheck::Malformed, "")]);
}

#[test]
fn the_older_form_is_told_as_such() {
    let case = Case::new();
    let good = case.sign(BYTES, "");
    // The two forms differ in the algorithm: `ED` signs the hash, `Ed` the bytes.
    case.write("x.so.minisig", &good.replacen("\nRU", "\nRW", 1));
    case.check(&[(Signed::File, SignatureCheck::Legacy, "")]);
}
