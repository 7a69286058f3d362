use plugwright_plugin::interface;

#[interface(id = "org.example.a", version = "1.0")]
trait Alone {
    fn change(&mut self);
}

#[interface(id = "org.example.b", version = "1.0")]
trait Careless: Alone {
    fn look(&self);
}

fn main() {}
