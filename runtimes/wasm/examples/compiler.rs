//! The program that tests of this crate start to compile modules, as `quirld` does with itself.

fn main() -> std::process::ExitCode {
    quirl_wasm::compile()
}
