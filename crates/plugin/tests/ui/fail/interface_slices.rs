use plugwright_plugin::{Portable, interface};

#[derive(Portable)]
struct NotClone {
    x: u8,
}

#[interface(id = "org.example.a", version = "1.0")]
trait Slices {
    fn texts(&self, texts: &mut [String]);
    fn points(&self, points: &[NotClone]);
}

fn main() {}
