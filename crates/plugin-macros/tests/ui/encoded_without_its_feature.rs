use plugwright_plugin::interface;

struct Options;

#[interface(id = "org.example.tuner", version = "1.0")]
trait Tuner {
    fn tune(&self, #[encoded] options: Options);
}

fn main() {}
