//! Gathers how this library, and so the plugin that it is part of, is built.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for (fact, from) in [("TARGET", "TARGET"), ("PROFILE", "PROFILE")] {
        println!("cargo::rustc-env=PLUGWRIGHT_{fact}={}", variable(from));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a build script asks the compiler that cargo names for its version"
    )]
    let version = Command::new(variable("RUSTC")).arg("--version").output();
    let version = version.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    println!("cargo::rustc-env=PLUGWRIGHT_RUSTC={version}");
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| "unknown".to_owned())
}
