use plugwright_plugin::Portable;

#[derive(Portable)]
struct Record {
    number: u32,
    list: Vec<std::rc::Rc<str>>,
}

#[derive(Portable)]
enum Choice {
    Plain(u8),
    Function(fn()),
}

fn main() {}
