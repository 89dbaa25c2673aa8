// The smallest run there is: reads nothing, answers `{}`. What is left of its time is the platform's.
struct part {
    const char *at;
    unsigned long len;
};

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int
fd_write(int fd, const struct part *parts, unsigned long count, unsigned long *sent);

__attribute__((export_name("_start"))) void _start(void) {
    static const struct part answer = {"{}\n", 3};
    static unsigned long sent;
    fd_write(1, &answer, 1, &sent);
}
