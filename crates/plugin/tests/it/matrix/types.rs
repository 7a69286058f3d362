//! The types of the tests themselves that cross: derived, generic, borrowing, growing, marked.

use std::collections::BTreeMap;

use plugwright_plugin::{CallError, Portable};

#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) label: String,
    pub(crate) inner: Pair,
}

#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) struct Pair(pub(crate) u8, pub(crate) Option<i64>);

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

#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) struct Either<A, B> {
    pub(crate) left: Vec<A>,
    pub(crate) right: Option<B>,
}

#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) enum Tree<T> {
    Empty,
    Leaf(T),
    Pair { left: T, right: T },
}

#[derive(Debug, PartialEq, Portable)]
pub(crate) struct Borrowed<'a> {
    pub(crate) name: &'a str,
    pub(crate) numbers: &'a [u32],
}

#[derive(Debug, PartialEq, Portable)]
pub(crate) enum BorrowedOrNot<'a, T> {
    Text(&'a str),
    Value(T),
}

#[derive(Clone, Debug, PartialEq, Portable)]
#[non_exhaustive]
pub(crate) enum Growing<T> {
    Bare,
    With(T, u8),
    #[unknown]
    Unknown,
    Added {
        text: String,
    },
}

/// What serde knows is marked in a type that crosses otherwise.
#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) struct Marked {
    pub(crate) id: u32,
    #[encoded]
    pub(crate) settings: Settings,
}

#[derive(Clone, Debug, PartialEq, Portable)]
pub(crate) enum MarkedOrNot {
    Plain(u8),
    Marked(#[encoded] Option<Settings>, u8),
    #[unknown]
    Unknown,
    Added {
        #[encoded]
        pair: (Settings, i128),
    },
}

/// Serde knows it, and nothing else.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Settings {
    pub(crate) level: u32,
    #[serde(flatten)]
    pub(crate) others: BTreeMap<String, Vec<i64>>,
    /// What JSON has no keys of.
    pub(crate) keys: BTreeMap<(u8, Option<char>), f64>,
}

impl Settings {
    pub(crate) fn some() -> Self {
        Self {
            level: 7,
            others: BTreeMap::from([("a".to_owned(), vec![1, -2]), ("ß".to_owned(), vec![])]),
            keys: BTreeMap::from([((1, None), f64::INFINITY), ((2, Some('ß')), -0.5)]),
        }
    }
}
