//! Objects of interfaces as arguments and results, and methods that were added later.

#![deny(missing_docs)]

use std::sync::Arc;

use plugwright_plugin::{interface, plugin};

/// Is told of progress, by one thread at a time.
#[interface(id = "org.example.progress", version = "1.0")]
pub trait Progress: Send {
    /// So much is done.
    fn done(&self, percent: u8);
}

/// Works.
#[interface(id = "org.example.worker", version = "1.3")]
pub trait Worker: Send + Sync {
    /// Works.
    fn work(&self, progress: Box<dyn Progress>);

    /// Hands the work to another.
    #[since("1.1")]
    fn hand_over(&self, to: Arc<dyn Worker>) -> Option<Arc<dyn Worker>> {
        Some(to)
    }

    /// Whose name is the `try_` form of the method above.
    #[since("1.1")]
    fn try_hand_over(&self) -> bool {
        false
    }

    /// Fills the buffer.
    #[since("1.3")]
    fn fill(&self, buffer: &mut [u8]) -> Result<u32, String>;
}

/// Works hard.
#[plugin(id = "org.example.hard", provides(Worker))]
#[derive(Default)]
pub struct Hard;

impl Worker for Hard {
    fn work(&self, progress: Box<dyn Progress>) {
        progress.done(100);
    }

    fn fill(&self, _: &mut [u8]) -> Result<u32, String> {
        Ok(0)
    }
}

fn main() {
    assert!(!Hard.try_hand_over());
}
