//! Every type crosses in both directions, unchanged: called directly and over a pipe, from the
//! host to the plugin and, as a callback, from the plugin to the host.

pub(crate) mod types;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use plugwright_plugin::abi::Entry;
use plugwright_plugin::{Buffer, Handle, Interface, PluginFuture, interface, plugin};

use crate::futures::block_on;
use crate::matrix_forward::forward;
use crate::transport::piped;
use crate::{create, summary_of};
use types::{
    Borrowed, BorrowedOrNot, Either, Failed, Growing, Marked, MarkedOrNot, Nothing, Pair, Point,
    Settings, Tree,
};

macro_rules! matrix {
    ($($name:ident: $type:ty;)*) => {
        /// Each method returns what it got.
        #[interface(id = "org.example.matrix", version = "1.0")]
        pub(crate) trait Matrix: Send + Sync {
            $(fn $name(&self, value: $type) -> $type;)*
            #[encoded]
            fn settings(&self, #[encoded] value: Settings) -> Settings;
            #[encoded]
            fn wide(&self, #[encoded] value: Option<(String, u128)>, plus: u128)
                -> Result<Option<(String, u128)>, String>;
            fn text(&self, value: &str) -> String;
            fn bytes(&self, value: &[u8]) -> Vec<u8>;
            fn maybe(&self, value: Option<&str>) -> Option<String>;
            fn nothing(&self);
            fn buffer(&self, value: Buffer) -> Buffer;
            fn words(&self, value: &[u32]) -> u64;
            fn doubles(&self, value: &[f64]) -> f64;
            fn increment(&self, value: &mut [u16]);
            fn os_str(&self, value: &OsStr) -> OsString;
            fn parent(&self, value: &Path) -> PathBuf;
            fn borrowed(&self, value: Borrowed<'_>) -> String;
            fn borrowed_or_not(&self, value: BorrowedOrNot<'_, u8>) -> String;
            fn one_lent(&self, value: &Point) -> Point;
            fn number_lent(&self, value: &u64) -> u64;
            fn maybe_lent(&self, value: Option<&Failed>) -> Option<Failed>;
            fn many_lent(&self, value: &[Point]) -> Vec<Point>;
            fn truths_lent(&self, value: &[bool]) -> Vec<bool>;
            fn words_lent(&self, value: &[&str]) -> Vec<String>;
            fn lists_lent(&self, value: Vec<&[Pair]>, last: &(u8, String)) -> Vec<Vec<Pair>>;
            fn many(&self, a: u8, b: &str, c: bool, d: String, e: &[u8], f: f32, g: Point) -> String;
            fn relay(&self, other: Box<dyn Matrix>) -> Box<dyn Matrix>;
            fn objects(&self, one: Option<Box<dyn Matrix>>, many: Vec<Arc<dyn Matrix>>, maybe: Option<Arc<dyn Matrix>>)
                -> (Option<Box<dyn Matrix>>, Vec<Arc<dyn Matrix>>, Result<Arc<dyn Matrix>, String>);
        }

        /// Each future gives what the method got, when it is polled the second time.
        #[interface(id = "org.example.later-matrix", version = "1.0")]
        pub(crate) trait Later: Send + Sync {
            $(fn $name(&self, value: $type) -> PluginFuture<'_, $type>;)*
            fn relay(&self, other: Box<dyn Later>) -> Box<dyn Later>;
        }

        impl Later for Echo {
            $(fn $name(&self, value: $type) -> PluginFuture<'_, $type> {
                PluginFuture::new(async move {
                    yield_once().await;
                    value
                })
            })*

            fn relay(&self, other: Box<dyn Later>) -> Box<dyn Later> {
                Box::new(LaterRelay(other))
            }
        }

        /// Awaits what another one gives.
        struct LaterRelay(Box<dyn Later>);

        impl Later for LaterRelay {
            $(fn $name(&self, value: $type) -> PluginFuture<'_, $type> {
                PluginFuture::new(async move { self.0.$name(value).await })
            })*

            fn relay(&self, other: Box<dyn Later>) -> Box<dyn Later> {
                self.0.relay(other)
            }
        }

        /// The asynchronous methods as the others, where there are such.
        struct Awaiting(Box<dyn Matrix>, Box<dyn Later>);

        impl Matrix for Awaiting {
            $(fn $name(&self, value: $type) -> $type {
                block_on(self.1.$name(value))
            })*
            forward!();
        }

        impl Matrix for Echo {
            $(fn $name(&self, value: $type) -> $type {
                value
            })*

            fn settings(&self, value: Settings) -> Settings {
                value
            }

            fn wide(&self, value: Option<(String, u128)>, plus: u128)
                -> Result<Option<(String, u128)>, String>
            {
                let (text, number) = value.ok_or("none")?;
                Ok(Some((text, number + plus)))
            }

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

            fn buffer(&self, mut value: Buffer) -> Buffer {
                value.reverse();
                value
            }

            fn words(&self, value: &[u32]) -> u64 {
                value.iter().copied().map(u64::from).sum()
            }

            fn doubles(&self, value: &[f64]) -> f64 {
                value.iter().sum()
            }

            fn increment(&self, value: &mut [u16]) {
                for word in value {
                    *word += 1;
                }
            }

            fn os_str(&self, value: &OsStr) -> OsString {
                value.to_owned()
            }

            fn parent(&self, value: &Path) -> PathBuf {
                value.parent().map(Path::to_owned).unwrap_or_default()
            }

            fn borrowed(&self, value: Borrowed<'_>) -> String {
                format!("{} {:?}", value.name, value.numbers)
            }

            fn borrowed_or_not(&self, value: BorrowedOrNot<'_, u8>) -> String {
                format!("{value:?}")
            }

            fn one_lent(&self, value: &Point) -> Point {
                value.clone()
            }

            fn number_lent(&self, value: &u64) -> u64 {
                *value
            }

            fn maybe_lent(&self, value: Option<&Failed>) -> Option<Failed> {
                value.cloned()
            }

            fn many_lent(&self, value: &[Point]) -> Vec<Point> {
                value.to_vec()
            }

            fn truths_lent(&self, value: &[bool]) -> Vec<bool> {
                value.to_vec()
            }

            fn words_lent(&self, value: &[&str]) -> Vec<String> {
                value.iter().map(|word| (*word).to_owned()).collect()
            }

            fn lists_lent(&self, value: Vec<&[Pair]>, last: &(u8, String)) -> Vec<Vec<Pair>> {
                let last = vec![Pair(last.0, None)];
                value.into_iter().map(<[Pair]>::to_vec).chain([last]).collect()
            }

            fn many(&self, a: u8, b: &str, c: bool, d: String, e: &[u8], f: f32, g: Point) -> String {
                format!("{a} {b} {c} {d} {e:?} {f} {g:?}")
            }

            fn relay(&self, other: Box<dyn Matrix>) -> Box<dyn Matrix> {
                Box::new(Relay(other))
            }

            fn objects(&self, one: Option<Box<dyn Matrix>>, many: Vec<Arc<dyn Matrix>>, maybe: Option<Arc<dyn Matrix>>)
                -> (Option<Box<dyn Matrix>>, Vec<Arc<dyn Matrix>>, Result<Arc<dyn Matrix>, String>)
            {
                (one, many, maybe.ok_or("none".to_owned()))
            }
        }

        /// The plugin's object that calls the host's.
        struct Relay(Box<dyn Matrix>);

        impl Matrix for Relay {
            $(fn $name(&self, value: $type) -> $type {
                self.0.$name(value)
            })*

            forward!();
        }
    };
}

/// Is pending once, and wakes at once.
async fn yield_once() {
    let mut begun = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut begun, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[plugin(id = "org.example.echo", provides(Matrix), provides(Later))]
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
    words_owned: Vec<u64>;
    strings: Vec<String>;
    points: Vec<Point>;
    truths: Vec<bool>;
    vecs: Vec<Vec<Option<String>>>;
    boxed: Box<Point>;
    pair: (u8, String);
    eight: (u8, u16, u32, u64, bool, char, String, f32);
    array: [String; 3];
    duration: Duration;
    non_zero: NonZero<u16>;
    non_zero_signed: NonZero<i64>;
    non_zeros: (NonZero<u8>, NonZero<u32>, NonZero<u64>, NonZero<usize>);
    non_zeros_signed: (NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<isize>);
    non_zeros_wide: (NonZero<u128>, NonZero<i128>);
    three: (u8, (u16, u32), String);
    four: (i8, char, bool, f32);
    five: (u8, u16, u32, u64, bool);
    six: (u8, char, i8, i16, i32, i64);
    seven: (u8, u16, u32, u64, bool, char, String);
    os_string: OsString;
    path: PathBuf;
    tree_map: BTreeMap<String, u8>;
    hash_map: HashMap<u32, Vec<String>>;
    tree_set: BTreeSet<char>;
    hash_set: HashSet<String>;
    generic: Either<String, u8>;
    generic_enum: Tree<String>;
    growing: Growing<Vec<String>>;
    marked: Marked;
    marked_or_not: MarkedOrNot;
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_echo_3125650c"]
    fn entry(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const ENTRY: Entry = entry;

pub(crate) fn echo() -> Handle<dyn Matrix> {
    echo_as()
}

pub(crate) fn echo_as<T: ?Sized + Interface>() -> Handle<T> {
    let summary = summary_of!("org.example.echo", dyn Matrix, dyn Later);
    create(ENTRY, &summary)
}

/// Runs the test with each direction over each transport.
#[track_caller]
fn everywhere(test: impl Fn(&dyn Matrix)) {
    test(&echo());
    test(&*echo().relay(Box::new(Echo)));
    let (remote, _other_end) = piped(&echo());
    test(&remote);
    test(&*remote.relay(Box::new(Echo)));
    awaited(&test, echo_as::<dyn Later>());
    let (remote, _other_end) = piped(&echo_as::<dyn Later>());
    awaited(&test, remote);
}

/// With asynchronous methods, in both directions.
#[track_caller]
fn awaited(test: &impl Fn(&dyn Matrix), later: Handle<dyn Later>) {
    let other = later.relay(Box::new(Echo));
    test(&Awaiting(Box::new(Echo), other));
    test(&Awaiting(Box::new(Echo), Box::new(later)));
}

#[track_caller]
fn check<T: Clone + PartialEq + Debug>(method: impl Fn(&dyn Matrix, T) -> T, values: &[T]) {
    everywhere(|echo| {
        for value in values {
            assert_eq!(method(echo, value.clone()), *value);
        }
    });
}

#[test]
fn what_serde_knows() {
    let settings = Settings::some();
    check(
        |echo, value| echo.settings(value),
        std::slice::from_ref(&settings),
    );
    let marked = Marked {
        id: 3,
        settings: settings.clone(),
    };
    check(|echo, value| echo.marked(value), &[marked]);
    check(
        |echo, value| echo.marked_or_not(value),
        &[
            MarkedOrNot::Plain(1),
            MarkedOrNot::Marked(Some(settings.clone()), 2),
            MarkedOrNot::Marked(None, 2),
            MarkedOrNot::Unknown,
            MarkedOrNot::Added {
                pair: (settings, i128::MIN),
            },
        ],
    );
    everywhere(|echo| {
        let some = Some(("x".to_owned(), u128::MAX - 1));
        assert_eq!(echo.wide(some, 1), Ok(Some(("x".to_owned(), u128::MAX))));
        assert_eq!(echo.wide(None, 1), Err("none".to_owned()));
    });
}

/// Objects stay where they are, and are called wherever they went and came back from.
#[test]
fn objects() {
    everywhere(|echo| {
        let shared: Arc<dyn Matrix> = Arc::new(Echo);
        let many = vec![Arc::clone(&shared), Arc::new(Echo)];
        let (one, many, maybe) = echo.objects(Some(Box::new(Echo)), many, Some(shared));
        assert_eq!(one.expect("some").text("a"), "a");
        assert_eq!(many.len(), 2);
        assert!(many.iter().all(|one| one.int_u8(7) == 7));
        assert!(maybe.expect("some").truth(true));
        let (one, many, maybe) = echo.objects(None, Vec::new(), None);
        assert!(one.is_none() && many.is_empty());
        assert_eq!(maybe.map(drop), Err("none".to_owned()));
    });
}

#[test]
fn tuples_and_numbers_that_are_not_zero() {
    fn one<T: TryFrom<i8>>(number: i8) -> T
    where
        T::Error: Debug,
    {
        T::try_from(number).expect("it has the number")
    }
    macro_rules! non_zero {
        ($number:expr) => {
            NonZero::new(one($number)).expect("not zero")
        };
    }
    let unsigned = (
        non_zero!(1),
        NonZero::<u32>::MAX,
        non_zero!(7),
        non_zero!(9),
    );
    check(|echo, value| echo.non_zeros(value), &[unsigned]);
    let signed = (
        non_zero!(-1),
        NonZero::<i16>::MIN,
        non_zero!(7),
        non_zero!(-9),
    );
    check(|echo, value| echo.non_zeros_signed(value), &[signed]);
    let wide = [
        (non_zero!(1), non_zero!(-1)),
        (NonZero::<u128>::MAX, NonZero::<i128>::MIN),
    ];
    check(|echo, value| echo.non_zeros_wide(value), &wide);
    let three = (1, (2, 3), "a".to_owned());
    check(|echo, value| echo.three(value), &[three]);
    check(|echo, value| echo.four(value), &[(-1, 'ß', true, 0.5)]);
    check(|echo, value| echo.five(value), &[(6, 7, 8, 9, true)]);
    let six = (10, 'ß', -1, i16::MIN, -3, i64::MAX);
    check(|echo, value| echo.six(value), &[six]);
    let seven = (1, 2, 3, 4, true, 'a', "b".to_owned());
    check(|echo, value| echo.seven(value), &[seven]);
}

#[test]
fn enums_that_grow() {
    check(
        |echo, value| echo.growing(value),
        &[
            Growing::Bare,
            Growing::With(vec!["a".to_owned(), String::new()], 3),
            Growing::Unknown,
            Growing::Added {
                text: "ß".to_owned(),
            },
        ],
    );
}

/// What is lent is converted where it is not numbers: both sides let go of their part.
#[test]
fn references() {
    let point = |label: &str| Point {
        x: 0.5,
        label: label.to_owned(),
        inner: Pair(1, Some(-2)),
    };
    let points = [point("a"), point("")];
    let failed = Failed::Named {
        offset: 7,
        data: vec![1, 2],
    };
    let pairs = [Pair(1, None), Pair(2, Some(3))];
    everywhere(|echo| {
        assert_eq!(echo.one_lent(&points[0]), points[0]);
        assert_eq!(echo.number_lent(&u64::MAX), u64::MAX);
        assert_eq!(echo.maybe_lent(Some(&failed)), Some(failed.clone()));
        assert_eq!(echo.maybe_lent(None), None);
        assert_eq!(echo.many_lent(&points), points);
        assert_eq!(echo.many_lent(&[]), []);
        assert_eq!(echo.truths_lent(&[true, false]), [true, false]);
        assert_eq!(echo.words_lent(&["", "ß"]), ["", "ß"]);
        assert_eq!(
            echo.lists_lent(vec![&pairs, &[]], &(9, "nine".to_owned())),
            [pairs.to_vec(), vec![], vec![Pair(9, None)]]
        );
    });
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

fn point(label: &str) -> Point {
    Point {
        x: 0.25,
        label: label.to_owned(),
        inner: Pair(1, None),
    }
}

#[test]
fn sequences() {
    let strings = || vec!["a".to_owned(), String::new(), "ä".repeat(999)];
    check(
        |echo, value| echo.words_owned(value),
        &[vec![], vec![u64::MAX, 0], vec![9; 70_000]],
    );
    check(|echo, value| echo.strings(value), &[vec![], strings()]);
    check(
        |echo, value| echo.points(value),
        &[vec![], vec![point("a"), point("b")]],
    );
    check(
        |echo, value| echo.truths(value),
        &[vec![], vec![true, false, true]],
    );
    let nested = vec![vec![], vec![None, Some("x".to_owned())]];
    check(|echo, value| echo.vecs(value), &[vec![], nested]);
    check(|echo, value| echo.boxed(value), &[Box::new(point("boxed"))]);
    check(|echo, value| echo.pair(value), &[(1, "two".to_owned())]);
    check(
        |echo, value| echo.eight(value),
        &[(1, 2, 3, 4, true, 'c', "seven".to_owned(), 0.5)],
    );
    let [a, b, c] = ["a", "b", "c"].map(str::to_owned);
    check(|echo, value| echo.array(value), &[[a, b, c]]);
}

#[test]
fn times_paths_and_non_zeros() {
    check(
        |echo, value| echo.duration(value),
        &[Duration::ZERO, Duration::MAX, Duration::from_millis(1_999)],
    );
    check(
        |echo, value| echo.non_zero(value),
        &[NonZero::<u16>::MIN, NonZero::<u16>::MAX],
    );
    check(
        |echo, value| echo.non_zero_signed(value),
        &[NonZero::<i64>::MIN, NonZero::<i64>::MAX],
    );
    let bytes = OsStr::from_bytes(b"not \xff utf-8");
    check(
        |echo, value| echo.os_string(value),
        &[OsString::new(), bytes.to_owned()],
    );
    check(
        |echo, value| echo.path(value),
        &[PathBuf::from("/a/b"), PathBuf::from(bytes)],
    );
    everywhere(|echo| {
        assert_eq!(echo.os_str(bytes), bytes);
        assert_eq!(echo.parent(Path::new("/a/b.so")), Path::new("/a"));
    });
}

#[test]
fn maps_and_sets() {
    let pairs = || [("a", 1), ("b", 2)].map(|(key, value)| (key.to_owned(), value));
    check(
        |echo, value| echo.tree_map(value),
        &[BTreeMap::new(), BTreeMap::from(pairs())],
    );
    let lists = HashMap::from([(7, vec!["x".to_owned()]), (8, vec![])]);
    check(|echo, value| echo.hash_map(value), &[HashMap::new(), lists]);
    check(
        |echo, value| echo.tree_set(value),
        &[BTreeSet::new(), BTreeSet::from(['x', 'ß'])],
    );
    let texts = HashSet::from(["x", "y"].map(str::to_owned));
    check(|echo, value| echo.hash_set(value), &[HashSet::new(), texts]);
}

#[test]
fn generic_and_borrowing_types() {
    let either = Either {
        left: vec!["l".to_owned()],
        right: Some(2),
    };
    check(|echo, value| echo.generic(value), &[either]);
    check(
        |echo, value| echo.generic_enum(value),
        &[
            Tree::Empty,
            Tree::Leaf("leaf".to_owned()),
            Tree::Pair {
                left: "l".to_owned(),
                right: "r".to_owned(),
            },
        ],
    );
    let name = "borrowed".to_owned();
    everywhere(|echo| {
        let text = echo.borrowed(Borrowed {
            name: &name,
            numbers: &[1, 2],
        });
        assert_eq!(text, "borrowed [1, 2]");
        let text = echo.borrowed_or_not(BorrowedOrNot::Text(&name));
        assert_eq!(text, "Text(\"borrowed\")");
        assert_eq!(echo.borrowed_or_not(BorrowedOrNot::Value(3)), "Value(3)");
    });
}

/// The very same memory comes back.
#[test]
fn buffers_are_not_copied() {
    let bytes: Vec<u8> = (0..=255).collect();
    let address = bytes.as_ptr();
    let back = echo().buffer(Buffer::from(bytes));
    assert_eq!(back.as_ptr(), address);
    assert_eq!((back.len(), back[0], back[255]), (256, 255, 0));
    assert!(echo().buffer(Buffer::default()).is_empty());
}

#[test]
fn slices_are_lent() {
    everywhere(|echo| {
        assert_eq!(echo.words(&[]), 0);
        assert_eq!(echo.words(&[u32::MAX, 1]), 1 << 32);
        assert!((echo.doubles(&[0.5, 0.25]) - 0.75).abs() < f64::EPSILON);
        let mut words = [1, 2, 3];
        echo.increment(&mut words);
        assert_eq!(words, [2, 3, 4]);
        echo.increment(&mut []);
    });
}

#[test]
fn borrowed_arguments() {
    everywhere(|echo| {
        assert_eq!(echo.text(""), "");
        assert_eq!(echo.text("grüß"), "grüß");
        assert_eq!(echo.bytes(&[]), Vec::<u8>::new());
        assert_eq!(echo.bytes(&[1, 2, 3]), [1, 2, 3]);
        assert_eq!(echo.maybe(None), None);
        assert_eq!(echo.maybe(Some("x")), Some("x".to_owned()));
        echo.nothing();
        assert_eq!(*echo.buffer(Buffer::from(vec![1, 2])), [2, 1]);
    });
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
    let shared: Arc<dyn Matrix> = Arc::new(echo());
    let there = std::thread::spawn(move || shared.text("thread")).join();
    assert_eq!(there.expect("no panic"), "thread");
}
