//! Reading libraries and plugins beside the programs that others use for it: Qt's own reader, `scanelf`, `ldd -r`,
//! `libtree`.
//!
//! Prints Markdown tables; the first row of each is the yardstick, and what a machine lacks is said. Without arguments
//! everything is measured; `cargo bench -p plugwright-benches --bench inspection -- qt why` measures only these of
//! `qt`, `gstreamer`, `headers`, `why` and `many`.

mod many;
mod process;
mod qt;
mod tree;

/// Where Debian keeps the libraries of this processor.
const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu";

type Part = (&'static str, fn());

const PARTS: [Part; 5] = [
    ("qt", qt::measure),
    ("gstreamer", tree::gstreamer),
    ("headers", tree::headers),
    ("why", tree::why),
    ("many", many::measure),
];

fn main() {
    process::build_plugwright();
    // Cargo adds options of its own.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure();
        }
    }
}

#[expect(clippy::print_stdout, reason = "a bench's result is what it prints")]
fn print(text: &str) {
    println!("{text}");
}

fn skip(what: &str, why: &str) {
    print(&format!("SKIPPED: {what}: {why}\n"));
}
