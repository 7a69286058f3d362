//! The files: policies, key stores and bundle manifests, and mistakes in them.

use plugwright_trust::{
    Audit, Bundle, BundledFile, Digest, Excess, GroupWrite, HardLinks, Isolation, Key, Lock,
    MAX_FILE, Owner, PanicAbort, Policy, Severity, Signatures, Source, StickyFolders, Unlocked,
    Unpinned, Version,
};

const DIGEST: &str = "0707070707070707070707070707070707070707070707070707070707070707";
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

#[test]
fn a_policy_says_all_that_a_builder_can() {
    let text = format!(
        r#"
        version = 1
        preset = "developer"
        owners = ["root", "this-user", 1001]
        group-write = "refused"
        sticky-folders = "refused"
        hard-links = "refused"
        denied = ["{DIGEST}"]
        unpinned = "refused"
        panic-abort = "refused"
        isolation = "required"
        audit = {{ refuse = "high" }}
        sources = ["in-place", "sealed", "private-copy"]
        signatures = "required"
        unlocked = "refused"
        capabilities = ["processes"]
        excess = "refused"

        [pins]
        "org.example.a" = ["{DIGEST}"]

        [[key]]
        name = "release"
        public = "{KEY}"
        ids = ["org.example.*"]
        from = "2026-01-01"
        until = "2028-01-01"
        revoked = "lost"
        capabilities = ["threads:4"]
        "#
    );
    let key = Key::new(
        "release",
        KEY.parse().expect("valid"),
        ["org.example.*".parse().expect("valid")],
    )
    .with_validity("2026-01-01".parse().ok(), "2028-01-01".parse().ok())
    .with_revoked("lost")
    .with_capabilities(["threads:4".parse().expect("valid")]);
    let built = Policy::developer()
        .with_owner(Owner::Uid(1001))
        .with_group_write(GroupWrite::Refused)
        .with_sticky_folders(StickyFolders::Refused)
        .with_hard_links(HardLinks::Refused)
        .with_denied(Digest::from_bytes([7; 32]))
        .with_unpinned(Unpinned::Refused)
        .with_panic_abort(PanicAbort::Refused)
        .with_isolation(Isolation::Required)
        .with_audit(Audit::Refuse(Severity::High))
        .with_sources([Source::InPlace, Source::Sealed, Source::PrivateCopy])
        .with_signatures(Signatures::Required)
        .with_unlocked(Unlocked::Refused)
        .with_capability("processes".parse().expect("valid"))
        .with_excess(Excess::Refused)
        .with_pin("org.example.a", Digest::from_bytes([7; 32]))
        .with_key(key);
    assert_eq!(Policy::parse(&text), Ok(built));
}

#[test]
fn a_preset_alone_is_that_preset() {
    let parse = |preset: &str| {
        Policy::parse(&format!("version = 1\npreset = \"{preset}\"")).expect("valid")
    };
    assert_eq!(parse("developer"), Policy::developer());
    assert_eq!(parse("desktop"), Policy::desktop());
    assert_eq!(parse("server"), Policy::server());
    assert_eq!(parse("locked"), Policy::locked());
}

#[track_caller]
fn mistake(text: &str, expected: &str) {
    let error = Policy::parse(text).expect_err("a policy").to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_mistake_in_a_policy_is_told_with_its_place() {
    mistake("", "line 1, column 1: missing field `version`");
    mistake("version = 1", "line 1, column 1: missing field `preset`");
    mistake(
        "version = 2\npreset = \"server\"",
        "expected version = 1 of a policy, found 2",
    );
    mistake(
        "version = 1\npreset = \"sever\"",
        "line 2, column 10: unknown variant `sever`, expected one of `developer`",
    );
    mistake(
        "version = 1\npreset = \"server\"\n  onwers = []",
        "line 3, column 3: unknown field `onwers`, expected one of",
    );
    mistake(
        "version = 1\npreset = \"server\"\nowners = [\"Root\"]",
        "line 3, column 10: an owner is \"root\"",
    );
    mistake(
        "version = 1\npreset = \"server\"\nowners = [-1]",
        "line 3, column 10: an owner is \"root\"",
    );
    mistake(
        "version = 1\npreset = \"server\"\ndenied = [\"7\"]",
        "line 3, column 10: a digest has 64",
    );
    mistake(
        "version = 1\npreset = \"server\"\ncapabilities = [\"all\"]",
        "line 3, column 16: expected one of `files:read:/path`",
    );
    mistake(
        "version = 1\npreset = \"server\"\n[pins]\nx = []",
        "\"x\" is pinned and is not the id of a plugin",
    );
    mistake("version = 1\n\u{1b}[2J", "line 2, column 2: ");
    mistake(
        &"#".repeat(MAX_FILE + 1),
        "expected at most 4194304 bytes, found 4194305",
    );
    let key =
        |name: &str| format!("[[key]]\nname = \"{name}\"\npublic = \"{KEY}\"\nids = [\"*\"]\n");
    let head = "version = 1\npreset = \"server\"\n";
    mistake(
        &format!("{head}{}{}", key("a"), key("a")),
        "two keys are called \"a\"",
    );
    mistake(
        &format!("{head}{}{}", key("a"), key("b")),
        "two keys have the number E7620F1842B4E81F",
    );
}

#[test]
fn the_schema_for_editors_names_what_a_policy_may_say() {
    let schema = include_str!("../../../../docs/policy.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).expect("valid");
    let names = |value: &serde_json::Value| -> Vec<String> {
        let mut names: Vec<_> = value["properties"]
            .as_object()
            .expect("valid")
            .keys()
            .cloned()
            .collect();
        names.sort();
        names
    };
    let expected = |text: &str| -> Vec<String> {
        let error = Policy::parse(text).unwrap_err().to_string();
        let list = error.split("expected one of ").nth(1).expect("valid");
        let mut names: Vec<_> = list
            .split(", ")
            .map(|name| name.trim_matches('`').to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&schema), expected("x = 1"));
    assert_eq!(names(&schema["$defs"]["key"]), expected("[[key]]\nx = 1"));
    for (field, words) in schema["properties"].as_object().expect("valid") {
        let Some(words) = words.get("enum") else {
            continue;
        };
        for word in words.as_array().expect("valid") {
            let preset = if field == "preset" {
                ""
            } else {
                "preset = \"server\"\n"
            };
            let text = format!("version = 1\n{preset}{field} = {word}\n");
            assert!(Policy::parse(&text).is_ok(), "{text}");
        }
    }
}

#[test]
fn a_key_store_is_read_as_it_was_written() {
    let key = Key::new(
        "release",
        KEY.parse().expect("valid"),
        ["org.example.*".parse().expect("valid")],
    )
    .with_revoked("lost");
    let text = Key::write_store(std::slice::from_ref(&key)).expect("valid");
    assert_eq!(
        text,
        format!(
            "version = 1\n\n[[key]]\nname = \"release\"\npublic = \"{KEY}\"\nrevoked = \"lost\"\nids = [\"org.example.*\"]\n"
        )
    );
    assert_eq!(Key::parse_store(&text), Ok(vec![key]));
    assert_eq!(
        Key::parse_store(&Key::write_store(&[]).expect("valid")),
        Ok(Vec::new())
    );
}

#[test]
fn a_bundle_is_read_as_it_was_written() {
    let digest = Digest::from_bytes([7; 32]);
    let mut bundle = Bundle::default();
    bundle.expires = "2028-01-01".parse().ok();
    bundle.files.push(BundledFile::new(
        "lib/libhelper.so",
        3,
        Digest::from_bytes([8; 32]),
    ));
    let two = BundledFile::new("a.so", 5, digest)
        .with_plugin("org.example.a", Version::new(1, 0, 0))
        .with_plugin("org.example.b", Version::new(2, 0, 0));
    bundle.files.push(two);
    let text = bundle.write().expect("valid");
    let read = Bundle::parse(&text).expect("valid");
    assert_eq!(read.write().expect("valid"), text);
    let subjects: Vec<String> = read
        .subjects(digest)
        .map(|subject| subject.to_string())
        .collect();
    assert_eq!(
        subjects,
        [
            "id:org.example.a version:1.0.0 expires:2028-01-01T00:00:00Z",
            "id:org.example.b version:2.0.0 expires:2028-01-01T00:00:00Z"
        ]
    );
    let helper: Vec<_> = read.subjects(Digest::from_bytes([8; 32])).collect();
    assert_eq!((helper.len(), helper[0].id.as_ref()), (1, None));
    assert_eq!(read.subjects(Digest::from_bytes([9; 32])).count(), 0);
}

#[test]
fn a_mistake_in_a_lock_or_bundle_is_told() {
    let lock = |text: &str| Lock::parse(text).unwrap_err().to_string();
    assert_eq!(
        lock("version = 3"),
        "expected version = 1 of a lock file, found 3: this program is too old for it"
    );
    let entry = "[[plugin]]\nid = \"org.example.a\"\nversion = \"1.0.0\"\n";
    assert_eq!(
        lock(&format!("version = 1\n{entry}{entry}")),
        "org.example.a 1.0.0 is locked twice"
    );
    assert_eq!(
        lock(&format!(
            "version = 1\n{}",
            entry.replace("org.example.a", "../a")
        )),
        "\"../a\" is not the id of a plugin"
    );
    let bundle = |path: &str| {
        let file = format!("[[file]]\npath = {path:?}\nsize = 1\ndigest = \"{DIGEST}\"\n");
        Bundle::parse(&format!("version = 1\n{file}")).map_err(|error| error.to_string())
    };
    assert!(bundle("lib/a.so").is_ok());
    for path in ["", "/a", "../a", "a/../b", "a//b", "./a", "a/"] {
        let error = bundle(path).unwrap_err();
        assert!(
            error.ends_with("is not a plain path below the bundle's folder"),
            "{error}"
        );
    }
}
