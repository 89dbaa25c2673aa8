// Never ends: only the deadline stops it.
__attribute__((export_name("_start"))) void _start(void) {
    for (;;) {
        __asm__ volatile(""); // keeps the loop: without an effect the compiler may drop it
    }
}
