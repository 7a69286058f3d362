//! A failure of a call has a channel, and nothing of it gets out otherwise.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use plugwright_plugin::abi::{Entry, KeepAlive, RawBuffer, RawSlice, RawSliceMut, RawVec, Reply};
use plugwright_plugin::bind::{BindError, CreateError};
use plugwright_plugin::{
    Buffer, CallError, CallErrorKind, Handle, Interface, Portable, interface, plugin,
};

use crate::{create, summary_of, try_bind};

#[derive(Debug, PartialEq, Portable)]
pub(crate) enum Error {
    Call(CallError),
    Own,
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

#[interface(id = "org.example.faulty", version = "2.1")]
pub(crate) trait Faulty: Send + Sync {
    fn number(&self, fail: bool) -> u32;
    fn lifted(&self, fail: bool) -> Result<u32, Error>;
    fn unlifted(&self, fail: bool) -> Result<u32, String>;
    fn formatted(&self, what: &str);
    fn odd_payload(&self);
    fn text(&self, value: &str, kept: String) -> u32;
    fn untouched(&self) -> u32 {
        11
    }
}

#[plugin(id = "org.example.faults", provides(Faulty))]
#[derive(Default)]
pub(crate) struct Faults;

impl Faulty for Faults {
    fn number(&self, fail: bool) -> u32 {
        assert!(!fail, "asked to fail");
        7
    }

    fn lifted(&self, fail: bool) -> Result<u32, Error> {
        if fail {
            Err(Error::Own)
        } else {
            Ok(self.number(true))
        }
    }

    fn unlifted(&self, fail: bool) -> Result<u32, String> {
        Ok(self.number(fail))
    }

    fn formatted(&self, what: &str) {
        panic!("no {what}");
    }

    fn odd_payload(&self) {
        /// Its destructor panics with another of its kind, for ever.
        struct PanicsAgain;
        impl Drop for PanicsAgain {
            fn drop(&mut self) {
                std::panic::panic_any(Self);
            }
        }
        std::panic::panic_any(PanicsAgain);
    }

    fn text(&self, _value: &str, _kept: String) -> u32 {
        1
    }
}

#[plugin(id = "org.example.stillborn", provides(Faulty))]
pub(crate) struct Stillborn;

impl Default for Stillborn {
    fn default() -> Self {
        panic!("cannot be made");
    }
}

impl Faulty for Stillborn {
    fn number(&self, _: bool) -> u32 {
        0
    }
    fn lifted(&self, _: bool) -> Result<u32, Error> {
        Ok(0)
    }
    fn unlifted(&self, _: bool) -> Result<u32, String> {
        Ok(0)
    }
    fn formatted(&self, _: &str) {}
    fn odd_payload(&self) {}
    fn text(&self, _: &str, _: String) -> u32 {
        0
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_faults_fd64c47c"]
    fn faults(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;

    #[link_name = "plugwright_entry_org_example_stillborn_f8771952"]
    fn stillborn(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const FAULTS: Entry = faults;

pub(crate) fn faulty() -> Handle<dyn Faulty> {
    create(FAULTS, &summary_of!("org.example.faults", dyn Faulty))
}

#[track_caller]
fn check_panicked(error: &CallError, method: &str, message: &str) {
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.plugin(), "org.example.faults");
    assert_eq!(error.method(), method);
    assert_eq!(error.message(), message);
    // The plugin is linked into this very program, whose own panic hook stays in place.
    assert_eq!(error.location(), "");
}

#[test]
fn a_panic_is_a_value_of_the_try_form() {
    let handle = faulty();
    assert_eq!(handle.try_number(false), Ok(7));
    let error = handle.try_number(true).expect_err("panics");
    check_panicked(&error, "Faulty::number", "asked to fail");
}

#[test]
fn a_panicked_object_is_poisoned() {
    let handle = faulty();
    let clone = handle.clone();
    handle.try_formatted("luck").expect_err("panics");
    let error = clone.try_number(false).expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
    assert_eq!(
        error.to_string(),
        "plugin org.example.faults is poisoned by an earlier panic in Faulty::number"
    );
    assert_eq!(faulty().number(false), 7, "another object is not");
}

#[test]
fn a_panic_is_the_methods_own_error_where_it_can_be() {
    let handle = faulty();
    assert_eq!(handle.lifted(true), Err(Error::Own));
    let Err(Error::Call(error)) = handle.lifted(false) else {
        panic!("the panic did not arrive as the error");
    };
    check_panicked(&error, "Faulty::lifted", "asked to fail");
}

#[test]
fn a_panic_is_a_panic_of_the_host_otherwise() {
    for method in [
        |handle: &dyn Faulty| assert_eq!(handle.number(true), 0),
        |handle: &dyn Faulty| drop(handle.unlifted(true)),
        |handle: &dyn Faulty| handle.formatted("luck"),
    ] {
        let handle = faulty();
        let payload = catch_unwind(AssertUnwindSafe(|| method(&handle))).expect_err("panics");
        let error = payload.downcast::<CallError>().expect("the call's error");
        assert_eq!(error.kind(), CallErrorKind::Panicked);
    }
}

#[test]
fn messages_are_formatted() {
    let error = faulty().try_formatted("luck").expect_err("panics");
    check_panicked(&error, "Faulty::formatted", "no luck");
    assert_eq!(
        error.to_string(),
        "plugin org.example.faults panicked in Faulty::formatted: no luck"
    );
}

#[test]
fn a_payload_that_panics_again_is_contained() {
    let error = faulty().try_odd_payload().expect_err("panics");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
}

#[test]
fn default_bodies_run_in_the_plugin() {
    assert_eq!(faulty().untouched(), 11);
}

#[test]
fn a_constructor_that_panics() {
    let plugin = try_bind(stillborn, &summary_of!("org.example.stillborn", dyn Faulty))
        .expect("the table agrees");
    let error = plugin.create::<dyn Faulty>(None, None).expect_err("panics");
    let text = error.to_string();
    assert!(
        text.starts_with(
            "the plugin's object was not made: plugin org.example.stillborn panicked in new"
        ),
        "{text}"
    );
    assert!(text.ends_with(": cannot be made"), "{text}");
}

#[interface(id = "org.example.faulty", version = "2.1")]
pub(crate) trait Newer: Send + Sync {
    fn number(&self, fail: u8) -> u32;
}

#[interface(id = "org.example.elsewhere", version = "1.0")]
pub(crate) trait Elsewhere {
    fn number(&self) -> u32;
}

#[test]
fn an_interface_that_does_not_fit_is_refused() {
    let plugin = try_bind(FAULTS, &summary_of!("org.example.faults", dyn Faulty)).expect("agrees");
    let error = plugin
        .create::<dyn Newer>(None, None)
        .expect_err("another signature");
    assert_eq!(
        error.to_string(),
        "the plugin and the host both have org.example.faulty 2.1, and yet they differ: method `number`: the host \
         has `fn number(&self, fail: u8) -> u32`, the plugin another signature"
    );
    let error = plugin
        .create::<dyn Elsewhere>(None, None)
        .expect_err("not provided");
    assert_eq!(
        error,
        CreateError::NotProvided {
            interface: "org.example.elsewhere"
        }
    );
}

#[test]
fn a_table_that_disagrees_with_the_manifest_is_refused() {
    let error = try_bind(FAULTS, &summary_of!("org.example.other", dyn Faulty)).expect_err("lies");
    assert_eq!(
        error.to_string(),
        "the plugin's id is org.example.faults in memory, but its manifest says \
         org.example.other: the library is not what it says it is"
    );
    let error = try_bind(FAULTS, &summary_of!("org.example.faults", dyn Newer)).expect_err("lies");
    assert!(
        matches!(
            error,
            BindError::Disagrees {
                what: "number of methods",
                ..
            }
        ),
        "{error}"
    );
    let mut summary = summary_of!("org.example.faults", dyn Faulty);
    summary.provides[0].fingerprints[1] ^= 1;
    let error = try_bind(FAULTS, &summary).expect_err("lies");
    assert!(
        error.to_string().contains("fingerprint of a method"),
        "{error}"
    );
}

#[test]
fn another_binary_interface_is_refused_before_the_entry_is_called() {
    unsafe extern "C" fn never(
        _: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable {
        std::process::abort();
    }
    let mut summary = summary_of!("org.example.faults", dyn Faulty);
    summary.build.abi = 99;
    let error = try_bind(never, &summary).expect_err("another binary interface");
    assert_eq!(
        error.to_string(),
        "the plugin was built for Plugwright's binary interface 99, the host has 1: rebuild \
         the plugin with the host's version of plugwright-plugin"
    );
}

#[test]
fn an_entry_without_a_table_is_refused() {
    unsafe extern "C" fn none(
        _: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable {
        std::ptr::null()
    }
    let summary = summary_of!("org.example.faults", dyn Faulty);
    assert_eq!(
        try_bind(none, &summary).expect_err("no table"),
        BindError::NoTable
    );
}

#[derive(Debug, Portable)]
struct OneByte(#[encoded] u8);

impl OneByte {
    /// The value as it crosses, with other bytes.
    fn with(self, cbor: &[u8]) -> <Self as Portable>::Abi {
        let mut raw = self.into_abi();
        // SAFETY: the Abi of a struct of one encoded field is that of a vector of bytes.
        let own = unsafe {
            (&raw mut raw)
                .cast::<RawVec>()
                .replace(cbor.to_vec().into_abi())
        };
        // SAFETY: it was made above, and nothing else has it any more.
        drop(unsafe { Vec::<u8>::from_abi(own) });
        raw
    }
}

/// What a plugin that lies may send: each is an error and not undefined behaviour.
#[test]
fn invalid_values_are_errors() {
    fn check<T: Portable + std::fmt::Debug>(abi: T::Abi, expected: &str) {
        // SAFETY: each value is one whose faults `from_abi` promises to see.
        let error = unsafe { T::from_abi(abi) }.expect_err("must be refused");
        assert_eq!(error.to_string(), expected);
    }
    check::<bool>(2, "expected a bool that is 0 or 1");
    check::<char>(0xd800, "expected a char that is a Unicode scalar value");
    let broken: &'static [u8] = b"\xff\xfe";
    check::<&str>(broken.into_abi(), "expected a str that is UTF-8");
    check::<String>(
        broken.to_vec().into_abi(),
        "expected a String that is UTF-8",
    );
    let null = RawSlice {
        pointer: std::ptr::null(),
        length: 3,
    };
    check::<&[u8]>(
        null,
        "expected a slice with an aligned pointer and a possible length",
    );
    let endless = RawSlice {
        length: usize::MAX,
        ..RawSlice::of("x")
    };
    check::<&[u8]>(
        endless,
        "expected a slice with an aligned pointer and a possible length",
    );
    let crooked = RawSlice {
        pointer: std::ptr::without_provenance(3),
        length: 1,
    };
    check::<&[u32]>(
        crooked,
        "expected a slice with an aligned pointer and a possible length",
    );
    let long = RawSlice {
        pointer: [0_u64].as_ptr().cast(),
        length: usize::MAX / 16 + 1,
    };
    check::<&[u64]>(
        long,
        "expected a slice with an aligned pointer and a possible length",
    );
    let null = RawSliceMut {
        pointer: std::ptr::null_mut(),
        length: 1,
    };
    check::<&mut [u32]>(
        null,
        "expected a slice with an aligned pointer and a possible length",
    );
    // 256 in CBOR, a number with a byte too many, and an array that does not end.
    for cbor in [&[0x19, 1, 0][..], &[7, 0], &[0x9f], &[]] {
        check::<OneByte>(
            OneByte(0).with(cbor),
            "expected CBOR that serde reads as the declared type",
        );
    }
    check::<std::num::NonZero<u8>>(0, "expected a NonZero that is not 0");
    check::<std::num::NonZero<i128>>(0_i128.into_abi(), "expected a NonZero that is not 0");
    let mut long = std::time::Duration::ZERO.into_abi();
    long.nanoseconds = 1_000_000_000;
    check::<std::time::Duration>(
        long,
        "expected a Duration of less than 1,000,000,000 nanoseconds",
    );
    let broken_text = vec![b"ok".to_vec(), b"\xff".to_vec(), b"ok".to_vec()];
    check::<Vec<String>>(broken_text.into_abi(), "expected a String that is UTF-8");
    check::<[bool; 2]>([1_u8, 2].into_abi(), "expected a bool that is 0 or 1");
    check::<(bool, u8)>((3_u8, 4_u8).into_abi(), "expected a bool that is 0 or 1");
    let twice = vec![(1_u8, 1_u8), (1, 2)];
    check::<std::collections::BTreeMap<u8, u8>>(
        twice.into_abi(),
        "expected a map or set without equal keys",
    );
    let mut option = Some(1_u8).into_abi();
    option.some = 2;
    check::<Option<u8>>(option, "expected an Option whose tag is 0 or 1");
    let mut result = Result::<u8, u8>::Ok(1).into_abi();
    result.ok = 2;
    check::<Result<u8, u8>>(result, "expected a Result whose tag is 0 or 1");
    // A derived enum's tag is its first word.
    let mut raw = Error::Own.into_abi();
    // SAFETY: the Abi of a derived enum begins with its tag, a u32.
    unsafe { (&raw mut raw).cast::<u32>().write(9) };
    check::<Error>(raw, "expected a Error with a known variant");
    // An empty buffer owns nothing, so nothing of it is lost.
    for change in [
        |raw: &mut RawBuffer| raw.bytes.pointer = std::ptr::null_mut(),
        |raw: &mut RawBuffer| raw.bytes.length = usize::MAX,
    ] {
        let mut raw = Buffer::default().into_abi();
        change(&mut raw);
        check::<Buffer>(
            raw,
            "expected a Buffer with a pointer and a possible length",
        );
    }
}

/// The bytes of a buffer are freed by a function of who made them, while its library is kept.
#[test]
fn a_buffer_goes_back_to_who_made_it() {
    thread_local! {
        static EVENTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }
    fn tell(event: String) {
        EVENTS.with_borrow_mut(|events| events.push(event));
    }
    struct Library;
    impl Drop for Library {
        fn drop(&mut self) {
            tell("let go of".to_owned());
        }
    }
    unsafe extern "C" fn release(pointer: *mut u8, length: usize, capacity: usize) {
        // SAFETY: the parts are those of the vector below, which is freed once.
        let bytes = unsafe { Vec::from_raw_parts(pointer, length, capacity) };
        tell(format!("{bytes:?} of {capacity}"));
    }
    let mut bytes = Vec::with_capacity(7);
    bytes.extend([1, 2, 3]);
    let mut bytes = std::mem::ManuallyDrop::new(bytes);
    let raw = RawBuffer {
        bytes: RawVec {
            pointer: bytes.as_mut_ptr(),
            length: bytes.len(),
            capacity: bytes.capacity(),
            release: Some(release),
        },
        keep: KeepAlive::new(Arc::new(Library)).into_raw(),
    };
    // SAFETY: made above, and used once.
    let mut buffer = unsafe { Buffer::from_abi(raw) }.expect("it is one");
    buffer[0] = 9;
    // It goes on as it came.
    // SAFETY: given away just now.
    let buffer = unsafe { Buffer::from_abi(buffer.into_abi()) }.expect("it is one");
    assert!(EVENTS.take().is_empty());
    drop(buffer);
    assert_eq!(EVENTS.take(), ["[9, 2, 3] of 7", "let go of"]);
}

/// All parts of a failure cross, also of a kind that this side does not know.
#[test]
fn a_failure_crosses_as_a_value() {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    let parts = ["plugin", "Trait::method", "message", "file.rs:1:2"];
    let bytes = [2_u32.to_le_bytes().to_vec(), parts.map(text).concat()].concat();
    let error = CallError::from_bytes(&bytes);
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
    let seen = |error: &CallError| {
        [
            error.plugin(),
            error.method(),
            error.message(),
            error.location(),
        ]
        .map(str::to_owned)
    };
    assert_eq!(seen(&error), parts);
    assert_eq!(error.to_bytes(), bytes);
    // SAFETY: given away just now.
    let crossed = unsafe { CallError::from_abi(error.clone().into_abi()) }.expect("it is one");
    assert_eq!(crossed, error);
    let mut raw = error.into_abi();
    raw.kind = 4_711;
    // SAFETY: as above.
    let crossed = unsafe { CallError::from_abi(raw) }.expect("it is one");
    assert_eq!(crossed.kind(), CallErrorKind::Unknown);
    assert_eq!(seen(&crossed), parts);
}

/// An argument that is invalid never reaches the method, and the other ones are freed.
#[test]
fn invalid_arguments_are_told_by_the_plugin() {
    type Text = unsafe extern "C" fn(
        *const (),
        <&'static str as Portable>::Abi,
        <String as Portable>::Abi,
    ) -> Reply<u32>;
    let vtable = std::ptr::from_ref(<dyn Faulty as plugwright_plugin::Provides<Faults>>::VTABLE);
    let head = size_of::<plugwright_plugin::abi::VtableHead>() / size_of::<Text>();
    let place = vtable.cast::<Text>().wrapping_add(head + 5);
    // SAFETY: behind the head come the methods in order; `text` is the sixth.
    let text: Text = unsafe { place.read() };
    let plugin = try_bind(FAULTS, &summary_of!("org.example.faults", dyn Faulty)).expect("agrees");
    let handle = plugin.create::<dyn Faulty>(None, None).expect("fits");
    let broken: &'static [u8] = b"\xff";
    let object = object_of(&handle);
    // SAFETY: the object is alive, and the arguments are of the types that `text` declares.
    let reply = unsafe { text(object, broken.into_abi(), "kept".to_owned().into_abi()) };
    // SAFETY: a reply of a function that returns u32.
    let error = unsafe { reply.take::<u32>("Faulty::text") }.expect_err("invalid");
    assert_eq!(
        error.to_string(),
        "plugin org.example.faults sent or got an invalid value in Faulty::text: expected a \
         str that is UTF-8"
    );
    assert_eq!(handle.number(false), 7, "nothing is poisoned");
}

fn object_of(handle: &Handle<dyn Faulty>) -> *const () {
    // SAFETY: a handle begins with its object (`RawHandle` is repr(C)).
    unsafe { std::ptr::from_ref(handle).cast::<*const ()>().read() }
}

#[test]
fn the_schema_names_what_the_trait_has() {
    let shape = <dyn Faulty as Interface>::SHAPE;
    assert_eq!(shape.id, "org.example.faulty");
    assert_eq!(shape.version.to_string(), "2.1");
    let names: Vec<&str> = shape.methods.iter().map(|method| method.name).collect();
    assert_eq!(
        names,
        [
            "number",
            "lifted",
            "unlifted",
            "formatted",
            "odd_payload",
            "text",
            "untouched"
        ]
    );
}
