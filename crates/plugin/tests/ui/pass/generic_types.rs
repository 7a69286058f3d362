//! Types that cross with lifetimes and type parameters of their own.

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
    fn pass(&self, braces: Braces) -> Parentheses;
}

fn main() {}
