//! Makes code from compiled bytes. The only `unsafe` of this repository is here.

use wasmtime::{Engine, Module};

use super::cache::Code;

/// Loads a module that was compiled here.
///
/// `code` must be what [`super::compile::compile`] made, as the cache kept it: the cache is written
/// by this process alone, in a folder that nobody else may write, its files are never changed, and
/// the checksum was compared. Nothing that a user sent ever comes here: uploads in this form are
/// refused.
///
/// # Errors
/// What wasmtime says to bytes of another version or another configuration.
pub(super) fn load(engine: &Engine, code: Code) -> wasmtime::Result<Module> {
    #[expect(unsafe_code, reason = "wasmtime cannot know who made the machine code")]
    // SAFETY: the bytes are the output of `Engine::precompile_module` of this process or of one
    // before it with the same compatibility hash, unchanged, as demanded above.
    unsafe {
        match code {
            Code::Read(bytes) => Module::deserialize(engine, bytes),
            Code::File(file, _) => Module::deserialize_open_file(engine, file),
        }
    }
}
