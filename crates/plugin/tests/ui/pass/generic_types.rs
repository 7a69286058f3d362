//! Types that cross with lifetimes and type parameters of their own.

use std::collections::{BTreeMap, BTreeSet};

use plugwright_plugin::{Portable, interface};

/// Borrows, and is generic.
#[derive(Portable)]
pub struct Named<'a, T> {
    pub name: &'a str,
    pub value: T,
}

/// Its variants do not all use the parameter.
#[derive(Portable)]
pub enum Outcome<T, E>
where
    T: Clone,
{
    Done(T),
    Failed { error: E, retries: u32 },
    Skipped,
}

/// What its fields ask of the parameters is asked of them here.
#[derive(Portable)]
pub struct Index<'a, K: Ord + 'a, V>
where
    V: Clone + AsRef<str> + PartialEq<&'a str>,
{
    pub names: &'a [String],
    pub values: BTreeMap<K, Part<V>>,
    pub last: Either<K, V>,
}

#[derive(Portable)]
pub struct Part<V: Clone>(V);

#[derive(Portable)]
pub enum Either<K: Ord, V> {
    Keys(BTreeSet<K>),
    Value(V),
}

#[derive(Portable)]
pub enum Growing<K: Ord> {
    Keys(BTreeSet<K>),
    #[unknown]
    Unknown,
    Later(Either<K, bool>),
}

/// No fields, three ways.
#[derive(Portable)]
pub struct Unit;

#[derive(Portable)]
pub struct Braces {}

#[derive(Portable)]
pub struct Parentheses();

#[interface(id = "org.example.generic", version = "1.0")]
pub trait Generic {
    fn take(&self, named: Named<'_, Option<u16>>, samples: &mut [f32]);
    fn give(&self, unit: Unit) -> Outcome<Vec<u32>, String>;
    fn index(&self, index: Index<'_, u8, String>) -> Growing<String>;
    fn pass(&self, braces: Braces) -> Parentheses;
}

fn main() {}
