use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
trait A {
    fn a(&self) {}
}

#[plugin(id = "org.example.plugin", provides(A))]
struct Plugin;

impl A for Plugin {}

fn main() {}
