//! What a scan finds, without running anything.

use fixture_greeter::Greeter;
use plugwright_host::{Host, Plugin, Policy};

use crate::{Folder, outcomes};

/// The ids of plugins, in their order.
fn ids(plugins: impl Iterator<Item = Plugin>) -> Vec<String> {
    plugins.map(|plugin| plugin.id().to_string()).collect()
}

#[test]
fn plugins_are_listed_in_the_order_of_their_names() {
    let folder = Folder::with(&["polyglot", "hello", "bonjour"]);
    let host = folder.host();
    let ids = ids(host.plugins());
    assert_eq!(
        ids,
        [
            "org.example.bonjour",
            "org.example.hello",
            "org.example.polyglot"
        ]
    );
    assert!(host.plugins().all(|plugin| !plugin.is_loaded()));
}

#[test]
fn a_record_says_what_the_source_says() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let plugin = host.plugins().next().expect("one plugin");
    assert_eq!(plugin.version().to_string(), "0.1.0");
    assert_eq!(
        plugin.origin().path(),
        folder.join("libhello.so").canonicalize().ok().as_deref()
    );
    let [provided] = plugin.provides() else {
        panic!("one interface");
    };
    assert_eq!(provided.interface.as_str(), "org.example.greeter");
    assert_eq!(provided.version.to_string(), "1.1");
    assert_eq!(provided.keys, ["en", "english"]);
    assert_eq!(provided.rank, 5);
    assert_eq!(provided.fingerprints.len(), 3);
    let build = &plugin.record().summary.build;
    assert_eq!(
        build.target,
        format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
    );
    assert!(build.rustc.starts_with("rustc "), "{}", build.rustc);
    assert!(!build.panic_abort);
}

#[test]
fn a_detail_is_read_on_demand() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Own {
        language: String,
        formal: bool,
        weight: f64,
    }
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let detail = host
        .plugins()
        .next()
        .and_then(|plugin| plugin.detail())
        .expect("a detail");
    assert_eq!(detail.name, "Hello");
    assert_eq!(
        detail.description,
        "Test fixture: a greeting plugin in English"
    );
    assert_eq!(detail.license, "MIT OR Apache-2.0");
    let own: Own = detail.metadata_as().expect("the application's own type");
    assert_eq!(
        own,
        Own {
            language: "en".to_owned(),
            formal: false,
            weight: 1.5
        }
    );
    assert_eq!(
        detail.provided_metadata,
        [serde_json::json!({"since": 1066})]
    );
    let methods: Vec<String> = detail.schemas[0]
        .methods
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        methods,
        [
            "fn greet(&self, name: &str) -> String",
            "fn try_hard(&self, how: Outcome) -> Result<u32, Refusal>",
            "fn count(&self) -> u64",
        ]
    );
}

#[test]
fn an_embedded_plugin_is_not_offered() {
    let folder = Folder::with(&["polyglot"]);
    assert_eq!(
        outcomes(&folder.host()),
        ["libpolyglot.so: offered as org.example.polyglot 0.1.0"]
    );
}

#[test]
fn providers_stand_best_first() {
    let folder = Folder::with(&["polyglot", "hello", "bonjour", "marker"]);
    let host = folder.host();
    let ids = ids(host.providers::<dyn Greeter>());
    assert_eq!(
        ids,
        [
            "org.example.marking",
            "org.example.hello",
            "org.example.bonjour",
            "org.example.polyglot",
        ],
        "ranks 100, 5, 0 and -1"
    );
    assert_eq!(
        host.keys::<dyn Greeter>(),
        ["en", "english", "fr", "*"],
        "keys of what does not fit are no keys"
    );
}

#[test]
fn equal_bytes_under_two_names_are_one_offer() {
    let folder = Folder::with(&["hello"]);
    folder.add("hello", "zwilling.so");
    assert_eq!(
        outcomes(&folder.host()),
        [
            "libhello.so: offered as org.example.hello 0.1.0",
            "zwilling.so: same as libhello.so",
        ]
    );
}

#[test]
fn other_bytes_under_one_id_and_version_refuse_both() {
    let folder = Folder::with(&["hello"]);
    let path = folder.join("libhello.so");
    // A byte behind the end is no part of the library, and makes the file another one.
    let mut bytes = std::fs::read(&path).expect("readable");
    bytes.push(0);
    check_refused(&folder, &bytes);
    // Nor does the size have to tell.
    bytes.pop();
    *bytes.last_mut().expect("not empty") ^= 1;
    check_refused(&folder, &bytes);
}

#[track_caller]
fn check_refused(folder: &Folder, bytes: &[u8]) {
    folder.write("other.so", bytes);
    let host = folder.host();
    let advice = "both say that they are org.example.hello 0.1.0, but their bytes differ: \
                  neither is used; remove one, or give it a version of its own";
    assert_eq!(
        outcomes(&host),
        [
            format!("libhello.so: \"libhello.so\" and \"other.so\" {advice}"),
            format!("other.so: \"other.so\" and \"libhello.so\" {advice}"),
        ]
    );
    assert!(host.create::<dyn Greeter>("en").is_err());
}

#[test]
fn folders_are_searched_in_the_order_given() {
    let first = Folder::with(&["bonjour"]);
    let second = Folder::with(&["hello", "bonjour"]);
    let host = first.builder().folder(second.path()).scan();
    let ids = ids(host.plugins());
    assert_eq!(ids, ["org.example.bonjour", "org.example.hello"]);
}

#[test]
fn folders_that_cannot_be_read_are_reported() {
    let folder = Folder::new();
    let host = Host::builder(Policy::server())
        .folder(folder.join("missing"))
        .folder("relative")
        .scan();
    let all = outcomes(&host).join("\n");
    assert!(all.contains("missing"), "{all}");
    let remarks: Vec<String> = host
        .paths()
        .remarks()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        remarks,
        [
            "the application: the folder \"relative\" is relative and passed over; name it from the root"
        ]
    );
}
