//! Files and folders that somebody else could have written, and names that lead elsewhere.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use plugwright_host::{Host, Policy, RefusalKind, Status};
use plugwright_trust::Code;

use super::{NOBODY, Ran, check, create, in_child, marker, policy, steps};
use crate::{Folder, fixture, permitted};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
}

#[test]
fn a_file_that_everybody_can_write() {
    in_child("files::a_file_that_everybody_can_write", Ran::No, || {
        let folder = marker();
        set_mode(&folder.join("libmarker.so"), 0o666);
        check(&folder, policy(), &[Code::WritableFile]);
    });
}

#[test]
fn a_folder_that_everybody_can_write() {
    in_child("files::a_folder_that_everybody_can_write", Ran::No, || {
        let folder = marker();
        set_mode(folder.path(), 0o777);
        check(&folder, policy(), &[Code::WritableFolder]);
        // The sticky bit keeps names, and lets everybody add some.
        set_mode(folder.path(), 0o1777);
        let strict = Policy::desktop().with_hard_links(plugwright_trust::HardLinks::Accepted);
        let error = create(&folder, strict).expect_err("sticky folders are no excuse");
        assert!(
            error.to_string().contains("ownership.writable-folder"),
            "{error}"
        );
    });
}

#[test]
fn a_writable_folder_further_up() {
    in_child("files::a_writable_folder_further_up", Ran::No, || {
        let above = Folder::new();
        let plugins = above.join("a/b/plugins");
        fs::create_dir_all(&plugins).expect("made");
        fs::copy(fixture("marker"), plugins.join("libmarker.so")).expect("copied");
        set_mode(&above.join("a"), 0o777);
        let host = permitted(Host::builder(steps::sealed()))
            .folder(&plugins)
            .scan();
        let error = host
            .create::<dyn fixture_marker_interface::Marker>("marker")
            .expect_err("writable");
        assert!(
            error.to_string().contains("ownership.writable-folder"),
            "{error}"
        );
    });
}

#[test]
fn a_second_name_of_the_file() {
    in_child("files::a_second_name_of_the_file", Ran::No, || {
        let folder = marker();
        fs::hard_link(folder.join("libmarker.so"), folder.join("second")).expect("linked");
        let strict = policy().with_hard_links(plugwright_trust::HardLinks::Refused);
        let error = create(&folder, strict).expect_err("two names");
        assert!(
            error.to_string().contains("ownership.hard-linked"),
            "{error}"
        );
    });
}

#[test]
fn a_link_to_a_plugin_elsewhere() {
    in_child("files::a_link_to_a_plugin_elsewhere", Ran::No, || {
        let (folder, elsewhere) = (Folder::new(), marker());
        symlink(elsewhere.join("libmarker.so"), folder.join("libmarker.so")).expect("linked");
        let host = permitted(Host::builder(policy()))
            .folder(folder.path())
            .scan();
        let seen = host.seen();
        let Some(Status::Refused(refusal)) = seen.first().map(|seen| &seen.status) else {
            panic!("{seen:?}");
        };
        assert!(
            matches!(refusal.kind(), RefusalKind::Unreadable(_)),
            "{refusal}"
        );
    });
}

#[test]
fn a_link_that_takes_the_place_of_the_file_after_the_scan() {
    let name = "files::a_link_that_takes_the_place_of_the_file_after_the_scan";
    in_child(name, Ran::No, || {
        let (folder, elsewhere) = (marker(), marker());
        let path = folder.join("libmarker.so");
        let link = || {
            fs::remove_file(&path).expect("ours");
            symlink(elsewhere.join("libmarker.so"), &path).expect("linked");
        };
        let refused = steps::walk(folder.path(), &steps::sealed(), steps::After::Scan, link);
        assert!(matches!(
            refused.expect_err("a link").kind(),
            RefusalKind::Unreadable(_)
        ));
    });
}

/// As root: a file, and a folder, that belong to somebody else.
#[test]
fn a_file_of_somebody_else() {
    if !rustix::process::geteuid().is_root() {
        let why = "only root can give files away; the rule is tested with made-up facts, too";
        return crate::skipped(why);
    }
    let folder = marker();
    let path = folder.join("libmarker.so");
    chown(&path, Some(NOBODY), None).expect("root may");
    check(&folder, policy(), &[Code::FileOwner]);
    chown(&path, Some(0), None).expect("root may");
    chown(folder.path(), Some(NOBODY), None).expect("root may");
    // Whoever owns an entry of a sticky folder can move it aside.
    let expected = [Code::FolderOwner, Code::WritableFolder];
    check(&folder, policy(), &expected);
}

/// A Cyrillic letter that looks like a Latin one is in no id: such a record is damage.
#[test]
fn an_id_that_merely_looks_like_another() {
    in_child(
        "files::an_id_that_merely_looks_like_another",
        Ran::No,
        || {
            let folder = marker();
            let path = folder.join("libmarker.so");
            let bytes = fs::read(&path).expect("ours");
            let (old, new) = (
                b"org.example.marking",
                "org.example.m\u{430}rkin".as_bytes(),
            );
            assert_eq!(old.len(), new.len());
            let mut changed = bytes.clone();
            let mut at = 0;
            while let Some(found) = changed[at..]
                .windows(old.len())
                .position(|part| part == old)
            {
                changed[at + found..at + found + old.len()].copy_from_slice(new);
                at += found + old.len();
            }
            assert_ne!(changed, bytes);
            fs::write(&path, changed).expect("written");
            let host = permitted(Host::builder(policy()))
                .folder(folder.path())
                .scan();
            assert_eq!(host.plugins().count(), 0);
            let told = format!("{:?}", host.seen());
            assert!(told.contains("record"), "{told}");
        },
    );
}

#[test]
fn two_files_that_claim_one_id_and_version() {
    let name = "files::two_files_that_claim_one_id_and_version";
    in_child(name, Ran::No, || {
        let folder = marker();
        let mut bytes = fs::read(folder.join("libmarker.so")).expect("ours");
        bytes.push(0);
        folder.write("libother.so", &bytes);
        assert!(create(&folder, policy()).is_err());
    });
}

/// No length at which the file is cut off ends the process, and none runs.
#[test]
fn truncated_copies() {
    in_child("files::truncated_copies", Ran::No, || {
        let folder = marker();
        let path = folder.join("libmarker.so");
        let bytes = fs::read(&path).expect("ours");
        let step = bytes.len() / 60;
        for length in (0..bytes.len() * 9 / 10).step_by(step) {
            fs::write(&path, &bytes[..length]).expect("written");
            assert!(
                create(&folder, policy()).is_err(),
                "{length} of {} bytes",
                bytes.len()
            );
        }
    });
}
