//! A plugin in C passes the same conformance test as its twin in Rust.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fixture_greeter::{Greeter, Outcome, Refusal};
use plugwright_host::{CallErrorKind, Handle};
use plugwright_inspect::headers;
use plugwright_manifest::embed::{BuildDef, Linkage, ProvidedDef, RecordDef};
use plugwright_manifest::{Description, c};
use plugwright_testkit::cc;

use crate::log::lines;
use crate::{Folder, fixture};

/// The C plugin, compiled with the header that is made of the interface as its twin has it.
fn hello() -> PathBuf {
    plugin("org.example.hello-c", "", &[])
}

/// The interface of the twin, through the file that `plugwright interface save` writes.
fn saved() -> Description {
    let twin = std::fs::read(fixture("hello")).expect("readable");
    let mut images = headers(twin.as_slice(), None).images.into_iter();
    let record = images.next().expect("one image").image.records.remove(0);
    let abi = record.summary.build.abi;
    let schema = record.detail.expect("a detail").schemas.remove(0);
    let saved = Description::new(abi, schema).to_json();
    Description::from_json(&saved).expect("just saved")
}

/// The same with an id, more code, and more for the compiler.
pub(crate) fn plugin(id: &'static str, more: &str, further: &[&OsStr]) -> PathBuf {
    /// The interface as it was saved, which a record borrows for ever.
    static SAVED: OnceLock<(u32, [ProvidedDef; 1])> = OnceLock::new();
    let (abi, provides) = SAVED.get_or_init(|| {
        let description = saved();
        let interface = description.schema.to_shape();
        let provided = ProvidedDef {
            interface,
            keys: &["c"],
            rank: 0,
            metadata: &[],
        };
        (description.abi, [provided])
    });
    let record = RecordDef {
        entry: "plugwright_entry_hello_c",
        id,
        version: "2.0.0",
        crate_name: "hello_c",
        linkage: Linkage::Cdylib,
        provides,
        singleton: false,
        configurable: false,
        capabilities: &[],
        build: BuildDef {
            abi: *abi,
            target: "c",
            profile: "release",
            rustc: "cc",
            panic_abort: false,
            unloadable: false,
        },
        name: "Hello from C",
        description: "",
        license: "MIT OR Apache-2.0",
        authors: "",
        homepage: "",
        metadata: &[],
    };
    let made = c::header(&record, &[]).expect("small enough");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = here.join("../../fixtures/c/hello.c");
    let include = here.join("../plugin/include");
    let source = std::fs::read_to_string(source).expect("readable");
    let header = std::fs::read_to_string(include.join("plugwright_plugin.h")).expect("readable");
    // The header stands in the source, so that a changed header is compiled anew.
    let source = format!("{header}\n{made}\n{source}{more}");
    let include = include.into_os_string();
    let arguments = [
        OsStr::new("-Wextra"),
        OsStr::new("-pedantic"),
        OsStr::new("-I"),
        &include,
    ];
    cc::shared("libhello_c.so", &source, &[&arguments, further].concat())
}

fn conforms(create: impl Fn() -> Handle<dyn Greeter>, id: &str) {
    let handle = create();
    assert_eq!(handle.greet("Ada"), "Hello, Ada!");
    assert_eq!(handle.greet(""), "Hello, !");
    assert_eq!(handle.greet(&"x".repeat(100_000)).len(), 100_008);
    assert_eq!(handle.count(), 3);
    assert_eq!(handle.clone().count(), 3);
    assert_eq!(handle.try_hard(Outcome::Succeed), Ok(7));
    let refused = Refusal::Unwilling {
        because: "not today".to_owned(),
    };
    assert_eq!(handle.try_hard(Outcome::Refuse), Err(refused));
    let Err(Refusal::Call(error)) = handle.try_hard(Outcome::Panic) else {
        panic!("the failure did not arrive");
    };
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!((error.plugin(), error.message()), (id, "no voice"));
    let error = handle.try_count().expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
    assert_eq!(create().count(), 0, "another object is not");
    assert_eq!(handle.close(), Ok(()));
}

#[test]
fn the_plugin_in_c_conforms() {
    let folder = Folder::new();
    std::fs::copy(hello(), folder.join("libhello_c.so")).expect("copied");
    let host = folder.host();
    let listed = host.plugins().next().expect("one plugin");
    assert_eq!(listed.id().as_str(), "org.example.hello-c");
    conforms(|| host.create("c").expect("it fits"), "org.example.hello-c");
}

/// It uses the host's log as a plugin in Rust does.
#[test]
fn the_plugin_in_c_logs() {
    let folder = Folder::new();
    std::fs::copy(hello(), folder.join("libhello_c.so")).expect("copied");
    let lines = lines(tracing::Level::INFO, || {
        let host = folder.host();
        let handle: Handle<dyn Greeter> = host.create("c").expect("it fits");
        drop(handle);
    });
    let expected =
        "INFO message=made in C plugin=\"org.example.hello-c\" source=org.example.hello-c";
    assert_eq!(lines, [expected]);
}

#[test]
fn its_twin_in_rust_conforms() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    conforms(|| host.create("en").expect("it fits"), "org.example.hello");
}
