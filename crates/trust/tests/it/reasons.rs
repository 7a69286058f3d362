//! Each code, by the smallest change to sound facts that calls for it.

use plugwright_trust::{
    Audit, AuditFinding, Code, Digest, Excess, Facts, FileFacts, FolderFacts, GroupWrite,
    HardLinks, Hazard, HazardKind, Isolation, ManifestFacts, Needed, NeededFound, Owner,
    PanicStrategy, Placement, Policy, ProblemClass, ProcessFacts, Severity, Source, Structure,
    StructureProblem, Unpinned, Verdict, Version, judge,
};

pub(crate) const HELD: Digest = Digest::from_bytes([7; 32]);
pub(crate) const OTHER: Digest = Digest::from_bytes([8; 32]);

/// A plugin as a distribution installs it.
pub(crate) fn installed() -> Facts {
    Facts::new("/usr/lib/press/libzstd.so", HELD, Structure::sound())
        .with_file(FileFacts::new(0, 0, 0o100_644).with_size(4096))
        .with_ancestors(folders(&[
            ("/usr/lib/press", 0, 0o755),
            ("/usr/lib", 0, 0o755),
            ("/usr", 0, 0o755),
            ("/", 0, 0o755),
        ]))
        .with_manifest(
            ManifestFacts::new("org.example.zstd", Version::new(1, 2, 3))
                .with_panic(PanicStrategy::Unwind),
        )
        .with_process(ProcessFacts::new(1000, 1000))
}

/// A plugin as its author built it, below a home folder.
fn built() -> Facts {
    let mut facts = installed();
    facts.origin = "/home/ada/press/libzstd.so".into();
    facts.file = Some(FileFacts::new(1000, 1000, 0o100_755).with_links(2));
    facts.ancestors = folders(&[
        ("/home/ada/press", 1000, 0o755),
        ("/home/ada", 1000, 0o700),
        ("/home", 0, 0o755),
        ("/", 0, 0o755),
    ]);
    facts
}

/// A plugin in a temporary folder of its author's.
fn temporary() -> Facts {
    let mut facts = built();
    facts.ancestors = folders(&[
        ("/tmp/x", 1000, 0o700),
        ("/tmp", 0, 0o1777),
        ("/", 0, 0o755),
    ]);
    facts
}

pub(crate) fn folders(list: &[(&str, u32, u32)]) -> Vec<FolderFacts> {
    list.iter()
        .map(|(path, owner, mode)| FolderFacts::new(*path, *owner, *owner, 0o40_000 | mode))
        .collect()
}

#[track_caller]
pub(crate) fn check(facts: &Facts, policy: &Policy, expected: &[Code]) {
    let verdict = judge(facts, policy);
    let found: Vec<Code> = verdict.reasons().iter().map(|reason| reason.code).collect();
    assert_eq!(found, expected, "{verdict:#?}");
    assert_eq!(verdict.is_allowed(), expected.is_empty());
    for reason in verdict.reasons() {
        assert_eq!(reason.cwe, reason.code.cwe());
        assert!(reason.what.contains(&facts.origin), "{reason}");
    }
}

#[test]
fn what_a_distribution_installs_passes_every_preset_but_the_locked_one() {
    check(&installed(), &Policy::desktop(), &[]);
    check(
        &installed(),
        &Policy::locked(),
        &[Code::SignatureMissing, Code::LockMissing],
    );
    check(&installed(), &Policy::server(), &[]);
    check(&installed(), &Policy::developer(), &[]);
}

#[test]
fn what_its_author_built_passes_the_developer_only() {
    check(&built(), &Policy::developer(), &[]);
    check(
        &built(),
        &Policy::server(),
        &[
            Code::FileOwner,
            Code::HardLinked,
            Code::FolderOwner,
            Code::FolderOwner,
        ],
    );
    check(&temporary(), &Policy::developer(), &[]);
}

#[test]
fn the_owner_of_the_file_must_be_trusted() {
    let mut facts = installed();
    facts.file = Some(FileFacts::new(1001, 1001, 0o644));
    check(&facts, &Policy::server(), &[Code::FileOwner]);
    check(&facts, &Policy::developer(), &[Code::FileOwner]);
    check(&facts, &Policy::server().with_owner(Owner::Uid(1001)), &[]);
    check(
        &facts,
        &Policy::server().with_owner(Owner::ThisUser),
        &[Code::FileOwner],
    );
}

#[test]
fn this_user_is_nobody_while_it_is_not_known_who_asks() {
    let mut facts = built();
    facts.process = None;
    check(
        &facts,
        &Policy::developer(),
        &[Code::FileOwner, Code::FolderOwner, Code::FolderOwner],
    );
}

#[test]
fn nobody_else_may_write_the_file() {
    for mode in [0o664, 0o646, 0o666] {
        let mut facts = installed();
        facts.file = Some(FileFacts::new(0, 50, mode));
        check(&facts, &Policy::server(), &[Code::WritableFile]);
        check(&facts, &Policy::developer(), &[Code::WritableFile]);
    }
    // What a umask of 002 makes.
    let mut facts = built();
    facts.file = Some(FileFacts::new(1000, 1000, 0o664));
    check(&facts, &Policy::developer(), &[]);
    check(
        &facts,
        &Policy::developer().with_group_write(GroupWrite::Refused),
        &[Code::WritableFile],
    );
}

#[test]
fn every_folder_above_is_asked() {
    for index in 0..4 {
        let mut facts = installed();
        facts.ancestors[index].uid = 1001;
        check(&facts, &Policy::server(), &[Code::FolderOwner]);
        let mut facts = installed();
        facts.ancestors[index].mode |= 0o002;
        check(&facts, &Policy::server(), &[Code::WritableFolder]);
        check(&facts, &Policy::developer(), &[Code::WritableFolder]);
    }
}

#[test]
fn the_sticky_bit_excuses_only_what_its_meaning_covers() {
    let below_tmp = |mut facts: Facts, owner: u32| {
        facts.ancestors = folders(&[
            ("/tmp/x", owner, 0o700),
            ("/tmp", 0, 0o1777),
            ("/", 0, 0o755),
        ]);
        facts
    };
    check(&below_tmp(built(), 1000), &Policy::developer(), &[]);
    check(
        &below_tmp(installed(), 0),
        &Policy::server(),
        &[Code::WritableFolder],
    );
    // The entry below belongs to a stranger, who can rename it and put another one there.
    check(
        &below_tmp(built(), 1001),
        &Policy::developer(),
        &[Code::FolderOwner, Code::WritableFolder],
    );
    // The sticky folder itself belongs to a stranger, who can rename anything in it.
    let mut facts = temporary();
    facts.ancestors[1].uid = 1001;
    check(
        &facts,
        &Policy::developer(),
        &[Code::FolderOwner, Code::WritableFolder],
    );
}

#[test]
fn what_is_not_known_counts_against_the_file() {
    let bare = Facts::new("/x", HELD, Structure::sound());
    check(
        &bare,
        &Policy::server(),
        &[Code::OwnerUnknown, Code::OwnerUnknown],
    );
    let mut facts = installed();
    facts.ancestors.pop();
    check(&facts, &Policy::server(), &[Code::OwnerUnknown]);
}

#[test]
fn further_names_are_refused_unless_accepted() {
    let mut facts = installed();
    facts.file = Some(FileFacts::new(0, 0, 0o644).with_links(2));
    check(&facts, &Policy::server(), &[Code::HardLinked]);
    check(
        &facts,
        &Policy::server().with_hard_links(HardLinks::Accepted),
        &[],
    );
}

#[test]
fn an_unsound_structure_is_refused_by_every_policy() {
    let classes = [
        (ProblemClass::Position, Code::StructurePosition),
        (ProblemClass::Quantity, Code::StructureQuantity),
        (ProblemClass::Type, Code::StructureType),
        (ProblemClass::Consistency, Code::StructureConsistency),
        (ProblemClass::Overflow, Code::StructureOverflow),
    ];
    for (class, code) in classes {
        let mut facts = installed();
        facts.structure = Structure::new(vec![
            StructureProblem::harmless("elf.odd", "odd", class),
            StructureProblem::fatal(
                "elf.segment",
                "segment 2 ends at 0x9000, the file at 0x1000",
                class,
            ),
        ]);
        check(&facts, &Policy::server(), &[code]);
        check(&facts, &Policy::developer(), &[code]);
    }
}

#[test]
fn a_pin_binds_an_id_to_its_bytes() {
    let pinned = |digest| Policy::server().with_pin("org.example.zstd", digest);
    check(&installed(), &pinned(HELD), &[]);
    check(&installed(), &pinned(OTHER), &[Code::DigestMismatch]);
    check(
        &installed(),
        &pinned(OTHER).with_pin("org.example.zstd", HELD),
        &[],
    );
    check(
        &installed(),
        &Policy::server().with_pin("org.example.other", OTHER),
        &[],
    );
    let only_pinned = Policy::server().with_unpinned(Unpinned::Refused);
    check(&installed(), &only_pinned, &[Code::DigestNotPinned]);
    check(
        &installed(),
        &only_pinned.clone().with_pin("org.example.zstd", HELD),
        &[],
    );
    let mut facts = installed();
    facts.manifest = None;
    check(
        &facts,
        &only_pinned.with_pin("", HELD),
        &[Code::DigestNotPinned],
    );
    check(
        &installed(),
        &pinned(HELD).with_denied(HELD),
        &[Code::DigestDenied],
    );
}

#[test]
fn a_plugin_whose_panics_abort_is_kept_out_of_servers() {
    let mut facts = installed();
    facts.manifest = Some(
        ManifestFacts::new("org.example.zstd", Version::new(1, 2, 3))
            .with_panic(PanicStrategy::Abort),
    );
    check(&facts, &Policy::server(), &[Code::PanicAborts]);
    check(&facts, &Policy::developer(), &[]);
}

#[test]
fn a_panic_that_aborts_is_told_where_it_is_accepted() {
    #[track_caller]
    fn check(panic: PanicStrategy, expected: &[&str]) {
        let mut facts = installed();
        facts.manifest =
            Some(ManifestFacts::new("org.example.zstd", Version::new(1, 2, 3)).with_panic(panic));
        let Verdict::Allow { remarks, .. } = judge(&facts, &Policy::desktop()) else {
            panic!("refused")
        };
        let remarks: Vec<String> = remarks.iter().map(ToString::to_string).collect();
        assert_eq!(remarks, expected);
    }
    check(
        PanicStrategy::Abort,
        &[
            "a panic inside /usr/lib/press/libzstd.so would end the host: expected panics that unwind, found panic = \
             \"abort\"; build it with panic = \"unwind\", the default [panic.abort, CWE-248]",
        ],
    );
    check(PanicStrategy::Unwind, &[]);
}

#[test]
fn a_demand_for_a_process_is_refused_while_there_is_none() {
    check(
        &installed(),
        &Policy::server().with_isolation(Isolation::Required),
        &[Code::IsolationUnavailable],
    );
}

#[test]
fn bytes_must_be_held_as_the_policy_wants() {
    check(
        &installed().with_held(Source::Sealed),
        &Policy::server(),
        &[],
    );
    check(
        &installed().with_held(Source::PrivateCopy),
        &Policy::server(),
        &[Code::SourceNotAccepted],
    );
    check(
        &installed(),
        &Policy::server().with_sources([]),
        &[Code::SourceNotAccepted],
    );
    let placement = |facts: &Facts, policy: &Policy| match judge(facts, policy) {
        Verdict::Allow { placement, .. } => Some(placement),
        Verdict::Refuse { .. } => None,
    };
    let in_process = |source| Some(Placement::InProcess { source });
    assert_eq!(
        placement(&built(), &Policy::developer()),
        in_process(Source::PrivateCopy)
    );
    assert_eq!(
        placement(&built().with_held(Source::Sealed), &Policy::developer()),
        in_process(Source::Sealed)
    );
}

#[test]
fn in_place_is_for_what_only_root_can_change() {
    let in_place = |policy: Policy| policy.with_sources([Source::InPlace]);
    check(&installed(), &in_place(Policy::server()), &[]);
    check(
        &temporary(),
        &in_place(Policy::developer()),
        &[Code::NotFrozen, Code::NotFrozen, Code::NotFrozen],
    );
}

#[test]
fn a_grant_is_what_is_both_asked_for_and_given() {
    let mut facts = installed();
    let asks =
        ["files:read:/etc", "network:example.org:443"].map(|text| text.parse().expect("valid"));
    let asks = Vec::from(asks);
    facts.manifest =
        Some(ManifestFacts::new("org.example.zstd", Version::new(1, 2, 3)).with_capabilities(asks));
    let policy = Policy::server()
        .with_capability("network:*:443".parse().expect("valid"))
        .with_capability("threads:4".parse().expect("valid"));
    let Verdict::Allow {
        grants, remarks, ..
    } = judge(&facts, &policy)
    else {
        panic!("refused")
    };
    let grants: Vec<String> = grants
        .capabilities
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(grants, ["network:example.org:443"]);
    let codes: Vec<Code> = remarks.iter().map(|remark| remark.code).collect();
    assert_eq!(codes, [Code::CapabilityNotGranted]);
    check(
        &facts,
        &policy.with_excess(Excess::Refused),
        &[Code::CapabilityNotGranted],
    );
}

#[test]
fn what_a_plugin_imports_is_compared_with_what_it_asks_for() {
    let imports = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let facts = installed().with_imports(imports(&["execve", "memcpy", "pthread_create"]));
    let strict = Policy::server().with_excess(Excess::Refused);
    check(&facts, &strict, &[Code::CapabilityUndeclared; 2]);
    check(&facts, &Policy::server(), &[]);
    let mut asking = facts;
    let asks = ["processes", "threads:2"].map(|text| text.parse().expect("valid"));
    asking.manifest = asking
        .manifest
        .map(|manifest| manifest.with_capabilities(asks.into()));
    check(&asking, &strict, &[Code::CapabilityNotGranted; 2]);
    let [processes, threads] = ["processes", "threads:2"].map(|text| text.parse().expect("valid"));
    let granting = strict
        .clone()
        .with_capability(processes)
        .with_capability(threads);
    check(&asking, &granting, &[]);
    check(
        &installed().with_imports(imports(&["memcpy", "open64", "getenv"])),
        &strict,
        &[],
    );
}

#[test]
fn what_a_caller_can_write_is_out_in_a_privileged_process() {
    let mut facts = built();
    facts.process = Some(ProcessFacts::new(1000, 1000).with_privileged(true));
    let writable = [Code::FileOwner, Code::FolderOwner, Code::FolderOwner];
    check(&facts, &Policy::developer(), &writable);
    check(
        &facts,
        &Policy::developer().with_owner(Owner::Uid(1000)),
        &writable,
    );
    let mut facts = installed();
    facts.process = Some(ProcessFacts::new(0, 1000).with_privileged(true));
    check(&facts, &Policy::developer(), &[]);
}

#[test]
fn every_hazard_is_refused_by_every_policy() {
    let all = [
        (HazardKind::Auditor, Code::HazardAuditor),
        (HazardKind::Filter, Code::HazardFilter),
        (HazardKind::RunPath, Code::HazardRunPath),
        (HazardKind::NeededPath, Code::HazardNeededPath),
        (HazardKind::ExecutableStack, Code::HazardExecutableStack),
        (HazardKind::WritableCode, Code::HazardWritableCode),
        (HazardKind::TextRelocations, Code::HazardTextRelocations),
        (HazardKind::InitFirst, Code::HazardInitFirst),
        (HazardKind::Interposes, Code::HazardInterposes),
        (HazardKind::NameClash, Code::HazardNameClash),
    ];
    for (kind, code) in all {
        let facts = installed().with_hazards(vec![Hazard::new(kind, "DT_X \"y\"")]);
        check(&facts, &Policy::server(), &[code]);
        check(&facts, &Policy::developer(), &[code]);
    }
}

#[test]
fn all_reasons_are_told_at_once_and_read_like_advice() {
    let mut facts = temporary();
    facts.origin = "/tmp/x/lib\x1b[31m.so".into();
    facts.file = Some(FileFacts::new(1001, 1001, 0o100_666));
    facts.held = Some(Source::InPlace);
    facts.structure = Structure::new(vec![StructureProblem::fatal(
        "elf.class",
        "a 32-bit file for arm",
        ProblemClass::Type,
    )]);
    let policy = Policy::developer().with_pin("org.example.zstd", OTHER);
    let text: Vec<String> = judge(&facts, &policy)
        .reasons()
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "the structure of /tmp/x/lib\\u{1b}[31m.so is unsound (elf.class): expected a dynamic library for this machine, found a 32-bit \
         file for arm; name a library that was built for this machine [structure.type, CWE-1287]",
        "/tmp/x/lib\\u{1b}[31m.so belongs to somebody who is not trusted: expected user 0 or user 1000, found user 1001; chown it to \
         one of them, or trust user 1001 in the policy [ownership.file-owner, CWE-708]",
        "/tmp/x/lib\\u{1b}[31m.so can be changed by others: expected a file that its owner alone can write, found mode 0666, writable \
         by everybody; chmod go-w it [ownership.writable-file, CWE-732]",
        "/tmp/x/lib\\u{1b}[31m.so has other bytes than those that are pinned for org.example.zstd: expected digest \
         0808080808080808080808080808080808080808080808080808080808080808, found digest \
         0707070707070707070707070707070707070707070707070707070707070707; find out who changed the file; if the change is wanted, \
         pin the new digest [digest.mismatch, CWE-354]",
        "the bytes of /tmp/x/lib\\u{1b}[31m.so are not held as the policy wants: expected private copy or sealed copy, found file in \
         place; load it from a source that the policy accepts [placement.source, CWE-367]",
    ];
    assert_eq!(text, expected);
}

#[test]
fn codes_are_distinct_and_named_rule_dot_finding() {
    let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert!(names.iter().all(|name| name.split('.').count() == 2));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Code::ALL.len());
}

#[test]
fn what_an_audit_found_refuses_from_the_severity_on_that_the_policy_names() {
    let policy = Policy::server().with_audit(Audit::Refuse(Severity::High));
    let found = |severity| {
        let finding = AuditFinding::new("B20", 351, severity);
        installed().with_audit(vec![finding.with_texts(
            "it is two files",
            "PK",
            "strip it",
        )])
    };
    check(&installed(), &Policy::server(), &[]);
    check(&installed(), &policy, &[Code::AuditMissing]);
    check(&installed().with_audit(Vec::new()), &policy, &[]);
    check(&found(Severity::Medium), &policy, &[]);
    check(&found(Severity::Critical), &Policy::server(), &[]);
    let verdict = judge(&found(Severity::Critical), &policy);
    let [reason] = verdict.reasons() else {
        panic!("{verdict:?}");
    };
    assert_eq!(
        reason.to_string(),
        "the audit of /usr/lib/press/libzstd.so tells (B20, critical) that it is two files: expected an audit without a \
         finding of high or worse, found PK; strip it [audit.finding, CWE-351]"
    );
    // A library that comes with it is asked about in the same way.
    let needed = found(Severity::High).with_held(Source::Sealed);
    let file = NeededFound::File(Box::new(needed));
    let facts = installed()
        .with_audit(Vec::new())
        .with_needed(vec![Needed::new("libb.so", "libzstd.so", file)]);
    let verdict = judge(&facts, &policy);
    let codes: Vec<Code> = verdict.reasons().iter().map(|reason| reason.code).collect();
    assert_eq!(codes, [Code::AuditFinding]);
}
