//! What is refused, why, and that nothing of it ran.

use fixture_greeter::Greeter;
use fixture_marker_interface::{Bare, Marker, NextTag, Tag, Tagged};
use plugwright_host::{CreateErrorKind, Handle, Host, Policy, RefusalKind};
use plugwright_plugin::interface;
use plugwright_trust::{Audit, Code, Digest, Severity, Unpinned};

use crate::{Folder, permitted};

/// Runs this very test again in a process where the marker leaves its mark at `mark`.
pub(crate) fn in_child(test: &str, mark: &std::path::Path) {
    #[expect(
        clippy::disallowed_methods,
        reason = "constructors read the environment, which a test must not change for others"
    )]
    let output = std::process::Command::new(std::env::current_exe().expect("a path"))
        .args([test, "--exact"])
        .env("PLUGWRIGHT_FIXTURE_MARK", mark)
        .stderr(std::process::Stdio::inherit())
        .output()
        .expect("the child runs");
    assert!(output.status.success(), "the child's own assertions hold");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "there is no test {test}: {said}");
}

pub(crate) fn is_child() -> bool {
    std::env::var_os("PLUGWRIGHT_FIXTURE_MARK").is_some()
}

#[test]
fn an_interface_that_does_not_fit_is_refused_before_constructors_run() {
    if is_child() {
        let folder = Folder::with(&["marker"]);
        let host = folder.host();
        let error = host
            .create::<dyn Greeter>("marked")
            .expect_err("another signature");
        assert_eq!(error.kind(), CreateErrorKind::AllRefused);
        let [attempt] = error.attempts() else {
            panic!("one attempt");
        };
        assert!(matches!(attempt.refusal.kind(), RefusalKind::Mismatch(_)));
        let text = attempt.refusal.to_string();
        assert!(
            text.ends_with(
                "does not fit: the plugin and the host both have org.example.greeter 1.1, and yet they differ: \
                 method `greet`: the host has `fn greet(&self, name: &str) -> String`, the plugin has `fn \
                 greet(&self, name: &str, times: u8) -> String`; the plugin has no `fn try_hard(&self, how: \
                 Outcome) -> Result<u32, Refusal>`; the plugin has no `fn count(&self) -> u64`"
            ),
            "{text}"
        );
        assert!(host.plugins().all(|plugin| !plugin.is_loaded()));
        return;
    }
    let folder = Folder::new();
    let mark = folder.join("mark");
    in_child(
        "refusals::an_interface_that_does_not_fit_is_refused_before_constructors_run",
        &mark,
    );
    assert!(!mark.try_exists().expect("readable"), "a constructor ran");
}

/// What is no method is compared too: interfaces that are required, constants, and what the trait
/// requires of an interface that has no methods.
#[test]
fn what_is_no_method_is_compared_before_constructors_run() {
    mod other_tag {
        #[plugwright_plugin::interface(id = "org.example.tag", version = "1.0")]
        pub(crate) trait Tag: Send + Sync {
            fn tag(&self) -> Option<String>;
        }

        #[plugwright_plugin::interface(id = "org.example.tagged", version = "1.0")]
        pub(crate) trait Tagged: Tag {
            const LONGEST: u32 = 64;
        }
    }
    mod other_constant {
        use fixture_marker_interface::Tag;

        #[plugwright_plugin::interface(id = "org.example.tagged", version = "1.0")]
        pub(crate) trait Tagged: Tag {
            const LONGEST: u32 = 32;
        }
    }
    mod other_bounds {
        #[plugwright_plugin::interface(id = "org.example.bare", version = "1.0")]
        pub(crate) trait Bare: Send {}
    }
    #[track_caller]
    fn check<T: ?Sized + plugwright_plugin::Interface>(host: &Host, key: &str, expected: &str) {
        let error = host.create::<T>(key).expect_err("another one");
        let [attempt] = error.attempts() else {
            panic!("one attempt");
        };
        assert!(matches!(attempt.refusal.kind(), RefusalKind::Mismatch(_)));
        let text = attempt.refusal.to_string();
        assert!(text.ends_with(expected), "{text}");
        assert!(host.plugins().all(|plugin| !plugin.is_loaded()));
    }
    if is_child() {
        let folder = Folder::with(&["marker"]);
        let host = folder.host();
        check::<dyn other_tag::Tagged>(
            &host,
            "tagged",
            "does not fit: the plugin and the host both have org.example.tagged 1.0, and yet they differ: \
             org.example.tag, which it requires, is at 1.1 in the plugin and at 1.0 in the host: method `tag` at \
             result: the host has `Option<String>`, the plugin has `String`",
        );
        check::<dyn other_constant::Tagged>(
            &host,
            "tagged",
            "does not fit: the plugin and the host both have org.example.tagged 1.0, and yet they differ: constant \
             `LONGEST`: the host has `u32 = 32`, the plugin has `u32 = 64`",
        );
        check::<dyn other_bounds::Bare>(
            &host,
            "bare",
            "does not fit: the plugin and the host both have org.example.bare 1.0, and yet they differ: the trait \
             requires Send in the host, and Send + Sync in the plugin",
        );
        return;
    }
    let folder = Folder::new();
    let mark = folder.join("mark");
    in_child(
        "refusals::what_is_no_method_is_compared_before_constructors_run",
        &mark,
    );
    assert!(!mark.try_exists().expect("readable"), "a constructor ran");
}

/// What is as the host has it fits: the control of the test above.
#[test]
fn what_is_no_method_fits() {
    let folder = Folder::with(&["marker"]);
    let host = folder.host();
    let tagged: Handle<dyn Tagged> = host.create("tagged").expect("fits");
    assert_eq!((tagged.tag().as_str(), <dyn Tagged>::LONGEST), ("mark", 64));
    let _bare: Handle<dyn Bare> = host.create("bare").expect("fits");
}

/// A host that knows two major versions of an interface holds both, under the same name.
#[test]
fn two_major_versions_are_two_interfaces() {
    let folder = Folder::with(&["marker"]);
    let host = folder.host();
    let first: Handle<dyn Tag> = host.create("tag").expect("fits");
    let next: Handle<dyn NextTag> = host.create("tag").expect("fits");
    assert_eq!(
        (first.tag(), next.tags()),
        ("mark".to_owned(), vec!["mark".to_owned()])
    );
    drop(first);
    assert_eq!(next.tags().len(), 1);
}

/// The control of the tests above: the mark is left when the plugin is loaded.
#[test]
fn constructors_run_when_a_plugin_is_loaded() {
    if is_child() {
        let handle: Handle<dyn Marker> = Folder::with(&["marker"])
            .host()
            .create("marker")
            .expect("fits");
        assert!(handle.is_loaded());
        return;
    }
    let folder = Folder::new();
    let mark = folder.join("mark");
    in_child("refusals::constructors_run_when_a_plugin_is_loaded", &mark);
    assert!(mark.try_exists().expect("readable"), "no constructor ran");
}

#[test]
fn a_refusing_policy_refuses_before_constructors_run() {
    if is_child() {
        let folder = Folder::with(&["marker"]);
        let policy = Policy::developer().with_unpinned(Unpinned::Refused);
        let host = permitted(Host::builder(policy))
            .copies_below(folder.path())
            .folder(folder.path())
            .scan();
        let error = host.create::<dyn Marker>("marker").expect_err("not pinned");
        assert!(error.to_string().contains("CWE-353"), "{error}");
        return;
    }
    let folder = Folder::new();
    let mark = folder.join("mark");
    in_child(
        "refusals::a_refusing_policy_refuses_before_constructors_run",
        &mark,
    );
    assert!(!mark.try_exists().expect("readable"), "a constructor ran");
}

/// The marker, behind whose end an archive begins: a library for the loader, and something else for whoever unpacks it.
fn two_files_in_one(folder: &Folder) {
    let path = folder.join("libmarker.so");
    let bytes = std::fs::read(&path).expect("readable");
    folder.write(
        "libmarker.so",
        &[&bytes[..], b"PK\x05\x06", &[0; 18]].concat(),
    );
}

#[test]
fn what_the_audit_finds_is_refused_before_constructors_run() {
    let audit = Audit::Refuse(Severity::High);
    let create = |folder: &Folder, policy| {
        permitted(Host::builder(policy))
            .copies_below(folder.path())
            .folder(folder.path())
            .scan()
            .create::<dyn Marker>("marker")
    };
    if is_child() {
        let folder = Folder::with(&["marker"]);
        two_files_in_one(&folder);
        let error = create(&folder, Policy::developer().with_audit(audit)).expect_err("audited");
        let RefusalKind::Judged(reasons) = error.attempts()[0].refusal.kind() else {
            panic!("{error}");
        };
        let [reason] = &reasons[..] else {
            panic!("{reasons:?}");
        };
        assert_eq!((reason.code, reason.cwe), (Code::AuditFinding, 351));
        let text = error.to_string();
        for part in [
            "tells (B20, high) that the file is of another kind as well",
            "expected an audit without a finding of high or worse",
            "a ZIP archive's end present at byte 0x",
            "strip the file or refuse it",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        return;
    }
    let folder = Folder::new();
    let mark = folder.join("mark");
    in_child(
        "refusals::what_the_audit_finds_is_refused_before_constructors_run",
        &mark,
    );
    assert!(!mark.try_exists().expect("readable"), "a constructor ran");
    // What is wrong with no plugin is loaded under the same policy, and the other one where the policy does not ask.
    let good = Folder::with(&["marker"]);
    assert!(create(&good, Policy::developer().with_audit(audit)).is_ok());
    let bad = Folder::with(&["marker"]);
    two_files_in_one(&bad);
    assert!(create(&bad, Policy::developer()).is_ok());
}

#[test]
fn without_permission_nothing_is_loaded() {
    let folder = Folder::with(&["hello"]);
    let host = Host::developer().folder(folder.path()).scan();
    let error = host.create::<dyn Greeter>("en").expect_err("no permission");
    assert!(matches!(
        error.attempts()[0].refusal.kind(),
        RefusalKind::NoPermission
    ));
}

#[test]
fn pinned_digests_decide() {
    let folder = Folder::with(&["hello"]);
    let bytes = std::fs::read(folder.join("libhello.so")).expect("readable");
    let digest = plugwright_evidence::digest(&bytes).expect("memory");
    let create = |pin: Digest| {
        let policy = Policy::developer().with_pin("org.example.hello", pin);
        permitted(Host::builder(policy))
            .copies_below(std::env::temp_dir())
            .folder(folder.path())
            .scan()
            .create::<dyn Greeter>("en")
    };
    assert!(create(digest).is_ok());
    let other = Digest::from_bytes([7; 32]);
    let error = create(other).expect_err("another digest");
    assert!(error.to_string().contains("CWE-354"), "{error}");
}

#[test]
fn a_file_that_changed_since_the_scan_is_refused() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    folder.add("bonjour", "libhello.so");
    let error = host
        .create::<dyn Greeter>("en")
        .expect_err("another plugin");
    assert!(matches!(
        error.attempts()[0].refusal.kind(),
        RefusalKind::Changed
    ));
    std::fs::remove_file(folder.join("libhello.so")).expect("removed");
    let error = host.create::<dyn Greeter>("en").expect_err("no file");
    assert!(matches!(
        error.attempts()[0].refusal.kind(),
        RefusalKind::Unreadable(_)
    ));
}

#[interface(id = "org.example.nobody", version = "1.0")]
trait Nobody {
    fn nothing(&self);
}

#[test]
fn what_nobody_offers_is_said() {
    let folder = Folder::with(&["hello"]);
    folder.write("notes.txt", b"not a library");
    folder.write("broken.so", b"\x7fELF and then nothing");
    let host = folder.host();
    let error = host
        .create::<dyn Nobody>("x")
        .expect_err("nobody offers it");
    assert_eq!(error.kind(), CreateErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "no plugin for org.example.nobody 1.0 with key \"x\": none of the plugins in 1 folder \
         offers it\n  1 file was not used at all: `Host::seen` says why"
    );
    let error = host.create::<dyn Greeter>("de").expect_err("no such key");
    assert_eq!(
        error.to_string(),
        "no plugin for org.example.greeter 1.1 with key \"de\": none of the plugins in 1 folder \
         offers it\n  org.example.hello provides org.example.greeter 1.1 under [\"en\", \
         \"english\"]\n  1 file was not used at all: `Host::seen` says why"
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let host = Host::developer().folder("/no/such/folder").scan();
    let error = host
        .create::<dyn Nobody>("x")
        .expect_err("nobody offers it");
    assert_eq!(
        error.to_string(),
        "no plugin for org.example.nobody 1.0 with key \"x\": none of the plugins in 1 folder \
         offers it\n  cannot open \"/no/such/folder\": there is no \
         \"/no/such/folder\""
    );
}

/// The plugins of a library share its constructors: one that the policy refuses refuses all.
#[test]
fn one_refused_plugin_of_a_library_refuses_them_all() {
    let folder = Folder::with(&["ensemble"]);
    let file = std::fs::File::open(folder.join("libensemble.so")).expect("readable");
    let digest = plugwright_evidence::digest(&file).expect("readable");
    let create = |soloist: Digest, key: &str| {
        let policy = ["conductor", "chorister"].into_iter().fold(
            Policy::developer().with_pin("org.example.soloist", soloist),
            |policy, name| policy.with_pin(format!("org.example.{name}"), digest),
        );
        let host = permitted(Host::builder(policy))
            .copies_below(folder.path())
            .folder(folder.path())
            .scan();
        let created = host.create::<dyn fixture_ensemble_interface::Player>(key);
        let created = created.map(drop).map_err(|error| error.to_string());
        (created, host.plugins().any(|plugin| plugin.is_loaded()))
    };
    for key in ["conductor", "chorister", "soloist"] {
        let (created, is_loaded) = create(Digest::from_bytes([7; 32]), key);
        let error = created.expect_err("the soloist is another one");
        assert!(error.contains("CWE-"), "{error}");
        assert!(!is_loaded, "{key}");
        assert_eq!(create(digest, key), (Ok(()), true));
    }
}

/// A file that was exchanged since the scan for one with another record of the same plugin: what
/// was decided by the first is not held for the second.
#[test]
fn another_record_of_the_same_plugin_is_refused() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let path = folder.join("libhello.so");
    let mut bytes = std::fs::read(&path).expect("readable");
    let (id, version) = (&b"org.example.hello"[..], &b"0.1.0"[..]);
    let at = |what: &[u8], from: usize| {
        let mut windows = bytes[from..].windows(what.len());
        windows
            .position(|window| window == what)
            .map(|at| at + from)
    };
    // The summary has the version behind the id.
    let version = at(id, 0)
        .and_then(|id| at(version, id))
        .expect("in the record");
    bytes[version + 4] = b'9';
    folder.write("libhello.so", &bytes);
    let again = folder.host();
    let seen: Vec<_> = again
        .plugins()
        .map(|plugin| plugin.version().to_string())
        .collect();
    assert_eq!(seen, ["0.1.9"], "the record is whole");
    let error = host
        .create::<dyn Greeter>("en")
        .expect_err("it is another one");
    let kind = error.attempts()[0].refusal.kind();
    assert!(matches!(kind, RefusalKind::Changed), "{error}");
    assert!(host.plugins().all(|plugin| !plugin.is_loaded()));
}
