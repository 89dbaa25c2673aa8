//! What can be said of a module before it is compiled: kind, imports, exports, size.

use invoker::driver::{Artefact, Refused};
use wasmparser::{CompositeInnerType, ExternalKind, Parser, Payload, TypeRef, ValType};

/// Kinds of this family.
pub(crate) const COMMAND: &str = "wasm:command";
pub(crate) const COMPONENT: &str = "wasm:component";
pub(crate) const HTTP: &str = "wasm:http";
/// To be found out.
const DEFAULT: &str = "wasm:default";

/// Larger modules are not looked at: the code limit of 48 MB of base64 is below it, an archive may
/// hold more.
const MOST_MODULE: usize = 64 << 20;

/// What was seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) is_component: bool,
    imports: Vec<(String, String)>,
    /// Exported functions that can be called as an entry, or all exports of a component.
    exports: Vec<String>,
    /// Of a module: which types are those of an entry, and the type of each function.
    types: Vec<bool>,
    functions: Vec<u32>,
    /// Bytes of its largest function.
    pub(crate) largest_body: usize,
    /// Bytes that its memories start with.
    memory: u64,
}

/// Refuses code that is not a WebAssembly module.
pub(crate) fn not_a_module(reason: &str) -> Refused {
    Refused(format!("The code is not a WebAssembly module: {reason}."))
}

/// Reads the sections of a module or component.
pub(crate) fn look(bytes: &[u8]) -> Result<Looked, Refused> {
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(Refused(
            "Precompiled native code is refused; upload the WebAssembly module itself.".to_owned(),
        ));
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(not_a_module("it does not begin with \\0asm"));
    }
    if bytes.len() > MOST_MODULE {
        let most = MOST_MODULE >> 20;
        return Err(not_a_module(&format!("it is larger than {most} MiB")));
    }
    let mut looked = Looked::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| malformed(&error))?;
        match payload {
            Payload::Version { encoding, .. } => {
                if depth == 0 {
                    looked.is_component = encoding == wasmparser::Encoding::Component;
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            payload if depth == 1 => section(&mut looked, payload)?,
            _ => {}
        }
    }
    Ok(looked)
}

fn section(looked: &mut Looked, payload: Payload<'_>) -> Result<(), Refused> {
    match payload {
        Payload::TypeSection(groups) => {
            for group in groups {
                let group = group.map_err(|error| malformed(&error))?;
                looked.types.extend(group.types().map(is_entry));
            }
        }
        Payload::FunctionSection(functions) => {
            for function in functions {
                looked.functions.push(function.map_err(|error| malformed(&error))?);
            }
        }
        Payload::ImportSection(imports) => {
            for import in imports.into_imports() {
                let import = import.map_err(|error| malformed(&error))?;
                match import.ty {
                    TypeRef::Memory(memory) => {
                        looked.memory = looked.memory.saturating_add(size(memory));
                    }
                    TypeRef::Func(of) | TypeRef::FuncExact(of) => looked.functions.push(of),
                    _ => {}
                }
                looked.imports.push((import.module.to_owned(), import.name.to_owned()));
            }
        }
        Payload::MemorySection(memories) => {
            for memory in memories {
                let memory = memory.map_err(|error| malformed(&error))?;
                looked.memory = looked.memory.saturating_add(size(memory));
            }
        }
        Payload::ExportSection(exports) => {
            for export in exports {
                let export = export.map_err(|error| malformed(&error))?;
                if export.kind == ExternalKind::Func && looked.is_entry(export.index) {
                    looked.exports.push(export.name.to_owned());
                }
            }
        }
        Payload::ComponentExportSection(exports) => {
            for export in exports {
                let export = export.map_err(|error| malformed(&error))?;
                looked.exports.push(export.name.name.to_owned());
            }
        }
        Payload::CodeSectionEntry(body) => {
            looked.largest_body = looked.largest_body.max(body.range().len());
        }
        _ => {}
    }
    Ok(())
}

impl Looked {
    /// Whether the function with this index can be called as an entry.
    fn is_entry(&self, function: u32) -> bool {
        let of = self.functions.get(function as usize);
        of.and_then(|of| self.types.get(*of as usize)).is_some_and(|is_entry| *is_entry)
    }
}

/// No arguments, and nothing or a status as result.
fn is_entry(of: &wasmparser::SubType) -> bool {
    let CompositeInnerType::Func(function) = &of.composite_type.inner else { return false };
    function.params().is_empty() && matches!(function.results(), [] | [ValType::I32])
}

fn size(memory: wasmparser::MemoryType) -> u64 {
    memory.initial.saturating_mul(1 << memory.page_size_log2.unwrap_or(16).min(16))
}

fn malformed(error: &wasmparser::BinaryReaderError) -> Refused {
    not_a_module(&format!("{} (at byte {})", error.message(), error.offset()))
}

/// The concrete kind of what was seen, which must be the one that was asked for.
pub(crate) fn kind(looked: &Looked, artefact: &Artefact) -> Result<&'static str, Refused> {
    let exports = |prefix: &str| looked.exports.iter().any(|name| name.starts_with(prefix));
    let found = if !looked.is_component {
        COMMAND
    } else if exports("openwhisk:action/handler") {
        COMPONENT
    } else if exports("wasi:http/incoming-handler@0.2") || exports("wasi:http/handler@0.3") {
        HTTP
    } else if exports("wasi:cli/run@") {
        return Err(not_a_module("components with 'wasi:cli/run' cannot be run yet"));
    } else {
        return Err(not_a_module("it is a component without an export that can be called"));
    };
    if artefact.kind == found || artefact.kind == DEFAULT {
        return Ok(found);
    }
    let kind = &artefact.kind;
    Err(Refused(format!(
        "The code is a '{found}' artefact, not '{kind}'; use '{found}' or 'wasm:default'."
    )))
}

/// Which export is called: `_start`, or what `main` says.
pub(crate) fn entry(main: Option<&str>, has: impl Fn(&str) -> bool) -> &str {
    match main {
        None | Some("") => "_start",
        // Clients send it as a default; in most modules it is not an export to call.
        Some("main") if !has("main") => "_start",
        Some(main) => main,
    }
}

/// Checks what would make a module fail before it begins.
pub(crate) fn check(
    looked: &Looked,
    artefact: &Artefact,
    offers: impl Fn(&str, &str) -> bool,
) -> Result<(), Refused> {
    if let Some((module, name)) = looked.imports.iter().find(|(module, name)| !offers(module, name))
    {
        return Err(Refused(format!(
            "The module cannot be linked: unknown import '{module}.{name}'."
        )));
    }
    let has = |name: &str| looked.exports.iter().any(|export| export == name);
    let entry = entry(artefact.main.as_deref(), has);
    if !has(entry) {
        return Err(no_export(entry));
    }
    let limit = u64::from(artefact.memory_mb) << 20;
    if looked.memory > limit {
        let needs = looked.memory.div_ceil(1 << 20);
        return Err(Refused(format!(
            "The module starts with {needs} MB of memory, more than its limit of {} MB.",
            artefact.memory_mb
        )));
    }
    Ok(())
}

/// Refuses a module without the export that is to be called.
pub(crate) fn no_export(name: &str) -> Refused {
    Refused(format!("The module has no export '{name}'."))
}
