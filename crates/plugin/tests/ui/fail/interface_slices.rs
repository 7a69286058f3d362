use plugwright_plugin::{Portable, interface};

#[derive(Portable)]
struct Point {
    x: u8,
}

#[interface(id = "org.example.a", version = "1.0")]
trait Slices {
    fn texts(&self, texts: &[String]);
    fn points(&self, points: &mut [Point]);
}

fn main() {}
