//! Plugins that are not those with which the application was released.

use plugwright_host::Policy;
use plugwright_trust::{Code, KeyId, Lock, LockedFile, LockedPlugin, Signatures, Unlocked};

use super::{ID, Ran, Signer, VERSION, bundle, check, digest, in_child, marker, policy};
use crate::Folder;

/// The plugin in the folder, locked as it is, with `change` made to the entry.
fn locked(folder: &Folder, change: impl FnOnce(&mut LockedPlugin)) -> Policy {
    let path = folder.join("libmarker.so");
    let mut plugin = LockedPlugin::new(ID, VERSION.parse().expect("a version"));
    plugin
        .files
        .push(LockedFile::new("here", "libmarker.so", 1, digest(&path)));
    change(&mut plugin);
    let mut lock = Lock::default();
    lock.plugins.push(plugin);
    policy().with_lock(lock).with_unlocked(Unlocked::Refused)
}

#[test]
fn a_locked_plugin_is_loaded() {
    in_child("locks::a_locked_plugin_is_loaded", Ran::Yes, || {
        let folder = marker();
        check(&folder, locked(&folder, |_| ()), &[]);
    });
}

#[test]
fn a_plugin_that_nobody_locked() {
    in_child("locks::a_plugin_that_nobody_locked", Ran::No, || {
        let folder = marker();
        let other = locked(&folder, |plugin| plugin.id = "org.example.other".to_owned());
        check(&folder, other, &[Code::LockMissing]);
        let none = policy().with_unlocked(Unlocked::Refused);
        check(&folder, none, &[Code::LockMissing]);
    });
}

#[test]
fn other_bytes_under_a_locked_version() {
    in_child("locks::other_bytes_under_a_locked_version", Ran::No, || {
        let folder = marker();
        let policy = locked(&folder, |_| ());
        let path = folder.join("libmarker.so");
        let mut bytes = std::fs::read(&path).expect("ours");
        bytes.push(0);
        std::fs::write(&path, bytes).expect("written");
        check(&folder, policy, &[Code::LockDigest]);
    });
}

#[test]
fn an_older_version_than_the_locked_one() {
    in_child(
        "locks::an_older_version_than_the_locked_one",
        Ran::No,
        || {
            let folder = marker();
            let newer = locked(&folder, |plugin| {
                plugin.version = "99.0.0".parse().expect("a version");
            });
            check(&folder, newer, &[Code::LockDowngrade]);
        },
    );
}

#[test]
fn a_newer_version_than_the_locked_one() {
    in_child(
        "locks::a_newer_version_than_the_locked_one",
        Ran::No,
        || {
            let folder = marker();
            let older = locked(&folder, |plugin| {
                plugin.version = "0.0.1".parse().expect("a version");
            });
            check(&folder, older, &[Code::LockVersion]);
        },
    );
}

#[test]
fn a_locked_plugin_without_the_signature_that_it_had() {
    let name = "locks::a_locked_plugin_without_the_signature_that_it_had";
    in_child(name, Ran::No, || {
        let folder = marker();
        let signed = locked(&folder, |plugin| {
            plugin.signer = Some(KeyId::from_bytes([5; 8]));
        });
        check(&folder, signed, &[Code::LockSigner]);
    });
}

/// An older release with everything that belongs to it: the files, their bundle manifest and its good signature.
#[test]
fn an_older_release_of_a_whole_signed_folder() {
    let name = "locks::an_older_release_of_a_whole_signed_folder";
    in_child(name, Ran::No, || {
        let (folder, signer) = (marker(), Signer::new());
        signer.sign_bundle(&folder, &bundle(&folder, VERSION), "");
        let newer = locked(&folder, |plugin| {
            plugin.version = "99.0.0".parse().expect("a version");
        });
        let demanding = newer
            .with_key(signer.key("*"))
            .with_signatures(Signatures::Required);
        check(&folder, demanding, &[Code::LockDowngrade]);
    });
}
