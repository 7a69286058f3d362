//! A plugin that lies about its objects: what can be seen is an error, and not undefined
//! behaviour. Lies about values are in `failures`, those about tables too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use plugwright_manifest::schema::{FieldShape, MethodShape, Scalar, Shape};
use plugwright_plugin::abi::{
    Failure, InterfaceTable, InvokeContext, KeepAlive, RawBuffer, RawInterface, RawLink, RawSlice,
    RawVec, Reply, VtableHead,
};
use plugwright_plugin::{Buffer, CallErrorKind, Portable, interface};

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
            MethodShape::new(name, receiver, params, result, since).fingerprint()
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
    // One of the first version is not there, or one of the version that it says it is of.
    check(table(&|table| table.methods = 1), DECLARED);
    check(table(&|table| table.methods = 2), DECLARED);
    for method in 0..3 {
        let changed = table(&|table| {
            // SAFETY: the table has so many fingerprints.
            let honest = unsafe { std::slice::from_raw_parts(table.fingerprints, 3) };
            let mut changed = honest.to_vec();
            changed[method] ^= 1;
            table.fingerprints = changed.leak().as_ptr();
        });
        check(changed, DECLARED);
    }
    check(
        table(&|table| table.fingerprints = std::ptr::null()),
        DECLARED,
    );
    check(
        table(&|table| table.fingerprints = table.fingerprints.wrapping_byte_add(1)),
        DECLARED,
    );
    check(
        table(&|table| table.id.pointer = std::ptr::null()),
        DECLARED,
    );
    check(table(&|table| table.id.length = usize::MAX), DECLARED);
    // One of the first version is as long as that is, and no longer.
    let first = |size| {
        let raw = table(&|table| (table.minor, table.methods) = (0, 2));
        lying(raw, |vtable| vtable[SIZE] = size)
    };
    let size = (METHODS + 2) * size_of::<usize>();
    check(
        first(size + 1),
        "expected a vtable as long as its methods need",
    );
    // SAFETY: nothing is wrong with it.
    let earlier = unsafe { <Box<dyn Probe>>::from_abi(first(size)) }.expect("it fits");
    assert_eq!((earlier.second(), earlier.third()), (2, 31));
}

/// A table of a version between the first and the last has the methods of that, and no fewer.
#[test]
fn a_table_of_a_version_between() {
    #[interface(id = "org.example.stepped-probe", version = "1.2")]
    trait Stepped: Send + Sync {
        fn one(&self) -> u32;
        #[since("1.1")]
        fn two(&self) -> u32 {
            2
        }
        #[since("1.2")]
        fn three(&self) -> u32 {
            3
        }
    }
    impl Stepped for Honest {
        fn one(&self) -> u32 {
            1
        }
    }
    let told = |minor: u16, methods: u16| {
        let object: Box<dyn Stepped> = Box::new(Honest);
        let raw = object.into_abi();
        // SAFETY: the vtable of an honest object says which interface it is for.
        let table = unsafe { (*raw.object.vtable).interface };
        // SAFETY: as above.
        let table = unsafe { &*table };
        let table = Box::leak(Box::new(InterfaceTable {
            minor,
            methods,
            ..*table
        }));
        let raw = lying(raw, |vtable| {
            vtable[INTERFACE] = std::ptr::from_ref(table).expose_provenance();
            vtable[SIZE] = (METHODS + usize::from(methods)) * size_of::<usize>();
        });
        // SAFETY: the fault, if any, is one that is seen.
        unsafe { <Box<dyn Stepped>>::from_abi(raw) }.map(|stepped| stepped.one() + stepped.three())
    };
    assert_eq!(told(0, 1).map_err(|error| error.to_string()), Ok(4));
    assert_eq!(told(1, 2).map_err(|error| error.to_string()), Ok(4));
    assert_eq!(
        told(1, 1).map_err(|error| error.to_string()),
        Err("expected an object of the interface that was declared".to_owned())
    );
}

/// What has no methods needs no fingerprints.
#[test]
fn a_table_without_methods() {
    #[interface(id = "org.example.bare-probe", version = "1.0")]
    trait Bare: Send + Sync {}
    impl Bare for Honest {}
    let object: Box<dyn Bare> = Box::new(Honest);
    let table = InterfaceTable {
        id: RawSlice::of("org.example.bare-probe"),
        major: 1,
        minor: 0,
        bounds: <dyn Bare as plugwright_plugin::Interface>::SHAPE
            .bounds
            .code(),
        methods: 0,
        fingerprints: std::ptr::null(),
    };
    let table: &'static InterfaceTable = Box::leak(Box::new(table));
    let raw = lying(object.into_abi(), |vtable| {
        vtable[INTERFACE] = std::ptr::from_ref(table).expose_provenance();
    });
    // SAFETY: nothing is wrong with it.
    assert!(unsafe { <Box<dyn Bare>>::from_abi(raw) }.is_ok());
}

/// An object that is refused goes, and so does what kept its library.
#[test]
fn an_object_that_is_refused_is_let_go_of() {
    struct Counted {
        _alive: Arc<()>,
    }
    impl Probe for Counted {
        fn first(&self) -> u32 {
            1
        }
        fn second(&self) -> u32 {
            2
        }
    }
    let (alive, kept) = (Arc::new(()), Arc::new(()));
    let object: Box<dyn Probe> = Box::new(Counted {
        _alive: Arc::clone(&alive),
    });
    let mut raw = lying(object.into_abi(), |vtable| vtable[METHODS] = 0);
    raw.keep = KeepAlive::new(Arc::clone(&kept)).into_raw();
    check(raw, "expected a vtable that has a function for each method");
    assert_eq!(
        (Arc::strong_count(&alive), Arc::strong_count(&kept)),
        (1, 1)
    );
}

/// Texts of a failure that are none are empty, and its kind is one that is known. Whatever it is,
/// it goes back to who made it, once.
#[test]
fn failures_that_are_none() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C" fn release(failure: *mut Failure) {
        RELEASED.fetch_add(1, Ordering::SeqCst);
        // SAFETY: made below, and released once.
        drop(unsafe { Box::from_raw(failure) });
    }
    let none = RawSlice {
        pointer: std::ptr::null(),
        length: 5,
    };
    let failure = Box::new(Failure {
        release: Some(release),
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
    assert_eq!(RELEASED.load(Ordering::SeqCst), 1);
    assert_eq!(error.kind(), CallErrorKind::Unknown);
    assert_eq!(
        (error.message(), error.plugin(), error.location()),
        ("", "", "")
    );
}

/// Functions that are to be called later and that are not there are seen when the value arrives.
#[test]
fn values_without_their_functions() {
    #[track_caller]
    fn check<T: Portable>(abi: T::Abi, expected: &str) {
        // SAFETY: each value is one whose faults `from_abi` promises to see.
        let error = unsafe { T::from_abi(abi) }.map(drop);
        assert_eq!(error.expect_err("must be refused").to_string(), expected);
    }
    const FREED: &str = "expected a vector with a function that frees it";
    const KEPT: &str = "expected what keeps a library, with both functions";
    let unfreed = |mut raw: RawVec| {
        raw.release = None;
        raw
    };
    check::<Vec<u8>>(unfreed(vec![1_u8].into_abi()), FREED);
    check::<Vec<String>>(unfreed(vec![String::new()].into_abi()), FREED);
    check::<String>(unfreed("text".to_owned().into_abi()), FREED);
    check::<std::path::PathBuf>(unfreed(std::path::PathBuf::from("a").into_abi()), FREED);
    check::<std::collections::BTreeSet<u8>>(unfreed(vec![1_u8].into_abi()), FREED);
    let buffer = |change: fn(&mut RawBuffer)| {
        let mut raw = Buffer::from(vec![1]).into_abi();
        change(&mut raw);
        raw
    };
    check::<Buffer>(buffer(|raw| raw.bytes.release = None), FREED);
    check::<Buffer>(
        buffer(|raw| raw.bytes.pointer = std::ptr::null_mut()),
        "expected a Buffer with a pointer and a possible length",
    );
    check::<Buffer>(
        buffer(|raw| raw.bytes.length = usize::MAX),
        "expected a Buffer with a pointer and a possible length",
    );
    check::<Buffer>(buffer(|raw| raw.keep.retain = None), KEPT);
    check::<Buffer>(buffer(|raw| raw.keep.release = None), KEPT);
    let object = |change: fn(&mut RawInterface)| {
        let mut raw = probe();
        change(&mut raw);
        raw
    };
    check::<Box<dyn Probe>>(object(|raw| raw.keep.retain = None), KEPT);
    check::<Box<dyn Probe>>(object(|raw| raw.keep.release = None), KEPT);
}

/// The front of a vtable is looked at before anything of it is called.
#[test]
fn heads_that_are_none() {
    const HEAD: &str = "expected a vtable that begins with its head";
    const RETAIN: usize = 3;
    const RELEASE: usize = 4;
    check(lying(probe(), |vtable| vtable[RETAIN] = 0), HEAD);
    check(lying(probe(), |vtable| vtable[RELEASE] = 0), HEAD);
    check(
        lying(probe(), |vtable| vtable[SIZE] = size_of::<usize>()),
        HEAD,
    );
    let mut raw = probe();
    raw.object.vtable = raw.object.vtable.wrapping_byte_add(1);
    check(raw, HEAD);
    let raw = lying(probe(), |vtable| vtable[INTERFACE] += 1);
    check(raw, "expected a vtable that says which interface it is for");
}

#[test]
fn failures_that_cannot_be_released() {
    let askew = Reply::<u32>::failed(std::ptr::without_provenance_mut(3));
    // SAFETY: it is one whose fault `take` promises to see.
    let error = unsafe { askew.take::<u32>("Probe::first") }.expect_err("it failed");
    assert_eq!(
        (error.kind(), error.message()),
        (CallErrorKind::Invalid, "expected a failure, or null")
    );
    let unreleased = Box::leak(Box::new(Failure {
        release: None,
        kind: CallErrorKind::Stopped as u32,
        line: 0,
        column: 0,
        message: RawSlice::of("still told"),
        file: RawSlice::of(""),
        plugin: RawSlice::of(""),
    }));
    // SAFETY: as above.
    let error = unsafe { Reply::<u32>::failed(unreleased).take::<u32>("") }.expect_err("it failed");
    assert_eq!(
        (error.kind(), error.message()),
        (CallErrorKind::Stopped, "still told")
    );
}

/// A call by number whose context, connection or place for the answer is none.
#[test]
fn calls_by_number_in_what_is_none() {
    unsafe extern "C" fn never(_: *const ()) -> u8 {
        0
    }
    fn whole() -> InvokeContext {
        InvokeContext {
            size: size_of::<InvokeContext>(),
            link: std::ptr::null(),
            time_left: u64::MAX,
            context: std::ptr::null(),
            cancelled: Some(never),
        }
    }
    let raw = probe();
    // SAFETY: every vtable begins with its head.
    let invoke = unsafe { (*raw.object.vtable).invoke }.expect("made by the SDK");
    let called = |context: *const InvokeContext| {
        let mut output = std::mem::MaybeUninit::<RawVec>::uninit();
        let input = RawSlice::of("");
        // SAFETY: the object is whole, and each context one whose faults `invoke` promises to see.
        let status = unsafe { invoke(raw.object.object, context, 0, input, output.as_mut_ptr()) };
        // SAFETY: it is always written.
        let output = unsafe { output.assume_init() };
        // SAFETY: as a vector that is owned here.
        let output = unsafe { Vec::<u8>::from_abi(output) }.expect("a vector");
        if status == 0 {
            return Ok(output);
        }
        let error = plugwright_plugin::CallError::from_bytes(&output);
        assert_eq!(
            (error.kind(), status),
            (CallErrorKind::Invalid, CallErrorKind::Invalid as u32)
        );
        Err(error.message().to_owned())
    };
    assert_eq!(
        called(&raw const *Box::leak(Box::new(whole()))),
        Ok(vec![1, 0, 0, 0])
    );
    let refused = |context: *const InvokeContext, expected: &str| {
        assert_eq!(called(context), Err(format!("expected {expected}")));
    };
    const WHOLE: &str = "what a call by number is made in, whole";
    refused(std::ptr::null(), WHOLE);
    let context = whole();
    refused((&raw const context).wrapping_byte_add(1), WHOLE);
    refused(
        &raw const *Box::leak(Box::new(InvokeContext { size: 8, ..whole() })),
        WHOLE,
    );
    let without = InvokeContext {
        cancelled: None,
        ..whole()
    };
    refused(&raw const without, WHOLE);
    // A connection as words, with one of its functions missing.
    let words = size_of::<RawLink>() / size_of::<usize>();
    for missing in 0..words {
        let mut link = vec![1_usize; words];
        link[0] = size_of::<RawLink>();
        link[missing] = 0;
        let context = InvokeContext {
            link: link.as_ptr().cast(),
            ..whole()
        };
        // The second word is the context of what keeps the connection: that may be null.
        if missing != 1 {
            refused(&raw const context, "a connection with all its functions");
        }
    }
    // Without a place for the answer only the kind is told.
    let null = std::ptr::null_mut();
    // SAFETY: as above.
    let status = unsafe {
        invoke(
            raw.object.object,
            std::ptr::null(),
            0,
            RawSlice::of(""),
            null,
        )
    };
    assert_eq!(status, CallErrorKind::Invalid as u32);
    // SAFETY: it is owned, and given up here.
    drop(unsafe { <Box<dyn Probe>>::from_abi(raw) });
}
