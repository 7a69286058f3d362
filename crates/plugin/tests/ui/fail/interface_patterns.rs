use plugwright_plugin::interface;

#[interface(id = "org.example.a", version = "1.0")]
trait Patterns {
    const fn constant(&self);
    fn taken_apart(&self, (left, right): (u8, u8)) {}
}

fn main() {}
