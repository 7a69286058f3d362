use plugwright_plugin::interface;

#[interface]
trait Nothing {}

#[interface(id = "Not An Id", version = "one", name = "x")]
trait Wrong {}

#[interface(id = 7, version("1.0"))]
trait OtherForms {}

#[interface(id = "org.example.a", id = "org.example.b", version = "1.0")]
trait Twice {}

#[interface(id =, version = "1.0")]
trait NoValue {}

#[interface("org.example.a", version = "1.0")]
trait NoName {}

#[interface(id = "org.example.a", version = "1.0", poisons = "no")]
trait Poisons {}

fn main() {}
