use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
trait A {
    fn a(&self) {}
}

#[plugin]
#[derive(Default)]
struct Nothing;

#[plugin(id = "One", nmae = "x", provides(A, key = ["a"]), unloadable = "yes")]
#[derive(Default)]
struct Wrong;

#[plugin(id = "org.example.a", name = "x", name = "y", unloadable = true, unloadable = false, provides(A))]
#[derive(Default)]
struct Twice;

#[plugin(id("org.example.a"), name = 7, provides = A)]
#[derive(Default)]
struct OtherForms;

#[plugin(id = "org.example.a", provides())]
#[derive(Default)]
struct ProvidesNothing;

#[plugin(id = "org.example.a", provides(A keys = ["a"]))]
#[derive(Default)]
struct NoComma;

#[plugin(id = "org.example.a", provides(A), capabilities = ["files", 7, "threads:2"])]
#[derive(Default)]
struct AsksWrongly;

impl A for AsksWrongly {}
impl A for Nothing {}
impl A for Wrong {}
impl A for Twice {}
impl A for OtherForms {}
impl A for ProvidesNothing {}
impl A for NoComma {}

fn main() {}
