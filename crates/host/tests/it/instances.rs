//! Several plugins in one library, their instances, and how these are made, begin and end.

use fixture_ensemble_interface::{Listener, Player};
use plugwright_host::{CallErrorKind, CreateError, Handle, Host, RefusalKind};
use plugwright_plugin::bind;
use plugwright_plugin::context::ContextError;
use serde_json::{Value, json};

use crate::{Folder, outcomes};

/// A host with the folder that its plugins lie in.
struct Hosted {
    host: Host,
    _folder: Folder,
}

impl std::ops::Deref for Hosted {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

fn host() -> Hosted {
    let folder = Folder::with(&["ensemble"]);
    Hosted {
        host: folder.host(),
        _folder: folder,
    }
}

fn player(host: &Host, key: &str) -> Handle<dyn Player> {
    host.create(key).expect("it fits")
}

#[test]
fn every_plugin_of_the_librarys_own_crate_is_offered() {
    let host = host();
    let mut outcomes = outcomes(&host);
    outcomes.sort_unstable();
    assert_eq!(
        outcomes,
        [
            "libensemble.so: offered as org.example.chorister 0.1.0",
            "libensemble.so: offered as org.example.conductor 0.1.0",
            "libensemble.so: offered as org.example.soloist 0.1.0",
        ]
    );
    let mut keys = host.keys::<dyn Player>();
    keys.sort_unstable();
    assert_eq!(keys, ["chorister", "conductor", "soloist"]);
}

/// A static of the library is one for all of its plugins.
#[test]
fn plugins_of_one_library_share_it() {
    let host = host();
    let (first, second) = (player(&host, "conductor"), player(&host, "chorister"));
    first.play();
    second.play();
    assert_eq!((first.played_by_all(), second.played_by_all()), (2, 2));
    // Another host has another copy.
    let other = self::host();
    assert_eq!(player(&other, "conductor").played_by_all(), 0);
}

#[test]
fn a_singleton_is_one_instance_through_all_its_interfaces() {
    let host = host();
    let first = player(&host, "conductor");
    let second = player(&host, "conductor");
    let view: Handle<dyn Listener> = host.create("conductor").expect("it fits");
    first.play();
    second.play();
    assert_eq!((first.play(), view.heard()), (3, 3));
    drop((first, second, view));
    assert_eq!(player(&host, "conductor").play(), 4, "the host keeps it");
}

#[test]
fn what_is_no_singleton_is_made_anew() {
    let host = host();
    let (first, second) = (player(&host, "chorister"), player(&host, "chorister"));
    first.play();
    assert_eq!((first.play(), second.play()), (2, 1));
}

#[test]
fn threads_that_ask_at_once_share_a_singleton() {
    let host = host();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| player(&host, "soloist").play());
        }
    });
    assert_eq!(player(&host, "soloist").play(), 9);
}

#[test]
fn a_configuration_is_given_by_the_builder_or_by_who_asks() {
    let folder = Folder::with(&["ensemble"]);
    let host = folder
        .builder()
        .configuration("org.example.chorister", json!({ "volume": 7 }))
        .configuration("org.example.nobody", json!(1))
        .scan();
    assert_eq!(player(&host, "chorister").volume(), 7);
    assert_eq!(player(&host, "soloist").volume(), 5, "without one");
    let loud = json!({ "volume": 11 });
    let loud: Handle<dyn Player> = host.create_with("chorister", &loud).expect("it takes that");
    assert_eq!(loud.volume(), 11);
    assert_eq!(player(&host, "chorister").volume(), 7);
}

/// Why the only plugin with this key cannot be made with the configuration.
#[track_caller]
fn refused(host: &Host, key: &str, configuration: &Value) -> CreateError {
    let made = host.create_with::<dyn Player>(key, configuration);
    let error = made.expect_err("not with this configuration");
    assert_eq!(error.attempts().len(), 1);
    error
}

#[track_caller]
fn check_failure(configuration: Value, kind: CallErrorKind, message: &str) {
    let error = refused(&host(), "chorister", &configuration);
    match error.attempts()[0].refusal.kind() {
        RefusalKind::Create(bind::CreateError::Failed(error)) => {
            assert_eq!((error.kind(), error.message()), (kind, message));
            assert_eq!(error.plugin(), "org.example.chorister");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_configuration_that_does_not_fit_is_told_before_the_constructor_runs() {
    let folder = Folder::new();
    let journal = folder.join("journal");
    check_failure(
        json!({ "volume": "loud", "journal": journal }),
        CallErrorKind::Configuration,
        "invalid type: string \"loud\", expected u32",
    );
    check_failure(
        json!({ "volumen": 3, "journal": journal }),
        CallErrorKind::Configuration,
        "unknown field `volumen`, expected one of `volume`, `journal`, `fail`",
    );
    assert!(!journal.try_exists().expect("readable"), "nothing ran");
}

#[test]
fn what_a_constructor_or_a_start_fails_with_is_told() {
    let failing = |fail: &str| json!({ "fail": fail });
    let (failed, panicked) = (CallErrorKind::Failed, CallErrorKind::Panicked);
    let unwilling = "chorister does not want to";
    check_failure(failing("new"), failed, unwilling);
    check_failure(failing("start"), failed, unwilling);
    check_failure(failing("panic in new"), panicked, "out of tune");
    check_failure(failing("panic in start"), panicked, "out of tune");
}

#[test]
fn a_plugin_that_takes_no_configuration_is_not_loaded_for_one() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let error = host
        .create_with::<dyn fixture_greeter::Greeter>("en", &json!({}))
        .expect_err("it takes none");
    let refusal = &error.attempts()[0].refusal;
    assert!(matches!(refusal.kind(), RefusalKind::NotConfigurable));
    assert!(host.plugins().all(|plugin| !plugin.is_loaded()));
}

#[test]
fn a_singleton_is_configured_once() {
    let host = host();
    let given = json!({ "volume": 1 });
    let first: Handle<dyn Player> = host.create_with("soloist", &given).expect("not made yet");
    assert_eq!(first.volume(), 1);
    assert_eq!(player(&host, "soloist").volume(), 1);
    let error = refused(&host, "soloist", &json!({ "volume": 2 }));
    let kind = error.attempts()[0].refusal.kind();
    assert!(matches!(kind, RefusalKind::AlreadyMade), "{kind:?}");
}

/// What a singleton failed with is no reason not to try again.
#[test]
fn a_singleton_that_failed_is_made_at_the_next_try() {
    let host = host();
    refused(&host, "soloist", &json!({ "fail": "start" }));
    assert_eq!(player(&host, "soloist").play(), 1);
}

/// A host whose plugins write what happens to them into a file.
fn journaled(fail: &str) -> (Folder, Host) {
    let folder = Folder::with(&["ensemble"]);
    let options = json!({ "journal": folder.join("journal"), "fail": fail });
    let ids = ["conductor", "soloist", "chorister"].map(|name| format!("org.example.{name}"));
    let host = ids
        .into_iter()
        .fold(folder.builder(), |builder, id| {
            builder.configuration(id, options.clone())
        })
        .scan();
    (folder, host)
}

fn journal(folder: &Folder) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("journal")).expect("readable");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn singletons_stop_in_the_reverse_order_of_their_start() {
    let (folder, host) = journaled("");
    let soloist = player(&host, "soloist");
    drop(player(&host, "conductor"));
    let failures = host.close();
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(
        journal(&folder),
        [
            "new soloist",
            "start soloist",
            "new conductor",
            "start conductor",
            "stop conductor",
            "stop soloist",
            "drop conductor"
        ]
    );
    // A handle that is left over finds it stopped.
    let error = soloist.try_play().expect_err("stopped");
    assert_eq!(error.kind(), CallErrorKind::Stopped);
    drop(soloist);
    assert_eq!(
        journal(&folder).last().map(String::as_str),
        Some("drop soloist")
    );
}

#[test]
fn a_host_that_is_dropped_lets_go_in_that_order_too() {
    let (folder, host) = journaled("");
    let kept = player(&host, "chorister");
    for key in ["conductor", "soloist"] {
        drop(player(&host, key));
    }
    drop(host);
    assert_eq!(
        journal(&folder)[6..],
        [
            "stop soloist",
            "drop soloist",
            "stop conductor",
            "drop conductor"
        ]
    );
    assert_eq!(kept.play(), 1, "what somebody has goes on");
    assert_eq!(kept.close(), Ok(()));
    assert_eq!(journal(&folder)[10..], ["stop chorister", "drop chorister"]);
}

#[test]
fn what_a_stop_fails_with_is_told() {
    for (fail, kind) in [
        ("stop", CallErrorKind::Failed),
        ("panic in stop", CallErrorKind::Panicked),
    ] {
        let (folder, host) = journaled(fail);
        let own = player(&host, "chorister");
        drop(player(&host, "conductor"));
        let failures = host.close();
        let [failure] = failures.as_slice() else {
            panic!("{failures:?}");
        };
        assert_eq!(failure.plugin().as_str(), "org.example.conductor");
        assert_eq!(failure.error().kind(), kind);
        assert_eq!(own.close().expect_err("told too").kind(), kind);
        let ends = [
            "stop conductor",
            "drop conductor",
            "stop chorister",
            "drop chorister",
        ];
        assert_eq!(journal(&folder)[4..], ends, "once each");
    }
}

/// What did not start is let go of, and is not stopped.
#[test]
fn an_instance_that_did_not_start_does_not_stop() {
    for (fail, key) in [
        ("start", "chorister"),
        ("panic in start", "chorister"),
        ("start", "conductor"),
    ] {
        let (folder, host) = journaled(fail);
        let made = host.create::<dyn Player>(key).map(drop);
        made.expect_err("it does not start");
        let failures = host.close();
        assert!(failures.is_empty(), "{failures:?}");
        let steps = ["new", "start", "drop"].map(|step| format!("{step} {key}"));
        assert_eq!(journal(&folder), steps, "{fail}");
    }
}

/// One that fails does not keep the others from stopping, and each is told, in that order.
#[test]
fn each_of_several_stops_that_fail_is_told() {
    for (fail, kind) in [
        ("stop", CallErrorKind::Failed),
        ("panic in stop", CallErrorKind::Panicked),
    ] {
        let (folder, host) = journaled(fail);
        for key in ["soloist", "conductor"] {
            drop(player(&host, key));
        }
        let failures = host.close();
        let told: Vec<_> = failures
            .iter()
            .map(|failure| (failure.plugin().as_str(), failure.error().kind()))
            .collect();
        let expected = ["org.example.conductor", "org.example.soloist"].map(|id| (id, kind));
        assert_eq!(told, expected);
        assert_eq!(journal(&folder)[4..6], ["stop conductor", "stop soloist"]);
    }
}

#[test]
fn a_panic_in_a_drop_is_told_by_close() {
    let (_folder, host) = journaled("panic in drop");
    let error = player(&host, "chorister").close().expect_err("it panics");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.message(), "out of tune");
    assert!(error.location().contains("ensemble/src/lib.rs:"));
}

#[test]
fn a_plugin_knows_its_host_and_has_a_folder() {
    let folder = Folder::with(&["ensemble"]);
    let data = folder.join("data/of/plugins");
    let host = folder
        .builder()
        .application("orchestra", "2.4-rc1")
        .data_below(&data)
        .scan();
    let player = player(&host, "chorister");
    let named = ("orchestra".to_owned(), "2.4-rc1".to_owned());
    assert_eq!(player.host(), named);
    assert!(
        !data.try_exists().expect("readable"),
        "made when it is asked for"
    );
    let own = player.data_folder().expect("there is a place");
    assert_eq!(own, data.join("org.example.chorister"));
    // For this user alone, and so is all that was made above it.
    for made in [&own, &data, &folder.join("data")] {
        let mode = std::fs::metadata(made).expect("it is there").permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&mode);
        assert_eq!(mode & 0o777, 0o700, "{}", made.display());
    }
    assert_eq!(player.data_folder(), Ok(own), "the same again");
    // The host goes; what is left of it answers.
    drop(host);
    assert_eq!(player.host(), named);
    assert_eq!(player.data_folder(), Err(ContextError::Closed));
}

#[test]
fn without_a_place_there_is_no_folder() {
    let player = player(&host(), "chorister");
    assert_eq!(player.host(), (String::new(), String::new()));
    assert_eq!(
        player.data_folder(),
        Err(ContextError::Closed),
        "the host went"
    );
    let host = host();
    let player = self::player(&host, "chorister");
    assert_eq!(player.data_folder(), Err(ContextError::NotOffered));
}

/// What is in the folder's place is not taken for it.
#[test]
fn a_folder_that_others_could_change_is_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = Folder::with(&["ensemble"]);
    let data = folder.join("data");
    std::fs::create_dir(&data).expect("made");
    let host = folder.builder().data_below(&data).scan();
    let player = player(&host, "chorister");
    let own = data.join("org.example.chorister");
    let refused = |what: &str| {
        let error = player.data_folder().expect_err(what).to_string();
        assert!(error.ends_with(what), "{error}");
    };
    symlink(folder.path(), &own).expect("linked");
    refused("there is a link in its place");
    std::fs::remove_file(&own).expect("removed");
    std::fs::write(&own, "").expect("written");
    refused("something that is no folder is in its place");
    std::fs::remove_file(&own).expect("removed");
    std::fs::create_dir(&own).expect("made");
    std::fs::set_permissions(&own, PermissionsExt::from_mode(0o777)).expect("set");
    refused("others can write it");
    std::fs::set_permissions(&own, PermissionsExt::from_mode(0o700)).expect("set");
    assert_eq!(player.data_folder(), Ok(own));
}
