use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
trait A {
    fn a(&self) {}
}

#[plugin(
    id = "org.example.words",
    provides(A, metadata = { "key": value }),
    provides(A, metadata = { "key": 'value' }),
    provides(A, metadata("file.json")),
    metadata = { "key": },
)]
#[derive(Default)]
struct Words;

impl A for Words {}

fn main() {}
