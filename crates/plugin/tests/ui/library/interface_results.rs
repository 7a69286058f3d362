use plugwright_plugin::{Portable, interface};

#[derive(Clone, Portable)]
struct Point {
    x: u8,
}

#[interface(id = "org.example.a", version = "1.0")]
trait Results {
    fn point(&self) -> Option<&Point>;
}

fn main() {}
