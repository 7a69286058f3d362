//! From a key to a call.

use std::sync::Arc;
use std::task::Poll;

use fixture_bus_interface::Mishaps;
use fixture_greeter::{Greeter, Outcome, Refusal};
use plugwright_host::{CallErrorKind, Handle, Host, Policy};
use plugwright_plugin::PluginFuture;
use plugwright_trust::{Owner, Source};

use crate::{Folder, permitted};

fn english() -> Handle<dyn Greeter> {
    Folder::with(&["hello"])
        .host()
        .create("en")
        .expect("it fits")
}

#[test]
fn a_handle_implements_the_trait() {
    let handle = english();
    assert_eq!(handle.greet("Ada"), "Hello, Ada!");
    assert_eq!(handle.greet(""), "Hello, !");
    assert_eq!(handle.count(), 2);
    assert_eq!(handle.try_hard(Outcome::Succeed), Ok(7));
    assert_eq!(
        handle.try_hard(Outcome::Refuse),
        Err(Refusal::Unwilling {
            because: "not today".to_owned()
        })
    );
}

#[test]
fn a_handle_outlives_its_host_and_can_be_boxed() {
    let boxed: Box<dyn Greeter> = Box::new(english());
    assert_eq!(boxed.greet("Bob"), "Hello, Bob!");
    let shared: Arc<dyn Greeter> = Arc::new(english());
    let there = std::thread::spawn(move || shared.greet("thread")).join();
    assert_eq!(there.expect("no panic"), "Hello, thread!");
}

#[test]
fn a_panic_in_a_plugin_arrives_as_a_value() {
    let handle = english();
    let Err(Refusal::Call(error)) = handle.try_hard(Outcome::Panic) else {
        panic!("the panic did not arrive");
    };
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.plugin(), "org.example.hello");
    assert_eq!(error.method(), "Greeter::try_hard");
    assert_eq!(error.message(), "no voice");
    let location = error.location();
    assert!(
        location.contains("fixtures/hello/src/lib.rs:"),
        "{location}"
    );
    let error = handle.try_greet("Ada").expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
}

/// What a test prints to standard error, run in a child process; `None` in the child itself.
fn printed(test: &str) -> Option<String> {
    const CHILD: &str = "PLUGWRIGHT_TEST_PRINTED";
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the test looks at another process's standard error"
    )]
    let child = std::process::Command::new(std::env::current_exe().expect("a path"))
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("the child runs");
    assert!(child.status.success(), "the child's own assertions hold");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("1 passed"), "there is no test {test}: {said}");
    Some(String::from_utf8_lossy(&child.stderr).into_owned())
}

/// The plugin's own panic message stays silent.
#[test]
fn a_caught_panic_prints_nothing() {
    let Some(text) = printed("loading::a_caught_panic_prints_nothing") else {
        assert!(english().try_hard(Outcome::Panic).is_err());
        return;
    };
    assert!(!text.contains("no voice"), "{text}");
}

/// What no call brings to the host is printed, with its place: when its thread ends or panics again, or at once where nobody
/// can be told otherwise.
#[test]
fn a_panic_that_no_call_takes_is_printed() {
    let Some(text) = printed("loading::a_panic_that_no_call_takes_is_printed") else {
        let folder = Folder::with(&["bus"]);
        let host = folder.host();
        let mishaps = || -> Handle<dyn Mishaps> { host.create("tram").expect("it fits") };
        mishaps().on_a_thread();
        let first = mishaps();
        first.caught();
        let error = first.try_told().expect_err("it panics");
        assert_eq!(error.message(), "told");
        let waits = std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Pending
        });
        mishaps().in_a_waker(PluginFuture::new(waits));
        return;
    };
    for what in ["on a thread", "caught", "in a waker"] {
        let message = text.lines().position(|line| line == what);
        let Some(place) = message.and_then(|line| line.checked_sub(1)) else {
            panic!("{what} is not in {text}");
        };
        let place = text.lines().nth(place).expect("the line before it");
        let begin = "a thread of a plugin panicked at fixtures/bus/src/lib.rs:";
        assert!(place.starts_with(begin), "{text}");
        assert_eq!(text.matches(what).count(), 1, "{text}");
    }
    assert!(!text.contains("told"), "{text}");
}

#[test]
fn each_handle_is_an_object_of_its_own() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let first: Handle<dyn Greeter> = host.create("en").expect("it fits");
    let second: Handle<dyn Greeter> = host.create("english").expect("it fits");
    first.greet("a");
    assert_eq!((first.count(), second.count()), (1, 0));
    assert!(host.plugins().all(|plugin| plugin.is_loaded()));
}

#[test]
fn the_best_that_fits_is_taken() {
    let folder = Folder::with(&["polyglot", "hello", "bonjour", "marker"]);
    let host = folder.host();
    // The marker has the greatest rank, and another signature.
    let any: Handle<dyn Greeter> = host.create_any().expect("hello fits");
    assert_eq!(any.greet("x"), "Hello, x!");
}

#[test]
fn a_plugin_that_embeds_another_is_entered_through_its_own_entry() {
    let handle: Handle<dyn Greeter> = Folder::with(&["polyglot"])
        .host()
        .create("*")
        .expect("it fits");
    assert_eq!(handle.greet("x"), "Bonjour, x! Hallo!");
}

#[test]
fn threads_that_ask_at_once_share_one_load() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let handle: Handle<dyn Greeter> = host.create("en").expect("it fits");
                assert_eq!(handle.greet("x"), "Hello, x!");
            });
        }
    });
}

#[test]
fn sealed_copies_load_too() {
    let folder = Folder::with(&["hello"]);
    let policy = Policy::developer().with_sources([Source::Sealed]);
    let host = permitted(Host::builder(policy))
        .folder(folder.path())
        .scan();
    let handle: Handle<dyn Greeter> = host.create("en").expect("it fits");
    assert_eq!(handle.greet("seal"), "Hello, seal!");
    let maps = std::fs::read_to_string("/proc/self/maps").expect("readable");
    assert!(maps.contains("memfd:"), "the library is mapped from memory");
}

/// What a file becomes after it was loaded is nothing to the plugin.
#[test]
fn a_loaded_plugin_does_not_care_for_its_file() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let first: Handle<dyn Greeter> = host.create("en").expect("it fits");
    folder.write("libhello.so", b"overwritten in place");
    assert_eq!(first.greet("x"), "Hello, x!");
    let again: Handle<dyn Greeter> = host.create("en").expect("it is loaded");
    assert_eq!(again.greet("y"), "Hello, y!");
}

#[test]
fn the_presets_differ_in_what_they_trust() {
    let folder = Folder::with(&["hello"]);
    let strict = permitted(Host::builder(Policy::server().without_owner(Owner::Root)))
        .folder(folder.path())
        .scan();
    assert_eq!(strict.plugins().count(), 1, "listing needs no trust");
    let error = strict.create::<dyn Greeter>("en").expect_err("below /tmp");
    let text = error.to_string();
    assert!(text.contains("the policy refuses"), "{text}");
    assert!(text.contains("CWE-708"), "{text}");
}
