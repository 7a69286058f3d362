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

fn main() {}
