//! What is told while folders change.

use std::fs;
use std::sync::{Arc, Mutex};

use fixture_greeter::Greeter;
use plugwright_host::{Change, Host};

use crate::Folder;

fn lines(host: &Host) -> Vec<String> {
    let line = |change: Change| {
        let (text, origin) = (change.to_string(), change.plugin().origin().to_string());
        text.replace(&format!(" in {origin}"), "")
    };
    host.refresh().into_iter().map(line).collect()
}

#[test]
fn a_refresh_tells_what_came_changed_and_went() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let told = Arc::clone(&told);
        host.listen(move |change| told.lock().expect("not poisoned").push(change.to_string()))
    };
    assert!(lines(&host).is_empty());
    let handle = host.create::<dyn Greeter>("en").expect("it fits");

    folder.add("bonjour", "libbonjour.so");
    assert_eq!(lines(&host), ["added org.example.bonjour 0.1.0"]);
    assert!(host.create::<dyn Greeter>("fr").is_ok());

    // The same plugin in another file, and one byte behind its end.
    let mut bytes = fs::read(folder.join("libhello.so")).expect("readable");
    bytes.push(0);
    let beside = folder.write("beside", &bytes);
    fs::rename(beside, folder.join("libhello.so")).expect("renamed");
    assert_eq!(lines(&host), ["changed org.example.hello 0.1.0"]);
    let loaded: Vec<bool> = host.plugins().map(|plugin| plugin.is_loaded()).collect();
    assert_eq!(
        loaded,
        [true, false],
        "what is unchanged stays loaded; what changed is new"
    );
    assert!(
        handle.greet("Ada").contains("Ada"),
        "a handle stays with the plugin it was made with"
    );
    assert!(host.create::<dyn Greeter>("en").is_ok());

    fs::remove_file(folder.join("libbonjour.so")).expect("removed");
    assert_eq!(lines(&host), ["removed org.example.bonjour 0.1.0"]);
    assert!(host.create::<dyn Greeter>("fr").is_err());
    assert_eq!(told.lock().expect("not poisoned").len(), 3);
    assert!(host.unlisten(listener));
    assert!(!host.unlisten(listener));
    fs::remove_file(folder.join("libhello.so")).expect("removed");
    assert_eq!(lines(&host), ["removed org.example.hello 0.1.0"]);
    assert_eq!(
        told.lock().expect("not poisoned").len(),
        3,
        "nobody listens"
    );
}

#[cfg(feature = "watch")]
#[test]
fn a_watched_host_tells_by_itself() {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    let folder = Folder::with(&["hello"]);
    let later = folder.join("later");
    let host = Arc::new(folder.builder().folder(&later).scan());
    let (sender, changes) = channel();
    host.listen(move |change| sender.send(change.to_string()).expect("somebody listens"));
    let watch = host.watch().expect("the system has watches");
    let next = || {
        changes
            .recv_timeout(Duration::from_secs(60))
            .expect("the change is told")
    };
    folder.add("bonjour", "libbonjour.so");
    assert!(next().starts_with("added org.example.bonjour"));
    fs::remove_file(folder.join("libhello.so")).expect("removed");
    assert!(next().starts_with("removed org.example.hello"));
    // A folder that was not there when the watch began.
    fs::create_dir(&later).expect("made");
    fs::copy(crate::fixture("polyglot"), later.join("libpolyglot.so")).expect("copied");
    assert!(next().starts_with("added org.example.polyglot"));
    drop(watch);
    folder.add("hello", "libhello.so");
    assert_eq!(host.refresh().len(), 1, "nobody looked before");
}
