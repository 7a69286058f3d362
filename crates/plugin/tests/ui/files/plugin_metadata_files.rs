use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
trait A {
    fn a(&self) {}
}

#[plugin(id = "org.example.missing", provides(A), metadata = "missing.json")]
#[derive(Default)]
struct Missing;

#[plugin(id = "org.example.text", provides(A), metadata = "bad.json")]
#[derive(Default)]
struct Text;

#[plugin(id = "org.example.many", provides(A), metadata = "many.json")]
#[derive(Default)]
struct Many;

impl A for Missing {}
impl A for Text {}
impl A for Many {}

fn main() {}
