// Returns its arguments, byte for byte.
#include <stdint.h>
#include <wasi/api.h>

int main(void) {
    static uint8_t buffer[65536];
    for (;;) {
        __wasi_iovec_t in = {buffer, sizeof buffer};
        __wasi_size_t got = 0, sent = 0;
        if (__wasi_fd_read(0, &in, 1, &got) != 0) {
            return 1;
        }
        if (got == 0) {
            return 0;
        }
        for (__wasi_size_t done = 0; done < got; done += sent) {
            __wasi_ciovec_t out = {buffer + done, got - done};
            if (__wasi_fd_write(1, &out, 1, &sent) != 0 || sent == 0) {
                return 1;
            }
        }
    }
}
