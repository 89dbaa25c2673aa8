//! What the machine has: memory for defaults, room on a disk.

use std::fs;
use std::io;
use std::path::Path;

use model::size::ByteSize;

/// Memory that this process may use: that of the machine, or less if its control group says so.
/// `None` if the system does not tell.
#[must_use]
pub fn total() -> Option<ByteSize> {
    let machine = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(machine_total);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = group_folders(&groups).into_iter().flat_map(|folder| {
        // A limit may stand at any group above; one without a limit says `max`.
        let above: Vec<_> = Path::new(&folder).ancestors().map(Path::to_owned).collect();
        above.into_iter().take_while(|folder| folder != Path::new("/sys/fs"))
    });
    let limits = limits
        .flat_map(|folder| ["memory.max", "memory.limit_in_bytes"].map(|name| folder.join(name)));
    let limits = limits.filter_map(|file| group_limit(&fs::read_to_string(file).ok()?));
    limits.chain(machine).min()
}

/// Bytes that an ordinary process may still write to the file system of `path`.
///
/// # Errors
/// What the system says, such as that there is no such path.
pub fn free_disk(path: &Path) -> io::Result<ByteSize> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(ByteSize::bytes(disk.f_bavail.saturating_mul(disk.f_frsize)))
}

fn machine_total(meminfo: &str) -> Option<ByteSize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok().map(ByteSize::kib)
}

/// Folders of the memory controller, of both versions of control groups.
fn group_folders(groups: &str) -> Vec<String> {
    let folder = |line: &str| {
        let (_, line) = line.split_once(':')?;
        match line.split_once(':')? {
            ("", path) => Some(format!("/sys/fs/cgroup{path}")),
            (controllers, path) if controllers.split(',').any(|it| it == "memory") => {
                Some(format!("/sys/fs/cgroup/memory{path}"))
            }
            _ => None,
        }
    };
    groups.lines().filter_map(folder).collect()
}

fn group_limit(text: &str) -> Option<ByteSize> {
    text.trim().parse().ok().map(ByteSize::bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_and_a_disk() {
        assert!(total().unwrap() > ByteSize::mib(64));
        assert!(free_disk(Path::new("/")).unwrap() > ByteSize::bytes(0));
        assert!(free_disk(Path::new("/no/such/folder")).is_err());
    }

    #[test]
    fn the_files_of_the_system_are_understood() {
        let meminfo = "MemTotal:       24602344 kB\nMemFree:        23095932 kB\n";
        assert_eq!(machine_total(meminfo), Some(ByteSize::kib(24_602_344)));
        assert_eq!(group_folders("0::/user.slice/a\n"), ["/sys/fs/cgroup/user.slice/a"]);
        assert_eq!(
            group_folders("5:cpu,memory:/docker/x\n4:pids:/docker/x\n"),
            ["/sys/fs/cgroup/memory/docker/x"]
        );
        assert_eq!(group_limit("1073741824\n"), Some(ByteSize::mib(1024)));
        assert_eq!(group_limit("max\n"), None);
    }
}
