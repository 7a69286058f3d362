use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
trait A {
    fn a(&self);
}

trait Ordinary {}

#[plugin(id = "org.example.plugin", provides(A))]
#[derive(Default)]
struct NotImplemented;

#[plugin(id = "org.example.other", provides(Ordinary))]
#[derive(Default)]
struct NotAnInterface;

impl Ordinary for NotAnInterface {}

fn main() {}
