//! Acting between the steps of a load: after each of them, the plugin's file becomes another one, whose constructor would leave a
//! mark.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use plugwright_host::pipeline::Loaded;
use plugwright_host::{Host, InProcess, Policy, Refusal, RefusalKind};
use plugwright_trust::Source;

use super::{Ran, in_child, is_child, users};
use crate::{Folder, fixture};

/// The steps after which somebody can act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Scan,
    Inspect,
    Resolve,
    Judge,
    Plan,
}

/// Walks the only plugin of a folder through the steps, from a sealed copy, and acts after one of them.
pub(super) fn walk(
    folder: &Path,
    policy: &Policy,
    when: After,
    act: impl FnOnce(),
) -> Result<Loaded, Refusal> {
    let mut act = Some(act);
    let mut after = |step| {
        if step == when
            && let Some(act) = act.take()
        {
            act();
        }
    };
    let host = Host::builder(policy.clone()).folder(folder).scan();
    let plugin = host.plugins().next().expect("one plugin");
    let candidate = plugin.candidate().expect("in a file");
    after(After::Scan);
    let inspected = candidate.inspect(std::slice::from_ref(plugin.record()), policy, None)?;
    after(After::Inspect);
    let resolved = inspected.resolve()?;
    after(After::Resolve);
    let judged = resolved.judge(policy)?;
    after(After::Judge);
    // SAFETY: these are the project's own fixtures.
    let planned = judged.plan(Some(unsafe { InProcess::trust_plugins() }))?;
    after(After::Plan);
    planned.load()
}

pub(super) fn sealed() -> Policy {
    Policy::developer().with_sources([Source::Sealed])
}

const HELD: [After; 4] = [After::Inspect, After::Resolve, After::Judge, After::Plan];

#[test]
fn a_file_that_is_replaced_between_the_steps() {
    let name = "steps::a_file_that_is_replaced_between_the_steps";
    in_child(name, Ran::No, || {
        for when in HELD {
            let folder = Folder::with(&["hello"]);
            let path = folder.join("libhello.so");
            let replace = || {
                fs::copy(fixture("marker"), folder.join("new")).expect("copied");
                fs::rename(folder.join("new"), &path).expect("replaced");
            };
            walk(folder.path(), &sealed(), when, replace).expect("what was held is loaded");
        }
    });
}

#[test]
fn a_file_that_is_overwritten_in_place_between_the_steps() {
    let name = "steps::a_file_that_is_overwritten_in_place_between_the_steps";
    in_child(name, Ran::No, || {
        let marker = fs::read(fixture("marker")).expect("readable");
        for when in HELD {
            let folder = Folder::with(&["hello"]);
            let path = folder.join("libhello.so");
            let overwrite = || {
                let file = fs::File::options().write(true).open(&path).expect("ours");
                file.write_all_at(&marker, 0).expect("written");
            };
            walk(folder.path(), &sealed(), when, overwrite).expect("what was held is loaded");
        }
    });
}

#[test]
fn a_file_that_is_cut_short_between_the_steps() {
    let name = "steps::a_file_that_is_cut_short_between_the_steps";
    in_child(name, Ran::No, || {
        for when in HELD {
            let folder = Folder::with(&["hello"]);
            let path = folder.join("libhello.so");
            let cut = || {
                let file = fs::File::options().write(true).open(&path);
                file.and_then(|file| file.set_len(100)).expect("ours");
            };
            walk(folder.path(), &sealed(), when, cut).expect("what was held is loaded");
        }
    });
}

#[test]
fn a_folder_that_is_swapped_between_the_steps() {
    let name = "steps::a_folder_that_is_swapped_between_the_steps";
    in_child(name, Ran::No, || {
        for when in HELD {
            let above = Folder::new();
            let plugins = above.join("plugins");
            fs::create_dir(&plugins).expect("made");
            fs::copy(fixture("hello"), plugins.join("libhello.so")).expect("copied");
            let swap = || {
                fs::rename(&plugins, above.join("aside")).expect("renamed");
                fs::create_dir(&plugins).expect("made");
                fs::copy(fixture("marker"), plugins.join("libhello.so")).expect("copied");
            };
            walk(&plugins, &sealed(), when, swap).expect("what was held is loaded");
        }
    });
}

/// What the scan said is advice: the file is read anew, and says something else.
#[test]
fn a_file_that_is_replaced_after_the_scan() {
    let name = "steps::a_file_that_is_replaced_after_the_scan";
    in_child(name, Ran::No, || {
        let folder = Folder::with(&["hello"]);
        let path = folder.join("libhello.so");
        let replace = || {
            fs::copy(fixture("marker"), &path).expect("copied");
        };
        let refused = walk(folder.path(), &sealed(), After::Scan, replace).expect_err("changed");
        assert!(matches!(refused.kind(), RefusalKind::Changed), "{refused}");
    });
}

/// How many processes load, and how often each: a library stays for ever, and one process has room for so many only. A whole run,
/// of ten thousand loads, takes minutes.
fn loads() -> (usize, usize) {
    let whole = std::env::var_os("PLUGWRIGHT_WHOLE").is_some();
    // Each is done by every user of the suite.
    if whole {
        (20 / users().len(), 500)
    } else {
        (1, 50)
    }
}

/// While one thread swaps the folder for another one, by renaming, the other scans and loads. Whatever it meets, nothing runs that
/// the policy did not see: it knows the good plugin's bytes only.
#[test]
fn a_folder_that_is_swapped_in_a_loop() {
    let (processes, loads) = loads();
    let processes = if is_child() { 1 } else { processes };
    for _ in 0..processes {
        in_child("steps::a_folder_that_is_swapped_in_a_loop", Ran::No, || {
            swap_and_load(loads);
        });
    }
}

/// Tells the other thread to end, also when this one fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn swap_and_load(loads: usize) {
    let above = Folder::new();
    let (plugins, evil, aside) = (
        above.join("plugins"),
        above.join("evil"),
        above.join("aside"),
    );
    for (folder, fixture_name) in [(&plugins, "hello"), (&evil, "marker")] {
        fs::create_dir(folder).expect("made");
        fs::copy(fixture(fixture_name), folder.join("libhello.so")).expect("copied");
    }
    let good = super::digest(&fixture("hello"));
    let policy = sealed()
        .with_unpinned(plugwright_trust::Unpinned::Refused)
        .with_pin("org.example.hello", good);
    let done = AtomicBool::new(false);
    let (mut loaded, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::rename(&plugins, &aside).expect("renamed");
                fs::rename(&evil, &plugins).expect("renamed");
                fs::rename(&plugins, &evil).expect("renamed");
                fs::rename(&aside, &plugins).expect("renamed");
            }
        });
        let _ends = Done(&done);
        // The good plugin is there half of the time.
        while loaded < loads && refused < 2_000 * loads {
            let host = Host::builder(policy.clone()).folder(&plugins).scan();
            let Some(plugin) = host.plugins().next() else {
                refused += 1;
                continue;
            };
            let candidate = plugin.candidate().expect("in a file");
            let records = std::slice::from_ref(plugin.record());
            // SAFETY: these are the project's own fixtures.
            let permission = unsafe { InProcess::trust_plugins() };
            let outcome = candidate
                .inspect(records, &policy, None)
                .and_then(|inspected| inspected.resolve())
                .and_then(|resolved| resolved.judge(&policy))
                .and_then(|judged| judged.plan(Some(permission)));
            match outcome {
                Ok(planned) => {
                    planned.load().expect("what was held is loaded");
                    loaded += 1;
                }
                Err(_) => refused += 1,
            }
        }
    });
    assert_eq!(loaded, loads, "{refused} refusals");
}
