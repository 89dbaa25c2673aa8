//! The table of host functions.

use wasmtime::{Caller, Engine, Linker};

use super::errno::{Called, Errno};
use super::memory::Memory;
use super::{Cut, State, poll};

const WASI: &str = "wasi_snapshot_preview1";

/// All functions of WASI preview 1.
pub(crate) const NAMES: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

type Guest<'a> = Caller<'a, State>;

/// Runs a call with the state and the memory of the guest that makes it.
pub(crate) fn with_memory(
    guest: &mut Guest<'_>,
    call: impl FnOnce(&mut State, &mut Memory<'_>) -> Called,
) -> Called {
    let memory = match guest.data().memory {
        Some(memory) => memory,
        None => {
            let memory = guest.get_export("memory").and_then(wasmtime::Extern::into_memory);
            guest.data_mut().memory = memory;
            memory.ok_or(Errno::FAULT)?
        }
    };
    let (bytes, state) = memory.data_and_store_mut(guest);
    call(state, &mut Memory(bytes))
}

/// The same, as a number.
fn run(mut guest: Guest<'_>, call: impl FnOnce(&mut State, &mut Memory<'_>) -> Called) -> i32 {
    Errno::number(with_memory(&mut guest, call))
}

/// Calls that need no memory.
fn state(guest: &mut Guest<'_>, call: impl FnOnce(&mut State) -> Called) -> i32 {
    Errno::number(call(guest.data_mut()))
}

/// Everything that a module may import.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    process(&mut linker)?;
    streams(&mut linker)?;
    descriptors(&mut linker)?;
    paths(&mut linker)?;
    sockets(&mut linker)?;
    Ok(linker)
}

/// Whether there is something to import under this name.
pub(crate) fn offers(module: &str, name: &str) -> bool {
    module == WASI && NAMES.contains(&name)
}

fn process(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(WASI, "args_sizes_get", |guest: Guest<'_>, count: i32, bytes: i32| {
        run(guest, |state, memory| state.told().arguments.sizes(memory, count, bytes))
    })?;
    linker.func_wrap(WASI, "args_get", |guest: Guest<'_>, starts: i32, bytes: i32| {
        run(guest, |state, memory| state.told().arguments.get(memory, starts, bytes))
    })?;
    linker.func_wrap(WASI, "environ_sizes_get", |guest: Guest<'_>, count: i32, bytes: i32| {
        run(guest, |state, memory| state.told().environment.sizes(memory, count, bytes))
    })?;
    linker.func_wrap(WASI, "environ_get", |guest: Guest<'_>, starts: i32, bytes: i32| {
        run(guest, |state, memory| state.told().environment.get(memory, starts, bytes))
    })?;
    linker.func_wrap(WASI, "clock_res_get", |guest: Guest<'_>, clock: i32, result: i32| {
        run(guest, |state, memory| {
            state.time(clock)?;
            // All are read from the system's, which count nanoseconds.
            memory.write_u64(result, 1)
        })
    })?;
    linker.func_wrap(
        WASI,
        "clock_time_get",
        |guest: Guest<'_>, clock: i32, _precision: i64, result: i32| {
            run(guest, |state, memory| {
                state.has_looked_out = true;
                let time = state.time(clock)?;
                memory.write_u64(result, time)
            })
        },
    )?;
    linker.func_wrap(WASI, "random_get", |guest: Guest<'_>, at: i32, length: i32| {
        run(guest, |state, memory| {
            state.has_looked_out = true;
            state.random(memory, at, length)
        })
    })?;
    linker.func_wrap(
        WASI,
        "proc_exit",
        |mut guest: Guest<'_>, code: i32| -> wasmtime::Result<()> {
            guest.data_mut().exit = Some(code);
            Err(wasmtime::Error::new(Cut::Exit))
        },
    )?;
    linker.func_wrap(WASI, "proc_raise", |_: Guest<'_>, _signal: i32| Errno::NOTSUP.0)?;
    linker.func_wrap_async(WASI, "sched_yield", |guest: Guest<'_>, (): ()| {
        Box::new(poll::sched_yield(guest))
    })?;
    linker.func_wrap_async(
        WASI,
        "poll_oneoff",
        |guest: Guest<'_>, call: (i32, i32, i32, i32)| Box::new(poll::poll_oneoff(guest, call)),
    )?;
    Ok(())
}

fn streams(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        WASI,
        "fd_read",
        |guest: Guest<'_>, fd: i32, buffers: i32, count: i32, read: i32| {
            run(guest, |state, memory| state.fd_read(memory, (fd, buffers, count, read), None))
        },
    )?;
    linker.func_wrap(
        WASI,
        "fd_pread",
        |guest: Guest<'_>, fd: i32, buffers: i32, count: i32, from: i64, read: i32| {
            run(guest, |state, memory| {
                state.fd_read(memory, (fd, buffers, count, read), Some(from))
            })
        },
    )?;
    linker.func_wrap(
        WASI,
        "fd_write",
        |mut guest: Guest<'_>,
         fd: i32,
         buffers: i32,
         count: i32,
         written: i32|
         -> wasmtime::Result<i32> {
            let called = with_memory(&mut guest, |state, memory| {
                state.fd_write(memory, (fd, buffers, count, written))
            });
            guest.data_mut().charge_output()?;
            Ok(Errno::number(called))
        },
    )?;
    linker.func_wrap(
        WASI,
        "fd_pwrite",
        |mut guest: Guest<'_>, fd: i32, _: i32, _: i32, _at: i64, _: i32| {
            // Streams have no places, and files cannot be written.
            state(&mut guest, |state| match state.read_only(fd) {
                Err(Errno::INVAL) => Err(Errno::SPIPE),
                called => called,
            })
        },
    )?;
    linker.func_wrap(
        WASI,
        "fd_seek",
        |guest: Guest<'_>, fd: i32, by: i64, whence: i32, result: i32| {
            run(guest, |state, memory| state.fd_seek(memory, (fd, by, whence, result)))
        },
    )?;
    linker.func_wrap(WASI, "fd_tell", |guest: Guest<'_>, fd: i32, result: i32| {
        run(guest, |state, memory| state.fd_seek(memory, (fd, 0, 1, result)))
    })?;
    Ok(())
}

fn descriptors(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(WASI, "fd_close", |mut guest: Guest<'_>, fd: i32| {
        state(&mut guest, |state| state.fd_close(fd))
    })?;
    linker.func_wrap(WASI, "fd_renumber", |mut guest: Guest<'_>, from: i32, to: i32| {
        state(&mut guest, |state| state.fd_renumber(from, to))
    })?;
    linker.func_wrap(WASI, "fd_fdstat_get", |guest: Guest<'_>, fd: i32, result: i32| {
        run(guest, |state, memory| state.fd_fdstat_get(memory, fd, result))
    })?;
    linker.func_wrap(WASI, "fd_filestat_get", |guest: Guest<'_>, fd: i32, result: i32| {
        run(guest, |state, memory| state.fd_filestat_get(memory, fd, result))
    })?;
    linker.func_wrap(WASI, "fd_prestat_get", |guest: Guest<'_>, fd: i32, result: i32| {
        run(guest, |state, memory| state.fd_prestat_get(memory, fd, result))
    })?;
    linker.func_wrap(
        WASI,
        "fd_prestat_dir_name",
        |guest: Guest<'_>, fd: i32, name: i32, length: i32| {
            run(guest, |state, memory| state.fd_prestat_dir_name(memory, (fd, name, length)))
        },
    )?;
    linker.func_wrap(
        WASI,
        "fd_readdir",
        |guest: Guest<'_>, fd: i32, buffer: i32, length: i32, cookie: i64, used: i32| {
            run(guest, |state, memory| state.fd_readdir(memory, (fd, buffer, length), cookie, used))
        },
    )?;
    linker.func_wrap(
        WASI,
        "fd_advise",
        |mut guest: Guest<'_>, fd: i32, _: i64, _: i64, _: i32| {
            state(&mut guest, |state| state.nothing(fd))
        },
    )?;
    linker.func_wrap(WASI, "fd_allocate", |mut guest: Guest<'_>, fd: i32, _: i64, _: i64| {
        state(&mut guest, |state| state.read_only(fd))
    })?;
    for name in ["fd_datasync", "fd_sync"] {
        linker.func_wrap(WASI, name, |mut guest: Guest<'_>, fd: i32| {
            state(&mut guest, |state| state.nothing(fd))
        })?;
    }
    linker.func_wrap(WASI, "fd_fdstat_set_flags", |mut guest: Guest<'_>, fd: i32, _: i32| {
        state(&mut guest, |state| state.nothing(fd).and(Err(Errno::NOTSUP)))
    })?;
    linker.func_wrap(
        WASI,
        "fd_fdstat_set_rights",
        |mut guest: Guest<'_>, fd: i32, _: i64, _: i64| {
            state(&mut guest, |state| state.nothing(fd).and(Err(Errno::NOTSUP)))
        },
    )?;
    linker.func_wrap(WASI, "fd_filestat_set_size", |mut guest: Guest<'_>, fd: i32, _: i64| {
        state(&mut guest, |state| state.read_only(fd))
    })?;
    linker.func_wrap(
        WASI,
        "fd_filestat_set_times",
        |mut guest: Guest<'_>, fd: i32, _: i64, _: i64, _: i32| {
            state(&mut guest, |state| state.read_only(fd))
        },
    )?;
    Ok(())
}

fn paths(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        WASI,
        "path_open",
        |guest: Guest<'_>,
         fd: i32,
         _follow: i32,
         path: i32,
         length: i32,
         flags: i32,
         rights: i64,
         _inherited: i64,
         _fd_flags: i32,
         result: i32| {
            run(guest, |state, memory| {
                state.path_open(memory, (fd, path, length), (flags, rights), result)
            })
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_filestat_get",
        |guest: Guest<'_>, fd: i32, _follow: i32, path: i32, length: i32, result: i32| {
            run(guest, |state, memory| state.path_filestat_get(memory, (fd, path, length, result)))
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_readlink",
        |mut guest: Guest<'_>, fd: i32, _: i32, _: i32, _: i32, _: i32, _: i32| {
            // There are no links.
            state(&mut guest, |state| state.nothing(fd).and(Err(Errno::INVAL)))
        },
    )?;
    for name in ["path_create_directory", "path_remove_directory", "path_unlink_file"] {
        linker.func_wrap(WASI, name, |mut guest: Guest<'_>, fd: i32, _: i32, _: i32| {
            state(&mut guest, |state| state.read_only(fd))
        })?;
    }
    linker.func_wrap(
        WASI,
        "path_filestat_set_times",
        |mut guest: Guest<'_>, fd: i32, _: i32, _: i32, _: i32, _: i64, _: i64, _: i32| {
            state(&mut guest, |state| state.read_only(fd))
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_link",
        |mut guest: Guest<'_>, fd: i32, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32| {
            state(&mut guest, |state| state.read_only(fd))
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_rename",
        |mut guest: Guest<'_>, fd: i32, _: i32, _: i32, _: i32, _: i32, _: i32| {
            state(&mut guest, |state| state.read_only(fd))
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_symlink",
        |mut guest: Guest<'_>, _: i32, _: i32, fd: i32, _: i32, _: i32| {
            state(&mut guest, |state| state.read_only(fd))
        },
    )?;
    Ok(())
}

fn sockets(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(WASI, "sock_accept", |mut guest: Guest<'_>, fd: i32, _: i32, _: i32| {
        state(&mut guest, |state| state.no_socket(fd))
    })?;
    linker.func_wrap(
        WASI,
        "sock_recv",
        |mut guest: Guest<'_>, fd: i32, _: i32, _: i32, _: i32, _: i32, _: i32| {
            state(&mut guest, |state| state.no_socket(fd))
        },
    )?;
    linker.func_wrap(
        WASI,
        "sock_send",
        |mut guest: Guest<'_>, fd: i32, _: i32, _: i32, _: i32, _: i32| {
            state(&mut guest, |state| state.no_socket(fd))
        },
    )?;
    linker.func_wrap(WASI, "sock_shutdown", |mut guest: Guest<'_>, fd: i32, _: i32| {
        state(&mut guest, |state| state.no_socket(fd))
    })?;
    Ok(())
}
