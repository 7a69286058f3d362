use plugwright_plugin::interface;

struct Own;

#[interface(id = "org.example.a", version = "1.0")]
trait Types {
    fn parameter(&self, value: Own);
    fn result(&self) -> Vec<fn()>;
}

fn main() {}
