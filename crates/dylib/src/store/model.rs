//! Every interleaving of opening, attaching, letting go and closing, with a stand-in for the dynamic linker.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p plugwright-dylib --lib --release store::model` and a target folder of its
//! own.

use super::*;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

const ANY: Properties = Properties {
    bound: true,
    global: false,
    pinned: false,
};
const PINNED: Properties = Properties {
    bound: true,
    global: false,
    pinned: true,
};
const IDENTITY: Identity = Identity {
    device: 1,
    inode: 1,
};
const KEY: Key = 7;

/// The system: a count for one library, which is mapped while the count is not 0.
struct Linker {
    count: AtomicUsize,
    pinned: AtomicUsize,
}

impl Linker {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            count: AtomicUsize::new(0),
            pinned: AtomicUsize::new(0),
        })
    }

    fn open(&self, wanted: Properties) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if wanted.pinned {
            self.pinned.store(1, Ordering::SeqCst);
        }
    }

    fn close(&self) {
        assert!(
            self.count.fetch_sub(1, Ordering::SeqCst) > 0,
            "closed more often than opened"
        );
    }

    fn mapped(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0 || self.pinned.load(Ordering::SeqCst) > 0
    }
}

/// What `Library::open` does, in the same order.
fn open(store: &Store<()>, linker: &Linker, wanted: Properties) {
    if store.attach(IDENTITY, wanted).is_none() {
        linker.open(wanted);
        store.opened(KEY, Some(IDENTITY), wanted, ());
    }
    // Whoever has it open can use it.
    assert!(linker.mapped(), "in use and not mapped");
}

/// What `Unloadable::unmap` does, in the same order.
fn unmap(store: &Store<()>, linker: &Linker) -> bool {
    match store.close(KEY) {
        Closing::Close { opens } => {
            for _ in 0..opens {
                linker.close();
            }
            true
        }
        Closing::Pinned | Closing::Used { .. } => false,
    }
}

#[test]
fn nothing_is_closed_while_it_is_used_and_all_is_closed_at_the_end() {
    loom::model(|| {
        let (store, linker) = (Arc::new(Store::new()), Linker::new());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (store, linker) = (store.clone(), linker.clone());
                thread::spawn(move || {
                    open(&store, &linker, ANY);
                    thread::yield_now();
                    assert!(linker.mapped(), "in use and not mapped");
                    unmap(&store, &linker)
                })
            })
            .collect();
        let closed = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .filter(|closed| *closed)
            .count();
        assert!(closed >= 1, "the last user closes");
        assert!(!linker.mapped());
        assert_eq!(store.attach(IDENTITY, ANY), None);
    });
}

#[test]
fn what_one_thread_pins_no_other_thread_closes() {
    loom::model(|| {
        let (store, linker) = (Arc::new(Store::new()), Linker::new());
        let pinning = {
            let (store, linker) = (store.clone(), linker.clone());
            thread::spawn(move || open(&store, &linker, PINNED))
        };
        open(&store, &linker, ANY);
        unmap(&store, &linker);
        pinning.join().unwrap();
        assert!(linker.mapped());
        assert!(store.attach(IDENTITY, PINNED).is_some());
    });
}

#[test]
fn a_user_who_lets_go_leaves_the_library_to_the_next() {
    loom::model(|| {
        let (store, linker) = (Arc::new(Store::new()), Linker::new());
        open(&store, &linker, ANY);
        let other = {
            let (store, linker) = (store.clone(), linker.clone());
            thread::spawn(move || {
                open(&store, &linker, ANY);
                unmap(&store, &linker)
            })
        };
        store.release(KEY);
        let closed = other.join().unwrap();
        // Closed by the other thread if that was last, and still there for anybody else if not.
        assert_eq!(linker.mapped(), !closed);
        assert_eq!(store.attach(IDENTITY, ANY).is_some(), !closed);
    });
}
