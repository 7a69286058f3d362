//! Whatever can run a plugin's code later keeps its library: told by libraries that are really unmapped when nobody keeps
//! them, also by one plugin for another.

use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixture_bus_interface::{Bus, Sink};
use plugwright_dylib::{Hints, Request, Unloadable, UnmapToken, Unmapping, loaded_images};
use plugwright_host::Handle;
use plugwright_inspect::headers;
use plugwright_plugin::Interface;
use plugwright_plugin::abi::KeepAlive;
use plugwright_plugin::bind::BoundPlugin;

use crate::refusals::{in_child, is_child};
use crate::{Folder, fixture};

/// A library that is unmapped when nobody keeps it any more. Whatever ran code of it later would end the process.
struct Unmapped(Option<Unloadable>);

impl Drop for Unmapped {
    fn drop(&mut self) {
        let library = self.0.take().expect("dropped once");
        // SAFETY: nobody keeps the library, so by the rules of the boundary nothing of it is left. The fixtures have no
        // thread-local state in the calls that are made here.
        let outcome = library.unmap(unsafe { UnmapToken::new() });
        assert!(matches!(outcome, Unmapping::Unmapped), "{outcome:?}");
    }
}

pub(crate) fn is_mapped(file: &Path) -> bool {
    let images = loaded_images();
    images
        .iter()
        .any(|image| image.file.as_deref() == Some(file))
}

/// The plugin of a library that goes with who keeps it.
pub(crate) fn unmappable<T: ?Sized + Interface>(file: &Path) -> Handle<T> {
    let bytes = std::fs::read(file).expect("readable");
    let mut images = headers(bytes.as_slice(), None).images.into_iter();
    let record = images.next().expect("one image").image.records.remove(0);
    // SAFETY: the fixture has harmless constructors.
    let library = unsafe { Unloadable::open(&Request::path(file), Hints::new()) };
    let library = library.expect("it loads");
    let symbol = std::ffi::CString::new(record.summary.entry()).expect("no NUL");
    let entry = library.data::<c_void>(&symbol).expect("it is exported");
    let keep = KeepAlive::new(Arc::new(Unmapped(Some(library))));
    // SAFETY: the record is that of this very library, which was built with this SDK, and which stays while it is kept.
    let plugin = unsafe { BoundPlugin::bind(entry, keep, &record.summary, Arc::new(())) };
    let plugin = plugin.expect("the table agrees");
    plugin.create(None, None).expect("it fits")
}

/// Two plugins that know nothing of each other: the same library twice, in files of its own.
struct Line {
    first: Option<Handle<dyn Bus>>,
    second: Handle<dyn Bus>,
    files: [PathBuf; 2],
    _folder: Folder,
}

impl Line {
    fn new() -> Self {
        let folder = Folder::new();
        let bytes = std::fs::read(fixture("bus")).expect("readable");
        let files = ["libfirst.so", "libsecond.so"].map(|name| {
            folder.write(name, &bytes);
            folder.path().join(name)
        });
        Self {
            first: Some(unmappable(&files[0])),
            second: unmappable(&files[1]),
            files,
            _folder: folder,
        }
    }

    fn first(&self) -> &Handle<dyn Bus> {
        self.first.as_ref().expect("it was not dropped yet")
    }

    fn is_first_mapped(&self) -> bool {
        is_mapped(&self.files[0])
    }

    /// The first plugin's object is dropped, and its library stays.
    #[track_caller]
    fn first_goes(&mut self) {
        self.first = None;
        assert!(self.is_first_mapped());
    }

    /// Nobody keeps either library.
    #[track_caller]
    fn ends(self) {
        assert!(!self.is_first_mapped());
        drop(self.second);
        assert!(!is_mapped(&self.files[1]));
    }
}

/// Runs a test in a process of its own, which a fault would end.
fn alone(name: &str, test: impl FnOnce(Line)) {
    if is_child() {
        test(Line::new());
    } else {
        in_child(&format!("keep_alive::{name}"), &Folder::new().join("mark"));
    }
}

#[test]
fn a_handle_and_its_clones_keep_their_library() {
    alone("a_handle_and_its_clones_keep_their_library", |mut line| {
        let clone = line.first().clone();
        line.first_goes();
        assert_eq!(clone.publish("nobody hears it"), 0);
        assert_eq!(clone.close(), Ok(()));
        line.ends();
    });
}

#[test]
fn an_object_keeps_its_library() {
    alone("an_object_keeps_its_library", |mut line| {
        let sink = line.first().own_sink();
        line.first_goes();
        assert_eq!(sink.put("four"), 4);
        drop(sink);
        line.ends();
    });
}

#[test]
fn an_object_in_another_plugin_keeps_its_library() {
    alone(
        "an_object_in_another_plugin_keeps_its_library",
        |mut line| {
            line.second.subscribe(line.first().own_sink());
            line.first_goes();
            assert_eq!(line.second.publish("four"), 4);
            line.second.clear();
            line.ends();
        },
    );
}

#[test]
fn a_shared_object_in_another_plugin_keeps_its_library() {
    alone(
        "a_shared_object_in_another_plugin_keeps_its_library",
        |mut line| {
            let sink = line.first().shared_sink();
            line.second.share(Arc::clone(&sink));
            let back = line.second.pass(sink);
            line.first_goes();
            assert_eq!((line.second.publish("four"), back.put("three")), (4, 5));
            drop(back);
            assert!(line.is_first_mapped());
            assert_eq!(line.second.publish("four"), 4);
            line.second.clear();
            line.ends();
        },
    );
}

/// A plugin's object in another plugin, which keeps it until it goes itself.
#[test]
fn plugins_that_keep_each_other_go_together() {
    alone("plugins_that_keep_each_other_go_together", |mut line| {
        line.first().subscribe(line.second.own_sink());
        line.second.subscribe(line.first().own_sink());
        line.first_goes();
        line.second.clear();
        line.ends();
    });
}

#[test]
fn a_buffer_keeps_its_library() {
    alone("a_buffer_keeps_its_library", |mut line| {
        let ticket = line.first().ticket();
        line.second.keep(line.first().ticket());
        line.first_goes();
        assert_eq!(&*ticket, b"one way");
        drop(ticket);
        assert!(line.is_first_mapped());
        line.second.clear();
        line.ends();
    });
}

/// The host's own object goes through a plugin that is gone when it comes home.
#[test]
fn what_came_home_keeps_nobodys_library() {
    alone("what_came_home_keeps_nobodys_library", |mut line| {
        struct Long;
        impl Sink for Long {
            fn put(&self, _: &str) -> u32 {
                100
            }
        }
        let sink: Arc<dyn Sink> = Arc::new(Long);
        let back = line.first().pass(line.second.pass(Arc::clone(&sink)));
        assert!(Arc::ptr_eq(&sink, &back));
        line.first = None;
        assert_eq!(back.put(""), 100);
        line.ends();
    });
}
