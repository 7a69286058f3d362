use plugwright_plugin::Portable;

#[derive(Portable)]
struct Numbers<const N: usize>([u32; N]);

#[derive(Portable)]
enum Never {}

#[derive(Portable)]
union Either {
    number: u32,
    float: f32,
}

#[derive(Portable)]
struct Chain {
    next: Option<Box<Chain>>,
    #[encoded]
    right: Vec<Chain>,
}

#[derive(Portable)]
enum Expression<T> {
    Value(T),
    Sum(Vec<Self>),
    Product { factors: Vec<(u8, Expression<T>)> },
    Right(other::Expression),
}

#[derive(Portable)]
struct Lent<'a, T: Clone> {
    list: Option<&'a [T]>,
    right: (T, &'a str),
}

fn main() {}
