//! Only trusted people were able to write the file or to put another one in its place.
//!
//! Asked of the file and of every folder above it up to `/`, since whoever may write a folder can replace what is in it.

use crate::{
    Code, Facts, FileFacts, FolderFacts, GroupWrite, HardLinks, Owner, Policy, Reason,
    StickyFolders,
};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const STICKY: u32 = 0o1000;
const GROUP_WRITE: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

pub(super) fn check(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    match &facts.file {
        Some(file) => check_file(file, facts, policy, reasons),
        None => reasons.push(unknown(facts, "owner and mode of the file", "nothing")),
    }
    if facts
        .ancestors
        .last()
        .is_none_or(|folder| folder.path != "/")
    {
        let found = facts
            .ancestors
            .last()
            .map_or("nothing", |folder| folder.path.as_str());
        reasons.push(unknown(
            facts,
            "owner and mode of every folder up to /",
            found,
        ));
    }
    let mut below = facts.file.as_ref().map(|file| file.uid);
    for folder in &facts.ancestors {
        check_folder(folder, below, facts, policy, reasons);
        below = Some(folder.uid);
    }
}

fn unknown(facts: &Facts, expected: &str, found: &str) -> Reason {
    let what = format!("it is not known who can write {}", facts.origin);
    let advice = "have the file opened below a root, which gathers these facts";
    Reason::new(Code::OwnerUnknown, &what, expected, found, advice)
}

fn check_file(file: &FileFacts, facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    let origin = &facts.origin;
    if !trusted(file.uid, facts, policy) {
        let what = format!("{origin} belongs to somebody who is not trusted");
        let advice = format!(
            "chown it to one of them, or trust user {} in the policy",
            file.uid
        );
        reasons.push(Reason::new(
            Code::FileOwner,
            &what,
            &owners(facts, policy),
            &format!("user {}", file.uid),
            &advice,
        ));
    }
    if let Some(who) = other_writers(file.mode, file.gid, facts, policy) {
        let what = format!("{origin} can be changed by others");
        let found = format!("mode {:04o}, writable by {who}", file.mode & 0o7777);
        reasons.push(Reason::new(
            Code::WritableFile,
            &what,
            "a file that its owner alone can write",
            &found,
            "chmod go-w it",
        ));
    }
    if policy.hard_links == HardLinks::Refused && file.links > 1 {
        let what = format!("{origin} has further names");
        let advice = "install it as a file of its own (cp, not ln)";
        reasons.push(Reason::new(
            Code::HardLinked,
            &what,
            "1 link",
            &format!("{} links", file.links),
            advice,
        ));
    }
}

fn check_folder(
    folder: &FolderFacts,
    below: Option<u32>,
    facts: &Facts,
    policy: &Policy,
    reasons: &mut Vec<Reason>,
) {
    let (path, origin) = (&folder.path, &facts.origin);
    let owner_trusted = trusted(folder.uid, facts, policy);
    if !owner_trusted {
        let what =
            format!("the folder {path} above {origin} belongs to somebody who is not trusted");
        let advice = format!(
            "chown it to one of them, move the plugin elsewhere, or trust user {} in the policy",
            folder.uid
        );
        reasons.push(Reason::new(
            Code::FolderOwner,
            &what,
            &owners(facts, policy),
            &format!("user {}", folder.uid),
            &advice,
        ));
    }
    // In a sticky folder an entry can be renamed or removed by its owner and by the folder's owner only.
    let guarded = policy.sticky_folders == StickyFolders::Accepted
        && folder.mode & STICKY != 0
        && owner_trusted
        && below.is_some_and(|uid| trusted(uid, facts, policy));
    if let Some(who) = other_writers(folder.mode, folder.gid, facts, policy).filter(|_| !guarded) {
        let what = format!("others can replace what is in the folder {path} above {origin}");
        let found = format!("mode {:04o}, writable by {who}", folder.mode & 0o7777);
        let advice = if folder.mode & STICKY == 0 {
            "chmod go-w it, or move the plugin elsewhere"
        } else {
            "move the plugin elsewhere (the sticky bit is no excuse under this policy)"
        };
        let expected = "a folder that its owner alone can write";
        reasons.push(Reason::new(
            Code::WritableFolder,
            &what,
            expected,
            &found,
            advice,
        ));
    }
}

fn trusted(uid: u32, facts: &Facts, policy: &Policy) -> bool {
    policy.owners.iter().any(|owner| match owner {
        Owner::Root => uid == 0,
        Owner::ThisUser => facts.process.is_some_and(|process| process.uid == uid),
        Owner::Uid(number) => *number == uid,
    })
}

/// Who besides the owner may write, if anybody that the policy minds.
fn other_writers(mode: u32, gid: u32, facts: &Facts, policy: &Policy) -> Option<String> {
    if mode & OTHERS_WRITE != 0 {
        return Some(String::from("everybody"));
    }
    let own_group = policy.group_write == GroupWrite::OwnGroup
        && facts.process.is_some_and(|process| process.gid == gid);
    (mode & GROUP_WRITE != 0 && !own_group).then(|| format!("group {gid}"))
}

/// The trusted owners, in words.
fn owners(facts: &Facts, policy: &Policy) -> String {
    let names = policy.owners.iter().map(|owner| match owner {
        Owner::Root => String::from("user 0"),
        Owner::ThisUser => facts.process.map_or_else(
            || String::from("the user who runs the host (not known)"),
            |process| format!("user {}", process.uid),
        ),
        Owner::Uid(number) => format!("user {number}"),
    });
    let mut names: Vec<String> = names.collect();
    names.dedup();
    if names.is_empty() {
        String::from("nobody: the policy trusts no owner")
    } else {
        names.join(" or ")
    }
}
