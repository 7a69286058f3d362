use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
trait A {
    fn a(&self) {}
}

#[plugin(id = "org.example.a", provides(A))]
fn function() {}

#[plugin(id = "org.example.a", provides(A))]
#[derive(Default)]
struct Generic<T>(T);

fn main() {}
