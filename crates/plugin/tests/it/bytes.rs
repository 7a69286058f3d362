//! Bytes that say anything: what arrives over a connection is none of its type, or ends too early,
//! and is an error. And what stands beside an invalid value is let go of, however it crosses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fixture_matrix_interface::Matrix;
use plugwright_plugin::__private::Kept;
use plugwright_plugin::remote::{Invocation, Object};
use plugwright_plugin::{CallErrorKind, Interface, Portable, interface};

use crate::matrix::echo;

/// The number of a method.
fn number(name: &str) -> u32 {
    let methods = <dyn Matrix as Interface>::SHAPE.methods;
    let place = methods.iter().position(|method| method.name == name);
    place.expect("there is one").try_into().expect("few")
}

fn object() -> Object {
    echo().into_object()
}

/// A method that gives what it gets: these bytes are a value, and nothing that is shorter is.
#[track_caller]
fn valid(object: &Object, name: &str, bytes: &[u8]) {
    let call = |bytes: &[u8]| object.invoke(&Invocation::new(), number(name), bytes);
    assert_eq!(call(bytes).as_deref(), Ok(bytes), "{name}");
    for length in 0..bytes.len() {
        let error = call(&bytes[..length]).expect_err("it ends too early");
        assert_eq!(error.kind(), CallErrorKind::Invalid, "{name}: {length}");
    }
}

#[track_caller]
fn invalid(object: &Object, name: &str, bytes: &[u8], expected: &str) {
    let error = object.invoke(&Invocation::new(), number(name), bytes);
    let error = error.expect_err("it is none");
    assert_eq!(error.kind(), CallErrorKind::Invalid);
    assert_eq!(error.message(), format!("expected {expected}"), "{name}");
}

#[test]
fn values_end_where_their_bytes_do() {
    let echo = object();
    valid(&echo, "unit", &[0]);
    valid(&echo, "truth", &[1]);
    valid(&echo, "letter", &[b'a', 0, 0, 0]);
    valid(&echo, "int_u128", &[7; 16]);
    valid(&echo, "double", &[7; 8]);
    valid(&echo, "string", &[2, b'a', b'b']);
    valid(&echo, "words_owned", &[1, 1, 2, 3, 4, 5, 6, 7, 8]);
    valid(&echo, "nested", &[1, 1, 1]);
    valid(&echo, "result", &[0, 1, b'a']);
    valid(&echo, "pair", &[3, 1, b'a']);
    valid(&echo, "array", &[0, 1, b'a', 0]);
    valid(&echo, "non_zero", &[1, 0]);
    valid(&echo, "non_zeros_wide", &[1; 32]);
    valid(
        &echo,
        "duration",
        &[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xc9, 0x9a, 0x3b],
    );
    valid(&echo, "tree_map", &[2, 1, b'a', 7, 1, b'b', 7]);
    valid(&echo, "tree_set", &[1, b'a', 0, 0, 0]);
    valid(&echo, "generic_enum", &[1, 1, b'a']);
    valid(&echo, "path", &[1, 0xff]);
    valid(&echo, "empty", &[0]);
    valid(&echo, "vecs", &[2, 0, 2, 0, 1, 1, b'a']);
}

#[test]
fn bytes_that_are_no_value() {
    let echo = object();
    let check = |name, bytes: &[u8], expected| invalid(&echo, name, bytes, expected);
    check("truth", &[2], "a bool that is 0 or 1");
    check("truths", &[2, 1, 3], "a bool that is 0 or 1");
    check(
        "letter",
        &[0, 0xd8, 0, 0],
        "a char that is a Unicode scalar value",
    );
    check("option", &[2, 0, 0, 0, 0], "an Option whose tag is 0 or 1");
    check("result", &[2, 0], "a Result whose tag is 0 or 1");
    check("own_error", &[0, 9], "a Failed with a known variant");
    check("generic_enum", &[3], "a Tree with a known variant");
    check("text", &[1, 0xff], "a str that is UTF-8");
    check("string", &[1, 0xff], "a String that is UTF-8");
    check("strings", &[2, 0, 1, 0xff], "a String that is UTF-8");
    check("words_lent", &[1, 1, 0xff], "a str that is UTF-8");
    check("non_zero", &[0, 0], "a NonZero that is not 0");
    check("non_zeros_wide", &[0; 32], "a NonZero that is not 0");
    check(
        "duration",
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0xca, 0x9a, 0x3b],
        "a Duration of less than 1,000,000,000 nanoseconds",
    );
    let equal = "a map or set without equal keys";
    check("tree_map", &[2, 1, b'a', 1, 1, b'a', 2], equal);
    check("hash_map", &[2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0], equal);
    check("tree_set", &[2, b'a', 0, 0, 0, b'a', 0, 0, 0], equal);
    check("hash_set", &[2, 0, 0], equal);
    check(
        "settings",
        &[1, 0xff],
        "CBOR that serde reads as the declared type",
    );
    // A length of which nobody has so many bytes, and one of more than 64 bits.
    let long = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    for name in ["vec", "words_owned", "strings", "string", "tree_set"] {
        check(name, &[&long[..], &[1]].concat(), "more bytes");
        check(
            name,
            &[&long[..], &[2]].concat(),
            "a length of at most 64 bits",
        );
        check(
            name,
            &[&long[..], &[0x81, 0]].concat(),
            "a length of at most 64 bits",
        );
    }
    // So many elements could be there, and so many bytes for them are not.
    check("words_owned", &[2, 0, 0, 0, 0, 0, 0, 0, 0], "more bytes");
    check("words", &[2, 0, 0, 0, 0], "more bytes");
    check("increment", &[2, 0, 0], "more bytes");
}

#[interface(id = "org.example.witness", version = "1.0")]
pub(crate) trait Witness: Send + Sync {}

struct Counted(Arc<AtomicU32>);

impl Witness for Counted {}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// As a side declares it that has a `bool` where the other one has a number.
#[derive(Clone, Portable)]
struct Mine {
    mark: u8,
    witness: Arc<dyn Witness>,
}

#[derive(Clone, Portable)]
struct Theirs {
    mark: bool,
    witness: Arc<dyn Witness>,
}

/// Whatever cannot be taken over because of what stands in front of it is dropped.
#[test]
fn what_stands_behind_an_invalid_value_is_let_go_of() {
    #[track_caller]
    fn check<M: Portable, T: Portable>(give: impl Fn(&[Mine]) -> M) {
        let dropped = Arc::new(AtomicU32::new(0));
        let mine = |mark| Mine {
            mark,
            witness: Arc::new(Counted(Arc::clone(&dropped))),
        };
        {
            let _kept = Kept::when(true);
            let all = [mine(2), mine(3), mine(1)];
            let given = give(&all).into_abi();
            drop(all);
            // SAFETY: both are laid out alike, since their shapes differ in `u8` and `bool` only.
            let given = unsafe { std::mem::transmute_copy::<M::Abi, T::Abi>(&given) };
            // SAFETY: a part of it is none of its type; the rest is, and is used until the call
            // ends, which `_kept` spans.
            let error = unsafe { T::from_abi(given) }
                .map(drop)
                .expect_err("no bool");
            assert_eq!(error.to_string(), "expected a bool that is 0 or 1");
        }
        assert_eq!(dropped.load(Ordering::SeqCst), 3);
    }
    check::<Mine, Theirs>(|all| all[0].clone());
    check::<Vec<Mine>, Vec<Theirs>>(<[Mine]>::to_vec);
    check::<[Mine; 3], [Theirs; 3]>(|all| all.to_vec().try_into().ok().expect("three"));
    check::<(u8, Arc<dyn Witness>), (bool, Arc<dyn Witness>)>(|all| {
        (all[0].mark, Arc::clone(&all[0].witness))
    });
    check::<(Mine, Mine), (Theirs, Theirs)>(|all| (all[0].clone(), all[1].clone()));
    check::<Option<Vec<Mine>>, Option<Vec<Theirs>>>(|all| Some(all.to_vec()));
}

/// The same of what is lent as clones.
#[test]
fn clones_behind_an_invalid_value_are_let_go_of() {
    let dropped = Arc::new(AtomicU32::new(0));
    let mine = [2, 1, 3].map(|mark| Mine {
        mark,
        witness: Arc::new(Counted(Arc::clone(&dropped))),
    });
    let kept = Kept::when(true);
    let given = mine.as_slice().into_abi();
    // SAFETY: as above; the row lies where it is until `kept` goes.
    let error = unsafe { <&[Theirs]>::from_abi(given) }.map(drop);
    assert_eq!(
        error.expect_err("no bool").to_string(),
        "expected a bool that is 0 or 1"
    );
    drop(kept);
    assert_eq!(dropped.load(Ordering::SeqCst), 0, "the lender has its own");
    drop(mine);
    assert_eq!(dropped.load(Ordering::SeqCst), 3);
}
