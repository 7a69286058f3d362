//! A plugin that lies about its objects: what can be seen is an error, and not undefined
//! behaviour. Lies about values are in `failures`, those about tables too.

use plugwright_manifest::schema::{FieldShape, MethodShape, Scalar, Shape};
use plugwright_plugin::abi::{Failure, InterfaceTable, RawInterface, RawSlice, Reply, VtableHead};
use plugwright_plugin::{CallErrorKind, Portable, interface};

#[interface(id = "org.example.probe", version = "1.1")]
pub(crate) trait Probe: Send + Sync {
    fn first(&self) -> u32;
    fn second(&self) -> u32;
    #[since("1.1")]
    fn third(&self) -> u32 {
        self.first() + 30
    }
}

#[interface(id = "org.example.deep-probe", version = "1.0")]
pub(crate) trait Deep: Probe {
    fn depth(&self) -> u32;
}

struct Honest;

impl Probe for Honest {
    fn first(&self) -> u32 {
        1
    }
    fn second(&self) -> u32 {
        2
    }
}

impl Deep for Honest {
    fn depth(&self) -> u32 {
        3
    }
}

/// Places in a vtable, in words: the head, then the methods.
const SIZE: usize = 0;
const INTERFACE: usize = 1;
const METHODS: usize = size_of::<VtableHead>() / size_of::<usize>();

/// An honest object with a vtable that was changed.
fn lying(honest: RawInterface, change: impl FnOnce(&mut Vec<usize>)) -> RawInterface {
    let mut raw = honest;
    // SAFETY: the vtable of an honest object says how long it is.
    let words = unsafe { (*raw.object.vtable).size } / size_of::<usize>();
    let first = raw.object.vtable.cast::<usize>();
    // SAFETY: it consists of that many words.
    let mut vtable = unsafe { std::slice::from_raw_parts(first, words) }.to_vec();
    change(&mut vtable);
    raw.object.vtable = vtable.leak().as_ptr().cast();
    raw
}

fn probe() -> RawInterface {
    let object: Box<dyn Probe> = Box::new(Honest);
    object.into_abi()
}

#[track_caller]
fn check(raw: RawInterface, expected: &str) {
    // SAFETY: each object is one whose faults `from_abi` promises to see.
    let error = unsafe { <Box<dyn Probe>>::from_abi(raw) }.map(drop);
    assert_eq!(error.expect_err("must be refused").to_string(), expected);
}

#[test]
fn objects_without_parts() {
    let mut raw = probe();
    raw.object.object = std::ptr::null();
    check(raw, "expected an object and a vtable, not null");
    let mut raw = probe();
    raw.object.vtable = std::ptr::null();
    check(raw, "expected an object and a vtable, not null");
}

#[test]
fn vtables_that_are_none() {
    let raw = lying(probe(), |vtable| vtable[INTERFACE] = 0);
    check(raw, "expected a vtable that says which interface it is for");
    let short = (METHODS + 1) * size_of::<usize>();
    let raw = lying(probe(), |vtable| vtable[SIZE] = short);
    check(raw, "expected a vtable as long as its methods need");
    for method in [METHODS, METHODS + 1] {
        let raw = lying(probe(), |vtable| vtable[method] = 0);
        check(raw, "expected a vtable that has a function for each method");
    }
}

/// A later method may be absent: that is how an earlier plugin looks.
#[test]
fn a_later_method_may_be_absent() {
    let raw = lying(probe(), |vtable| vtable[METHODS + 2] = 0);
    // SAFETY: an object whose vtable lacks what may be lacking.
    let probe = unsafe { <Box<dyn Probe>>::from_abi(raw) }.expect("it fits");
    assert_eq!((probe.second(), probe.third()), (2, 31));
}

#[test]
fn a_required_interface_without_a_vtable() {
    let object: Box<dyn Deep> = Box::new(Honest);
    let raw = lying(object.into_abi(), |vtable| vtable[METHODS] = 0);
    // SAFETY: as in `check`.
    let error = unsafe { <Box<dyn Deep>>::from_abi(raw) }.map(drop);
    assert_eq!(
        error.expect_err("must be refused").to_string(),
        "expected a vtable of an interface that is required"
    );
}

#[test]
fn tables_of_other_interfaces() {
    const DECLARED: &str = "expected an object of the interface that was declared";
    let table = |change: &dyn Fn(&mut InterfaceTable)| {
        let method = |name| {
            let result = &Shape::Scalar(Scalar::U32);
            let params: &[FieldShape] = &[];
            let receiver = plugwright_manifest::schema::Receiver::Shared;
            let since = 0;
            MethodShape {
                name,
                receiver,
                params,
                result,
                since,
            }
            .fingerprint()
        };
        let fingerprints = ["first", "second", "third"].map(method).to_vec().leak();
        let mut table = InterfaceTable {
            id: RawSlice::of("org.example.probe"),
            major: 1,
            minor: 1,
            bounds: <dyn Probe as plugwright_plugin::Interface>::SHAPE
                .bounds
                .code(),
            methods: 3,
            fingerprints: fingerprints.as_ptr(),
        };
        change(&mut table);
        let table: &'static InterfaceTable = Box::leak(Box::new(table));
        lying(probe(), |vtable| {
            vtable[INTERFACE] = std::ptr::from_ref(table).expose_provenance();
        })
    };
    let honest = table(&|_| {});
    // SAFETY: nothing is wrong with it.
    let honest = unsafe { <Box<dyn Probe>>::from_abi(honest) }.expect("it fits");
    assert_eq!(honest.second(), 2);
    check(
        table(&|table| table.id = RawSlice::of("org.example.other")),
        DECLARED,
    );
    check(table(&|table| table.major = 2), DECLARED);
    check(table(&|table| table.bounds ^= 1), DECLARED);
    check(table(&|table| table.methods = 1), DECLARED);
    check(
        table(&|table| table.fingerprints = &raw const OTHER),
        DECLARED,
    );
    check(
        table(&|table| table.fingerprints = std::ptr::null()),
        DECLARED,
    );
    check(
        table(&|table| table.id.pointer = std::ptr::null()),
        DECLARED,
    );
    static OTHER: u64 = 7;
}

/// Texts of a failure that are none are empty, and its kind is one that is known.
#[test]
fn failures_that_are_none() {
    unsafe extern "C" fn release(failure: *mut Failure) {
        // SAFETY: made below, and released once.
        drop(unsafe { Box::from_raw(failure) });
    }
    let none = RawSlice {
        pointer: std::ptr::null(),
        length: 5,
    };
    let failure = Box::new(Failure {
        release,
        kind: 4_711,
        line: 0,
        column: 9,
        message: RawSlice {
            length: usize::MAX,
            ..RawSlice::of("x")
        },
        file: none,
        plugin: none,
    });
    let reply = Reply::<u32>::failed(Box::into_raw(failure));
    // SAFETY: a reply of a function that returns u32.
    let error = unsafe { reply.take::<u32>("Probe::first") }.expect_err("it failed");
    assert_eq!(error.kind(), CallErrorKind::Unknown);
    assert_eq!(
        (error.message(), error.plugin(), error.location()),
        ("", "", "")
    );
}
