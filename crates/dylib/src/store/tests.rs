//! The rules of the store, one by one.

use super::*;

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

fn identity(inode: u64) -> Identity {
    Identity { device: 1, inode }
}

#[test]
fn each_user_counts_once_and_the_last_one_closes_what_was_opened() {
    let store = Store::new();
    assert_eq!(store.opened(7, Some(identity(1)), ANY, "first"), "first");
    assert_eq!(store.attach(identity(1), ANY), Some("first"));
    // The system opened it once more: what was known stays.
    assert_eq!(store.opened(7, Some(identity(1)), ANY, "second"), "first");
    assert_eq!(store.close(7), Closing::Used { users: 2 });
    store.release(7);
    assert_eq!(store.close(7), Closing::Close { opens: 2 });
    assert_eq!(store.attach(identity(1), ANY), None);
}

#[test]
fn letting_go_closes_nothing() {
    let store = Store::new();
    store.opened(7, Some(identity(1)), ANY, ());
    store.release(7);
    assert!(store.attach(identity(1), ANY).is_some());
    assert_eq!(store.close(7), Closing::Close { opens: 1 });
}

#[test]
fn what_is_pinned_stays() {
    let store = Store::new();
    store.opened(7, Some(identity(1)), ANY, ());
    // It was not opened to stay, so that the system has to be asked.
    assert_eq!(store.attach(identity(1), PINNED), None);
    store.opened(7, Some(identity(1)), PINNED, ());
    assert_eq!(store.attach(identity(1), PINNED), Some(()));
    for _ in 0..5 {
        assert_eq!(store.close(7), Closing::Pinned);
    }
}

#[test]
fn attaching_needs_everything_that_is_wanted() {
    let lazy = Properties {
        bound: false,
        global: false,
        pinned: false,
    };
    let global = Properties {
        bound: false,
        global: true,
        pinned: false,
    };
    let store = Store::new();
    store.opened(7, Some(identity(1)), lazy, ());
    assert_eq!(store.attach(identity(1), lazy), Some(()));
    assert_eq!(store.attach(identity(1), ANY), None);
    assert_eq!(store.attach(identity(1), global), None);
    store.opened(7, Some(identity(1)), global, ());
    assert_eq!(store.attach(identity(1), global), Some(()));
    assert_eq!(store.attach(identity(1), ANY), None);
    store.opened(7, Some(identity(1)), ANY, ());
    assert_eq!(
        store.attach(
            identity(1),
            Properties {
                bound: true,
                global: true,
                pinned: false
            }
        ),
        Some(())
    );
}

#[test]
fn two_libraries_have_nothing_to_do_with_each_other() {
    let store = Store::new();
    store.opened(7, Some(identity(1)), ANY, "one");
    store.opened(8, None, ANY, "two");
    assert_eq!(store.close(8), Closing::Close { opens: 1 });
    assert_eq!(store.attach(identity(1), ANY), Some("one"));
}

#[test]
fn a_file_that_took_the_number_of_one_that_was_closed_is_its_own() {
    let store = Store::new();
    store.opened(7, Some(identity(1)), ANY, "old");
    // A replaced file can get the number of the old one only after that is gone; a key can come back as soon.
    assert_eq!(store.close(7), Closing::Close { opens: 1 });
    assert_eq!(store.opened(7, Some(identity(1)), ANY, "new"), "new");
}
