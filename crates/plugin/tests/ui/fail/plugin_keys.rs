use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
trait A {
    fn a(&self) {}
}

#[plugin(
    id = "org.example.plugin",
    provides(A, keys = ["a", "b", "a", "", "line\nend", 7]),
    provides(A, keys = "a", rank = 3.5),
    provides(A, keys("a"), rank(1)),
    provides(A, keys = ["a"], keys = ["b"], rank = 1, rank = 99999999999),
)]
#[derive(Default)]
struct Plugin;

impl A for Plugin {}

fn main() {}
