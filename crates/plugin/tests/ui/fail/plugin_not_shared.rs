use std::cell::Cell;

use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
trait A: Send + Sync {
    fn a(&self) {}
}

#[plugin(id = "org.example.plugin", provides(A))]
#[derive(Default)]
struct Plugin(Cell<u8>);

impl A for Plugin {}

fn main() {}
