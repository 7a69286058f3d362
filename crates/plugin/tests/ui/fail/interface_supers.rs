use plugwright_plugin::interface;

trait Ordinary {}

#[interface(id = "org.example.a", version = "1.0")]
trait A {
    fn a(&self);
}

#[interface(id = "org.example.b", version = "1.0")]
trait B: A {
    fn b(&self);
}

#[interface(id = "org.example.c", version = "1.0")]
trait Indirect: B {
    fn c(&self);
}

#[interface(id = "org.example.d", version = "1.0")]
trait OfNone: Ordinary {
    fn d(&self);
}

fn main() {}
