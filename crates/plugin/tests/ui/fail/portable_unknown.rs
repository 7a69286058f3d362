use plugwright_plugin::Portable;

#[derive(Portable)]
enum Twice {
    One,
    #[unknown]
    Two,
    #[unknown]
    Three,
}

#[derive(Portable)]
enum WithFields {
    One,
    #[unknown]
    Other(u32),
    #[unknown(4)]
    Another,
}

#[derive(Portable)]
struct Point {
    #[unknown]
    x: u32,
}

#[derive(Portable)]
struct Encoded {
    #[encoded(json)]
    a: Vec<u32>,
    #[encoded]
    #[encoded]
    b: Vec<u32>,
}

#[derive(Portable)]
struct Lent<'a> {
    #[encoded]
    a: &'a str,
}

fn main() {}
