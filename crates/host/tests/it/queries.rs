//! What is asked for, and why it is found or not.

use fixture_greeter::Greeter;
use plugwright_host::{Consideration, CreateErrorKind, Host, KeyCase, Query};

use crate::{Folder, permitted};

fn folder() -> Folder {
    Folder::with(&["hello", "bonjour", "polyglot"])
}

#[track_caller]
fn check(query: &Query, expected: &[&str]) {
    let folder = folder();
    let offers = folder.host().query(query);
    let ids: Vec<&str> = offers
        .iter()
        .map(|offer| offer.plugin().id().as_str())
        .collect();
    assert_eq!(ids, expected, "{query}");
}

fn greeters() -> Query {
    Query::new("org.example.greeter")
}

#[test]
fn by_interface_version_key_and_metadata() {
    check(
        &greeters(),
        &[
            "org.example.hello",
            "org.example.bonjour",
            "org.example.polyglot",
        ],
    );
    check(&greeters().with_key("en"), &["org.example.hello"]);
    check(&greeters().with_key("EN"), &[]);
    check(
        &greeters().with_key("EN").with_key_case(KeyCase::Ignored),
        &["org.example.hello"],
    );
    check(
        &greeters().with_versions("^9".parse().expect("a range")),
        &[],
    );
    check(
        &greeters().with_versions("^1.0".parse().expect("a range")),
        &[
            "org.example.hello",
            "org.example.bonjour",
            "org.example.polyglot",
        ],
    );
    check(
        &greeters().with_metadata("/language", "en"),
        &["org.example.hello"],
    );
    check(
        &greeters()
            .with_metadata("/language", "en")
            .with_metadata("/formal", true),
        &[],
    );
    check(
        &greeters().with_metadata("/since", 1066),
        &["org.example.hello"],
    );
    check(&Query::new("org.example.nobody"), &[]);
}

#[test]
fn a_priority_of_the_host_comes_before_ranks() {
    let folder = folder();
    let first = |host: &Host| {
        host.providers::<dyn Greeter>()
            .next()
            .map(|plugin| plugin.id().to_string())
    };
    assert_eq!(first(&folder.host()).as_deref(), Some("org.example.hello"));
    let host = folder.builder().priority("org.example.polyglot", 10).scan();
    assert_eq!(first(&host).as_deref(), Some("org.example.polyglot"));
    let host = folder.builder().priority("org.example.hello", -1).scan();
    assert_eq!(first(&host).as_deref(), Some("org.example.bonjour"));
}

#[test]
fn a_sub_folder_of_every_path() {
    let folder = Folder::new();
    std::fs::create_dir(folder.join("greeters")).expect("made");
    folder.add("hello", "greeters/libhello.so");
    folder.add("bonjour", "libbonjour.so");
    let host = folder.builder().sub_folder("greeters").scan();
    let ids: Vec<String> = host
        .plugins()
        .map(|plugin| plugin.id().to_string())
        .collect();
    assert_eq!(ids, ["org.example.hello"]);
    // What leads elsewhere does not.
    let host = folder.builder().sub_folder("../greeters").scan();
    assert_eq!(host.plugins().count(), 1);
}

#[test]
fn what_is_beside_the_range_is_named_with_its_version() {
    let host = folder().host();
    let range = greeters().with_versions("^9".parse().expect("a range"));
    let error = host.create_by::<dyn Greeter>(&range).expect_err("none is");
    assert_eq!(error.kind(), CreateErrorKind::AllRefused);
    let told = error.to_string();
    let expected = "does not fit: it provides the interface in version 1.1; wanted is ^9";
    assert!(told.contains(expected), "{told}");
    // What does not have the key is not meant at all.
    let error = host.create_by::<dyn Greeter>(&range.with_key("none"));
    assert_eq!(error.expect_err("none").kind(), CreateErrorKind::NotFound);
}

#[test]
fn create_by_takes_the_first_that_answers() {
    let host_folder = folder();
    let host = host_folder.host();
    let query = Query::of::<dyn Greeter>()
        .with_key("FR")
        .with_key_case(KeyCase::Ignored);
    let greeter = host.create_by::<dyn Greeter>(&query).expect("it fits");
    assert!(greeter.greet("Ada").contains("Bonjour"));
    assert!(host.has("org.example.greeter", "fr"));
    assert!(!host.has("org.example.greeter", "FR"));
    assert!(!host.has("org.example.nobody", "fr"));
}

#[track_caller]
fn check_explained(query: &Query, is_found: bool, expected: &[&str]) {
    let folder = folder();
    folder.write("libbroken.so", b"\x7fELF\x02\x01\x01");
    let explanation = folder
        .builder()
        .folder("/no/such/folder")
        .folder("relative")
        .scan()
        .explain(query);
    assert_eq!(explanation.is_found(), is_found, "{explanation}");
    let text = explanation.to_string();
    for expected in expected {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    // The folders and what is not used stand in every answer.
    for expected in [
        "4 files, 3 plugins",
        "\"/no/such/folder\" (given by the application)",
        "\"relative\" is relative",
        "libbroken.so",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
}

#[test]
fn an_explanation_names_every_reason() {
    check_explained(
        &greeters().with_key("en"),
        true,
        &[
            "org.example.hello 0.1.0",
            "is taken, with rank 5",
            "has the keys",
        ],
    );
    check_explained(
        &greeters(),
        true,
        &["would do; org.example.hello 0.1.0 is preferred"],
    );
    check_explained(
        &greeters().with_key("EN"),
        false,
        &["has the key \"en\", which differs by case"],
    );
    check_explained(
        &greeters().with_versions("^7.2".parse().expect("a range")),
        false,
        &["provides the interface in version 1.1; wanted is ^7.2"],
    );
    check_explained(
        &Query::new("org.example.greeting"),
        false,
        &["provides org.example.greeter, which is another interface"],
    );
    check_explained(
        &Query::new("com.example.nobody"),
        false,
        &["no plugin provides it"],
    );
    check_explained(
        &greeters().with_metadata("/language", "tlh"),
        false,
        &["has something else, or nothing, at \"/language\" of its metadata"],
    );
}

#[test]
fn an_explanation_can_be_taken_apart() {
    let folder = folder();
    let explanation = folder.host().explain(&greeters().with_key("en"));
    let first = &explanation.candidates[0];
    assert_eq!(first.id.as_str(), "org.example.hello");
    assert!(matches!(
        first.consideration,
        Consideration::Taken { rank: 5 }
    ));
    assert_eq!(explanation.folders.len(), 1);
    let nothing = permitted(Host::developer()).scan().explain(&greeters());
    assert!(
        nothing.to_string().contains("no folders to look into"),
        "{nothing}"
    );
}
