//! The lock file: each way to differ from it.

use crate::reasons::{HELD, OTHER, check, installed};
use plugwright_trust::{
    Code, Digest, DriftKind, Facts, InterfaceFacts, KeyId, Lock, LockedFile, LockedPlugin,
    ManifestFacts, Policy, SignatureCheck, SignatureFacts, Signed, Unlocked, Version,
};

fn facts(version: Version) -> Facts {
    let interface = InterfaceFacts::new("org.example.codec", "1.2".parse().expect("valid"), 7);
    let manifest = ManifestFacts::new("org.example.zstd", version).with_interfaces(vec![interface]);
    installed().with_manifest(manifest)
}

fn entry(version: Version) -> LockedPlugin {
    let mut entry = LockedPlugin::new("org.example.zstd", version);
    entry.files.push(LockedFile::new(
        "x86_64-pc-windows-msvc",
        "zstd.dll",
        9,
        OTHER,
    ));
    entry.files.push(LockedFile::new(
        "x86_64-unknown-linux-gnu",
        "libzstd.so",
        4096,
        HELD,
    ));
    entry.interfaces.push(InterfaceFacts::new(
        "org.example.codec",
        "1.2".parse().expect("valid"),
        7,
    ));
    entry
}

fn lock(entries: Vec<LockedPlugin>) -> Lock {
    let mut lock = Lock::default();
    lock.plugins = entries;
    lock
}

#[test]
fn what_was_locked_runs_and_nothing_else() {
    let policy = Policy::server().with_lock(lock(vec![
        entry(Version::new(1, 2, 3)),
        entry(Version::new(1, 4, 0)),
    ]));
    check(&facts(Version::new(1, 2, 3)), &policy, &[]);
    check(&facts(Version::new(1, 4, 0)), &policy, &[]);
    check(
        &facts(Version::new(1, 2, 2)),
        &policy,
        &[Code::LockDowngrade],
    );
    check(&facts(Version::new(1, 3, 0)), &policy, &[Code::LockVersion]);
    check(&facts(Version::new(2, 0, 0)), &policy, &[Code::LockVersion]);
}

#[test]
fn what_is_not_listed_runs_if_the_policy_says_so() {
    let other = lock(vec![LockedPlugin::new(
        "org.example.other",
        Version::new(1, 0, 0),
    )]);
    let policy = Policy::server().with_lock(other);
    check(&installed(), &policy, &[]);
    check(
        &installed(),
        &policy.with_unlocked(Unlocked::Refused),
        &[Code::LockMissing],
    );
    check(
        &installed(),
        &Policy::server().with_unlocked(Unlocked::Refused),
        &[Code::LockMissing],
    );
}

#[test]
fn every_difference_from_the_locked_version_is_told() {
    let version = Version::new(1, 2, 3);
    let mut entry = entry(version.clone());
    entry.files.retain(|file| file.digest == OTHER);
    entry.signer = Some("E7620F1842B4E81F".parse().expect("valid"));
    entry.interfaces[0].fingerprint = 8;
    let policy = Policy::server().with_lock(lock(vec![entry]));
    check(
        &facts(version.clone()),
        &policy,
        &[Code::LockDigest, Code::LockSigner, Code::LockInterface],
    );
    // A signature that the policy cannot check is none.
    let signer = "E7620F1842B4E81F".parse().expect("valid");
    let unknown = SignatureFacts::new("x", signer, Signed::File, SignatureCheck::UnknownKey);
    check(
        &facts(version).with_signatures(vec![unknown]),
        &policy,
        &[Code::LockDigest, Code::LockSigner, Code::LockInterface],
    );
}

#[test]
fn a_lock_file_is_read_as_it_was_written() {
    let mut entry = entry(Version::new(1, 2, 3));
    entry.signer = Some("E7620F1842B4E81F".parse().expect("valid"));
    let lock = lock(vec![
        LockedPlugin::new("org.example.zz", Version::new(1, 0, 0)),
        entry,
    ]);
    let text = lock.write().expect("valid");
    let read = Lock::parse(&text).expect("valid");
    assert_eq!(read.write().expect("valid"), text);
    assert_eq!(
        text,
        r#"# The plugins of this application: written by `plugwright lock`, checked by `plugwright lock --check`.
version = 1

[[plugin]]
id = "org.example.zstd"
version = "1.2.3"
signer = "E7620F1842B4E81F"

[[plugin.interface]]
id = "org.example.codec"
version = "1.2"
fingerprint = "0000000000000007"

[[plugin.file]]
target = "x86_64-pc-windows-msvc"
name = "zstd.dll"
size = 9
digest = "0808080808080808080808080808080808080808080808080808080808080808"

[[plugin.file]]
target = "x86_64-unknown-linux-gnu"
name = "libzstd.so"
size = 4096
digest = "0707070707070707070707070707070707070707070707070707070707070707"

[[plugin]]
id = "org.example.zz"
version = "1.0.0"
"#
    );
}

/// A lock file with one plugin of this version, for these platforms, with bytes that begin with `byte`.
fn one(version: &str, targets: &[&str], byte: u8) -> Lock {
    let mut plugin = LockedPlugin::new("org.example.zstd", version.parse().expect("a version"));
    for target in targets {
        let digest = Digest::from_bytes([byte; 32]);
        plugin
            .files
            .push(LockedFile::new(*target, "libzstd.so", 1, digest));
    }
    let mut lock = Lock::default();
    lock.add(plugin);
    lock
}

#[track_caller]
fn check_drift(locked: &Lock, found: &Lock, expected: &[DriftKind]) {
    let kinds: Vec<DriftKind> = locked.drift(found).iter().map(|drift| drift.kind).collect();
    assert_eq!(kinds, expected);
    assert_eq!(
        locked.updated(found.clone()).drift(found),
        [],
        "what was locked anew fits"
    );
}

#[test]
fn drift_is_told_by_kind_and_other_platforms_are_left_alone() {
    let locked = one("1.0.0", &["linux", "windows"], 1);
    check_drift(&locked, &one("1.0.0", &["linux"], 1), &[]);
    check_drift(&locked, &one("1.0.0", &["linux"], 2), &[DriftKind::Bytes]);
    check_drift(
        &locked,
        &one("1.0.0", &["macos"], 1),
        &[DriftKind::NotLocked],
    );
    check_drift(
        &locked,
        &one("0.9.0", &["linux"], 1),
        &[DriftKind::Downgrade],
    );
    check_drift(&locked, &one("1.1.0", &["linux"], 1), &[DriftKind::Version]);
    check_drift(&Lock::default(), &locked, &[DriftKind::NotLocked]);
    check_drift(&locked, &Lock::default(), &[]);
    let mut other = one("1.0.0", &["linux"], 1);
    other.plugins[0].id = "org.example.other".to_owned();
    check_drift(&locked, &other, &[DriftKind::NotLocked, DriftKind::Gone]);
    let mut signed = locked.clone();
    signed.plugins[0].signer = Some(KeyId::from_bytes([7; 8]));
    check_drift(&signed, &one("1.0.0", &["linux"], 1), &[DriftKind::Signer]);
    check_drift(&locked, &signed, &[]);
}

#[test]
fn locking_anew_keeps_other_platforms() {
    let locked = one("1.0.0", &["linux", "windows"], 1);
    let anew = locked.updated(one("1.1.0", &["linux"], 2));
    let entries: Vec<(String, &str)> = anew
        .plugins
        .iter()
        .flat_map(|plugin| {
            plugin
                .files
                .iter()
                .map(|file| (plugin.version.to_string(), &*file.target))
        })
        .collect();
    assert_eq!(
        entries,
        [
            ("1.0.0".to_owned(), "windows"),
            ("1.1.0".to_owned(), "linux")
        ]
    );
}
