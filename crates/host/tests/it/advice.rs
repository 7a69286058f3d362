//! What a policy says of plugins that nobody has loaded: quickly for files that are the same, and never of what was there before.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;

use plugwright_host::{Advice, Host, Policy, Registry};
use plugwright_trust::{Code, Verdict};

use crate::Folder;
use crate::attacks::{Signer, bundle, digest, marker};

fn host(folder: &Folder, policy: Policy, registry: Option<&Registry>) -> Host {
    let builder = Host::builder(policy).folder(folder.path());
    match registry {
        Some(registry) => builder.registry(registry.clone()).scan(),
        None => builder.scan(),
    }
}

fn one(host: &Host) -> Advice {
    let mut advice = host.advice();
    assert_eq!(advice.len(), 1);
    advice.remove(0)
}

/// Looks until the file's times have settled, which takes a few ticks of the kernel's clock.
#[track_caller]
fn settled(host: &Host) {
    assert!(
        (0..100_000).any(|_| one(host).is_known),
        "it stays the same"
    );
}

#[track_caller]
fn check(host: &Host, is_known: bool, expected: &[Code]) {
    let advice = one(host);
    let verdict = advice.verdict.expect("readable");
    let codes: Vec<Code> = verdict.reasons().iter().map(|reason| reason.code).collect();
    assert_eq!((advice.is_known, codes.as_slice()), (is_known, expected));
}

#[test]
fn a_file_that_stays_the_same_is_read_once() {
    let folder = marker();
    let host = host(&folder, Policy::developer(), None);
    check(&host, false, &[]);
    settled(&host);
    check(&host, true, &[]);
    let path = folder.join("libmarker.so");
    let mut file = fs::File::options().append(true).open(&path).expect("ours");
    file.write_all(b"\0").expect("written");
    check(&host, false, &[]);
}

#[test]
fn a_registry_keeps_it_for_the_next_process() {
    let (folder, place) = (marker(), Folder::new());
    let registry = Registry::at(place.join("registry"));
    settled(&host(&folder, Policy::developer(), Some(&registry)));
    check(
        &host(&folder, Policy::developer(), Some(&registry)),
        true,
        &[],
    );
    // Under another policy, too: what is kept is what the bytes say, and no verdict.
    let denied = Policy::developer().with_denied(digest(&folder.join("libmarker.so")));
    check(
        &host(&folder, denied, Some(&registry)),
        true,
        &[Code::DigestDenied],
    );
    // What is kept and is not whole is not used.
    let kept = place.join("registry.findings");
    let bytes = fs::read(&kept).expect("written");
    for at in [0, 40, 90, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&kept, changed).expect("ours");
        check(
            &host(&folder, Policy::developer(), Some(&registry)),
            false,
            &[],
        );
        fs::write(&kept, &bytes).expect("ours");
    }
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o666)).expect("ours");
    check(
        &host(&folder, Policy::developer(), Some(&registry)),
        false,
        &[],
    );
}

/// Of a file that is known, too.
#[test]
fn a_plugin_whose_panics_end_the_process_is_remarked_where_it_is_accepted() {
    #[track_caller]
    fn check(host: &Host, expected: bool) {
        let Ok(Verdict::Allow { remarks, .. }) = one(host).verdict else {
            panic!("the policy accepts it");
        };
        let mut codes = remarks.iter().map(|remark| remark.code);
        let found = codes.any(|code| code == Code::PanicAborts);
        assert_eq!(found, expected, "{remarks:?}");
    }
    let folder = Folder::new();
    let aborting = plugwright_testkit::cargo::library("fixture-marker");
    fs::copy(aborting, folder.join("libmarker.so")).expect("copied");
    let aborting = host(&folder, Policy::developer(), None);
    check(&aborting, true);
    settled(&aborting);
    check(&aborting, true);
    let unwinding = marker();
    check(&host(&unwinding, Policy::developer(), None), false);
}

/// Who may write a file, and who speaks for its folder, is asked each time.
#[test]
fn what_is_not_in_the_bytes_is_asked_anew() {
    let (folder, signer) = (marker(), Signer::new());
    let policy = Policy::developer()
        .with_signatures(plugwright_trust::Signatures::Required)
        .with_key(signer.key("*"));
    let host = host(&folder, policy, None);
    settled(&host);
    check(&host, true, &[Code::SignatureMissing]);
    signer.sign_bundle(&folder, &bundle(&folder, crate::attacks::VERSION), "");
    check(&host, true, &[]);
    signer.sign_bundle(&folder, &plugwright_trust::Bundle::default(), "");
    check(&host, true, &[Code::SignatureNotListed]);
    // A signature of its own is made over the bytes, which are read for it.
    signer.sign_file(&folder.join("libmarker.so"), "");
    check(&host, false, &[]);
    fs::remove_file(folder.join("libmarker.so.minisig")).expect("ours");
    signer.sign_bundle(&folder, &bundle(&folder, crate::attacks::VERSION), "");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("ours");
    check(&host, true, &[Code::WritableFolder]);
}

/// A file that something is wrong with is read each time: what is kept says no more than that nothing is.
#[test]
fn a_file_with_a_hazard_is_never_known() {
    let folder = Folder::new();
    let options = [std::ffi::OsStr::new("-Wl,--audit=libevil.so")];
    let built = crate::c_plugin::plugin("org.example.audited", "", &options);
    fs::copy(built, folder.join("libplugin.so")).expect("copied");
    let host = host(&folder, Policy::developer(), None);
    for _ in 0..300 {
        let advice = one(&host);
        assert!(!advice.is_known && !advice.verdict.expect("readable").is_allowed());
    }
}
