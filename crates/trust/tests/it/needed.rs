//! Libraries that a plugin needs.

use crate::reasons::{OTHER, check, folders, installed};
use plugwright_trust::{
    Code, Facts, FileFacts, Hazard, HazardKind, Key, Needed, NeededFound, Policy, ProblemClass,
    SignatureCheck, SignatureFacts, Signatures, Signed, Source, Structure, StructureProblem,
};

/// A library of the system's.
fn system() -> Facts {
    let mut facts = installed().with_held(Source::InPlace);
    facts.manifest = None;
    facts.digest = OTHER;
    facts.signatures.clear();
    facts
}

/// One that came with the plugin, below a home folder, and was copied.
fn beside() -> Facts {
    let mut facts = system().with_held(Source::Sealed);
    facts.file = Some(FileFacts::new(1000, 1000, 0o644));
    facts.ancestors = folders(&[
        ("/home/x", 1000, 0o755),
        ("/home", 0, 0o755),
        ("/", 0, 0o755),
    ]);
    facts
}

fn needing(file: Facts) -> Facts {
    needing_found(NeededFound::File(Box::new(file)))
}

fn needing_found(found: NeededFound) -> Facts {
    installed().with_needed(vec![Needed::new(
        "libx.so.1",
        "/usr/lib/press/libzstd.so",
        found,
    )])
}

#[test]
fn the_systems_own_libraries_are_loaded_from_where_they_lie() {
    check(&needing(system()), &Policy::server(), &[]);
    check(&needing_found(NeededFound::Loaded), &Policy::server(), &[]);
    let missing = NeededFound::Missing("nothing in /usr/lib".into());
    check(
        &needing_found(missing),
        &Policy::server(),
        &[Code::NeededMissing],
    );
}

#[test]
fn what_somebody_else_can_write_has_to_be_theirs_who_are_trusted_and_copied() {
    check(&needing(beside()), &Policy::developer(), &[]);
    let by_others = [Code::FileOwner, Code::FolderOwner];
    check(&needing(beside()), &Policy::server(), &by_others);
    let in_place = beside().with_held(Source::InPlace);
    check(
        &needing(in_place),
        &Policy::developer(),
        &[Code::SourceNotAccepted],
    );
    let mut unknown = system();
    unknown.ancestors.pop();
    check(
        &needing(unknown),
        &Policy::server(),
        &[Code::OwnerUnknown, Code::SourceNotAccepted],
    );
}

#[test]
fn their_bytes_are_judged_as_the_plugins_are() {
    let mut damaged = system();
    damaged.structure = Structure::new(vec![StructureProblem::fatal(
        "x",
        "x",
        ProblemClass::Position,
    )]);
    check(
        &needing(damaged),
        &Policy::server(),
        &[Code::StructurePosition],
    );
    let hazard = system().with_hazards(vec![Hazard::new(HazardKind::Filter, "DT_FILTER")]);
    check(&needing(hazard), &Policy::server(), &[Code::HazardFilter]);
    check(
        &needing(system()),
        &Policy::server().with_denied(OTHER),
        &[Code::DigestDenied],
    );
}

#[test]
fn what_comes_with_a_plugin_is_signed_where_plugins_are() {
    let public = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
        .parse()
        .expect("valid");
    let key = Key::new("release", public, ["org.example.*".parse().expect("valid")]);
    let good = || {
        vec![SignatureFacts::new(
            "bundle",
            public.id(),
            Signed::Bundle,
            SignatureCheck::Good,
        )]
    };
    let policy = Policy::desktop()
        .with_key(key)
        .with_signatures(Signatures::Required);
    let plugin = |library: Facts| needing(library).with_signatures(good());
    check(&plugin(beside()), &policy, &[Code::SignatureMissing]);
    check(&plugin(beside().with_signatures(good())), &policy, &[]);
    check(&plugin(system()), &policy, &[]);
}
