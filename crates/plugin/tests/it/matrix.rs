//! Every type crosses in both directions, unchanged.

use std::fmt::Debug;

use plugwright_plugin::abi::Entry;
use plugwright_plugin::{CallError, Handle, Portable, interface, plugin};

use crate::{create, summary_of};

#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) struct Point {
    x: f64,
    label: String,
    inner: Pair,
}

#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) struct Pair(u8, Option<i64>);

#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) struct Nothing;

#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) enum Failed {
    Simple,
    Tuple(String, u16),
    Named { offset: u64, data: Vec<u8> },
    Call(CallError),
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

macro_rules! matrix {
    ($($name:ident: $type:ty;)*) => {
        /// Each method returns what it got.
        #[interface(id = "org.example.matrix", version = "1.0")]
        pub(crate) trait Matrix: Send + Sync {
            $(fn $name(&self, value: $type) -> $type;)*
            fn text(&self, value: &str) -> String;
            fn bytes(&self, value: &[u8]) -> Vec<u8>;
            fn maybe(&self, value: Option<&str>) -> Option<String>;
            fn nothing(&self);
            fn many(&self, a: u8, b: &str, c: bool, d: String, e: &[u8], f: f32, g: Point) -> String;
        }

        impl Matrix for Echo {
            $(fn $name(&self, value: $type) -> $type {
                value
            })*

            fn text(&self, value: &str) -> String {
                value.to_owned()
            }

            fn bytes(&self, value: &[u8]) -> Vec<u8> {
                value.to_vec()
            }

            fn maybe(&self, value: Option<&str>) -> Option<String> {
                value.map(str::to_owned)
            }

            fn nothing(&self) {}

            fn many(&self, a: u8, b: &str, c: bool, d: String, e: &[u8], f: f32, g: Point) -> String {
                format!("{a} {b} {c} {d} {e:?} {f} {g:?}")
            }
        }
    };
}

#[plugin(id = "org.example.echo", provides(Matrix))]
#[derive(Default)]
pub(crate) struct Echo;

matrix! {
    unit: ();
    truth: bool;
    letter: char;
    int_u8: u8;
    int_u16: u16;
    int_u32: u32;
    int_u64: u64;
    int_u128: u128;
    int_usize: usize;
    int_i8: i8;
    int_i16: i16;
    int_i32: i32;
    int_i64: i64;
    int_i128: i128;
    int_isize: isize;
    single: f32;
    double: f64;
    string: String;
    vec: Vec<u8>;
    option: Option<u32>;
    option_of_string: Option<String>;
    nested: Option<Option<bool>>;
    result: Result<u8, String>;
    own_error: Result<Vec<u8>, Failed>;
    point: Point;
    empty: Nothing;
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_echo_3125650c"]
    fn entry(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const ENTRY: Entry = entry;

fn echo() -> Handle<dyn Matrix> {
    create(ENTRY, &summary_of!("org.example.echo", dyn Matrix))
}

#[track_caller]
fn check<T: Clone + PartialEq + Debug>(method: impl Fn(&dyn Matrix, T) -> T, values: &[T]) {
    let echo = echo();
    for value in values {
        assert_eq!(method(&echo, value.clone()), *value);
    }
}

#[test]
fn scalars() {
    check(|echo, value| echo.unit(value), &[()]);
    check(|echo, value| echo.truth(value), &[true, false]);
    check(
        |echo, value| echo.letter(value),
        &['a', 'ß', '\u{10ffff}', '\0'],
    );
    check(|echo, value| echo.int_u8(value), &[0, u8::MAX]);
    check(|echo, value| echo.int_u16(value), &[0, u16::MAX]);
    check(|echo, value| echo.int_u32(value), &[0, u32::MAX]);
    check(|echo, value| echo.int_u64(value), &[0, u64::MAX]);
    check(
        |echo, value| echo.int_u128(value),
        &[0, u128::MAX, 1 << 64, u128::from(u64::MAX)],
    );
    check(|echo, value| echo.int_usize(value), &[0, usize::MAX]);
    check(|echo, value| echo.int_i8(value), &[i8::MIN, -1, i8::MAX]);
    check(|echo, value| echo.int_i16(value), &[i16::MIN, -1, i16::MAX]);
    check(|echo, value| echo.int_i32(value), &[i32::MIN, -1, i32::MAX]);
    check(|echo, value| echo.int_i64(value), &[i64::MIN, -1, i64::MAX]);
    check(
        |echo, value| echo.int_i128(value),
        &[i128::MIN, -1, i128::MAX, 1 << 64],
    );
    check(
        |echo, value| echo.int_isize(value),
        &[isize::MIN, -1, isize::MAX],
    );
    check(
        |echo, value| echo.single(value),
        &[0.0, -1.5, f32::MAX, f32::INFINITY],
    );
    check(
        |echo, value| echo.double(value),
        &[0.0, -1.5, f64::MIN_POSITIVE, f64::INFINITY],
    );
}

#[test]
fn owned_and_nested() {
    let long = "ä".repeat(100_000);
    check(
        |echo, value| echo.string(value),
        &[String::new(), "héllo".to_owned(), long],
    );
    check(
        |echo, value| echo.vec(value),
        &[vec![], vec![0, 255], vec![7; 1 << 20]],
    );
    check(|echo, value| echo.option(value), &[None, Some(7)]);
    check(
        |echo, value| echo.option_of_string(value),
        &[None, Some("x".to_owned())],
    );
    check(
        |echo, value| echo.nested(value),
        &[None, Some(None), Some(Some(true))],
    );
    check(
        |echo, value| echo.result(value),
        &[Ok(3), Err("no".to_owned())],
    );
    let point = Point {
        x: -0.5,
        label: "p".to_owned(),
        inner: Pair(9, Some(-9)),
    };
    check(|echo, value| echo.point(value), &[point]);
    check(|echo, value| echo.empty(value), &[Nothing]);
    check(
        |echo, value| echo.own_error(value),
        &[
            Ok(vec![1, 2]),
            Err(Failed::Simple),
            Err(Failed::Tuple("t".to_owned(), 4)),
            Err(Failed::Named {
                offset: 1 << 40,
                data: vec![3; 30],
            }),
        ],
    );
}

#[test]
fn borrowed_arguments() {
    let echo = echo();
    assert_eq!(echo.text(""), "");
    assert_eq!(echo.text("grüß"), "grüß");
    assert_eq!(echo.bytes(&[]), Vec::<u8>::new());
    assert_eq!(echo.bytes(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(echo.maybe(None), None);
    assert_eq!(echo.maybe(Some("x")), Some("x".to_owned()));
    echo.nothing();
}

#[test]
fn many_arguments_keep_their_order() {
    let point = Point {
        x: 2.0,
        label: "q".to_owned(),
        inner: Pair(1, None),
    };
    let text = echo().many(1, "b", true, "d".to_owned(), &[5], 0.5, point);
    assert_eq!(
        text,
        "1 b true d [5] 0.5 Point { x: 2.0, label: \"q\", inner: Pair(1, None) }"
    );
}

#[test]
fn a_handle_is_an_ordinary_trait_object() {
    let boxed: Box<dyn Matrix> = Box::new(echo());
    assert_eq!(boxed.int_u32(5), 5);
    let shared: std::sync::Arc<dyn Matrix> = std::sync::Arc::new(echo());
    let there = std::thread::spawn(move || shared.text("thread")).join();
    assert_eq!(there.expect("no panic"), "thread");
}
