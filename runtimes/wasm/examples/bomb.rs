//! How long the worst modules take to compile, by the size of their bodies: what the bounds of
//! `inspect` rest on. `cargo run -p quirl-wasm --example bomb`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a tool that measures"
)]

use std::time::Instant;

fn leb(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

fn section(id: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(id);
    leb(body.len() as u64, out);
    out.extend_from_slice(body);
}

/// A module of `count` functions `() -> ()` with this body.
fn module(count: u64, locals: u64, code: &[u8]) -> Vec<u8> {
    let mut out = b"\0asm\x01\0\0\0".to_vec();
    section(1, &[1, 0x60, 0, 0], &mut out);
    let mut functions = Vec::new();
    leb(count, &mut functions);
    functions.extend(std::iter::repeat_n(0, count as usize));
    section(3, &functions, &mut out);
    section(5, &[1, 0, 1], &mut out);
    let mut body = Vec::new();
    if locals > 0 {
        body.push(1);
        leb(locals, &mut body);
        body.push(0x7f);
    } else {
        body.push(0);
    }
    body.extend_from_slice(code);
    body.push(0x0b);
    let mut all = Vec::new();
    leb(count, &mut all);
    for _ in 0..count {
        leb(body.len() as u64, &mut all);
        all.extend_from_slice(&body);
    }
    section(10, &all, &mut out);
    out
}

fn repeat(size: usize, piece: impl Fn(u64, &mut Vec<u8>)) -> Vec<u8> {
    let mut code = Vec::new();
    let mut number = 0;
    while code.len() < size {
        piece(number, &mut code);
        number += 1;
    }
    code
}

fn main() {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true).parallel_compilation(false);
    if std::env::args().nth(1).as_deref() == Some("single") {
        config.cranelift_regalloc_algorithm(wasmtime::RegallocAlgorithm::SinglePass);
    }
    let engine = wasmtime::Engine::new(&config).unwrap();
    let measure = |name: &str, count: u64, locals: u64, code: &[u8]| {
        let module = module(count, locals, code);
        let began = Instant::now();
        let result = engine.precompile_module(&module);
        let took = began.elapsed();
        let what = match result {
            Ok(code) => format!("{} KiB of code", code.len() >> 10),
            Err(error) => error.root_cause().to_string(),
        };
        let rss = std::fs::read_to_string("/proc/self/status").unwrap();
        let rss = rss.lines().find(|line| line.starts_with("VmHWM")).unwrap().to_owned();
        println!(
            "{name:34} {count:6} x {:8} B: {:8.0} ms, {:6.0} ms/MiB  {what} {rss}",
            code.len(),
            took.as_secs_f64() * 1e3,
            took.as_secs_f64() * 1e3 / (module.len() as f64 / 1_048_576.0),
        );
    };
    let local = leb;
    for size in [16 << 10, 64 << 10, 256 << 10, 1 << 20] {
        // a = a + b, over few locals
        measure(
            "arithmetic",
            1,
            16,
            &repeat(size, |number, out| {
                out.push(0x20);
                local(number % 16, out);
                out.push(0x20);
                local((number + 7) % 16, out);
                out.extend([0x6a, 0x21]);
                local((number + 3) % 16, out);
            }),
        );
        // if (a) { b = c }, over many locals: every join of ways needs their values
        for locals in [100, 1_000, 10_000, 49_000] {
            measure(
                &format!("joins over {locals} locals"),
                1,
                locals,
                &repeat(size, |number, out| {
                    out.push(0x20);
                    local(number * 31 % locals, out);
                    out.extend([0x04, 0x40, 0x20]);
                    local(number * 17 % locals, out);
                    out.push(0x21);
                    local(number * 13 % locals, out);
                    out.push(0x0b);
                }),
            );
        }
        // loops beside each other, over many locals
        measure(
            "loops over 1000 locals",
            1,
            1_000,
            &repeat(size, |number, out| {
                out.extend([0x03, 0x40, 0x20]);
                local(number * 17 % 1_000, out);
                out.push(0x22);
                local(number * 13 % 1_000, out);
                out.extend([0x0d, 0, 0x0b]);
            }),
        );
        // all locals live across calls
        measure(
            "calls, 1000 locals live",
            1,
            1_000,
            &repeat(size, |number, out| {
                out.extend([0x10, 0, 0x20]);
                local(number % 1_000, out);
                out.extend([0x41, 1, 0x6a, 0x21]);
                local((number + 1) % 1_000, out);
            }),
        );
        // a table of jumps to one of many blocks
        let mut code = vec![];
        for _ in 0..1000 {
            code.extend([0x02, 0x40]);
        }
        code.extend([0x20, 0, 0x0e]);
        let entries = size as u64 - 4_000;
        leb(entries, &mut code);
        for number in 0..entries {
            leb(number % 127, &mut code);
        }
        code.push(0);
        code.extend(std::iter::repeat_n(0x0b, 1000));
        measure("one jump table", 1, 1, &code);
        // deep nesting
        let depth = size / 4;
        let mut code: Vec<u8> = std::iter::repeat_n([0x03, 0x40], depth).flatten().collect();
        code.extend(std::iter::repeat_n(0x0b, depth));
        measure("loops in loops", 1, 1_000, &code);
        let depth = size / 6;
        let mut code: Vec<u8> =
            std::iter::repeat_n([0x02, 0x40, 0x20, 0], depth).flatten().collect();
        code = code
            .chunks(4)
            .enumerate()
            .flat_map(|(n, c)| {
                let mut c = c.to_vec();
                c.push(0x0d);
                leb((n % 100).min(n) as u64, &mut c);
                c
            })
            .collect();
        code.extend(std::iter::repeat_n(0x0b, depth));
        measure("blocks in blocks with jumps out", 1, 1_000, &code);
    }
    let small = repeat(160, |number, out| {
        out.push(0x20);
        local(number % 4, out);
        out.extend([0x41, 1, 0x6a, 0x21]);
        local((number + 1) % 4, out);
    });
    measure("many functions", 200_000, 4, &small);
    measure("many tiny functions", 200_000, 0, &[]);
}
