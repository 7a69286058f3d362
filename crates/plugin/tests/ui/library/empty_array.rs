use plugwright_plugin::interface;

#[interface(id = "org.example.a", version = "1.0")]
trait Empty {
    fn nothing(&self, none: [u8; 0]);
}

fn main() {}
