//! Methods with bodies, documentation, attributes and nameless parameters.

#![deny(missing_docs)]

use plugwright_plugin::{interface, plugin};

/// Counts.
#[interface(id = "org.example.counter", version = "2.7")]
pub trait Counter: Send + Sync + 'static {
    /// How many.
    fn count(&self) -> u64;

    /// One more than that.
    #[must_use]
    fn next(&self) -> u64 {
        self.count() + 1
    }

    /// A method whose name another one's `try_` form has too.
    fn try_count(&self) -> Option<u64> {
        Some(self.count())
    }

    /// Nothing.
    fn ignore(&self, _: u8, _: Option<&str>) {}
}

/// Counts to seven.
#[plugin(id = "org.example.seven", provides(Counter))]
#[derive(Default)]
pub struct Seven;

impl Counter for Seven {
    fn count(&self) -> u64 {
        7
    }
}

fn main() {
    assert_eq!(Seven.next(), 8);
}
