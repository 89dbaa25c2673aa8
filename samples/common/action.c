#include "action.h"

#include <string.h>
#include <wasi/api.h>

enum {
    PAGE = 65536,
    // The platform takes 1 MiB of arguments; somebody else's limit may be higher, ours ends here.
    ARGS_MAX = 4 << 20,
    RESULT_MAX = 1 << 20,
};

extern unsigned char __heap_base; // where the linker's own data ends

static char *top;   // everything below is taken
static char *limit; // the end of the memory that we have
static char *out;   // what was put and not sent starts here ...
static size_t put_so_far;

// --- words ---

bool text_is(text a, text b) {
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

int text_order(text a, text b) {
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

// --- memory ---

static void send(const char *bytes, size_t len) {
    while (len > 0) {
        __wasi_ciovec_t part = {(const uint8_t *)bytes, len};
        __wasi_size_t sent = 0;
        if (__wasi_fd_write(1, &part, 1, &sent) != 0 || sent == 0) {
            __wasi_proc_exit(1); // nobody listens
        }
        bytes += sent;
        len -= sent;
    }
}

// Makes sure that `len` bytes can be used from `from` on.
static void reach(const char *from, size_t len) {
    if (!limit) {
        limit = (char *)(__builtin_wasm_memory_size(0) * PAGE);
    }
    size_t have = (size_t)(limit - from);
    if (have >= len) {
        return;
    }
    size_t pages = (len - have + PAGE - 1) / PAGE;
    if (len > (size_t)1 << 30 || __builtin_wasm_memory_grow(0, pages) == (size_t)-1) {
        static const char message[] = "{\"error\":\"out of memory\"}\n";
        send(message, sizeof message - 1);
        __wasi_proc_exit(0);
    }
    limit += pages * PAGE;
}

static char *start(void) {
    if (!top) {
        top = (char *)&__heap_base;
    }
    return top = (char *)(((uintptr_t)top + 7) & ~(uintptr_t)7);
}

void *take(size_t count, size_t size) {
    char *at = start();
    size_t len = count > ((size_t)1 << 30) / size ? (size_t)-1 : count * size;
    reach(at, len);
    memset(at, 0, len);
    top = at + len;
    return at;
}

text read_args(void) {
    char *at = start();
    size_t len = 0;
    for (;;) {
        reach(at, len + PAGE);
        __wasi_iovec_t part = {(uint8_t *)at + len, (size_t)(limit - at) - len};
        __wasi_size_t got = 0;
        if (__wasi_fd_read(0, &part, 1, &got) != 0) {
            fail("the arguments cannot be read", TEXT(""), "");
        }
        if (got == 0) {
            break;
        }
        len += got;
        if (len > ARGS_MAX) {
            fail_at("the arguments are longer than ", ARGS_MAX, " bytes");
        }
    }
    top = at + len;
    return (text){at, (uint32_t)len};
}

// --- writing ---

void put_text(text bytes) {
    if (put_so_far == 0) {
        out = start();
    }
    reach(out, put_so_far + bytes.len);
    memcpy(out + put_so_far, bytes.at, bytes.len);
    put_so_far += bytes.len;
}

void put(const char *words) {
    put_text((text){words, (uint32_t)strlen(words)});
}

// Decimal digits of `value`, at least `width` of them.
static void put_digits(uint64_t value, int width) {
    char digits[24];
    int at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
        width--;
    } while ((value > 0 || width > 0) && at > 0);
    put_text((text){digits + at, (uint32_t)(sizeof digits - (size_t)at)});
}

static uint64_t put_sign(int64_t value) {
    if (value < 0) {
        put("-");
        return 0 - (uint64_t)value;
    }
    return (uint64_t)value;
}

void put_int(int64_t value) {
    put_digits(put_sign(value), 1);
}

void put_fixed(int64_t value, int places) {
    uint64_t size = put_sign(value), one = 1;
    for (int i = 0; i < places; i++) {
        one *= 10;
    }
    uint64_t fraction = size % one;
    // As every JSON library prints a double: 12.5, not 12.50; and 12.0 stays a number with a point.
    for (; places > 1 && fraction % 10 == 0; places--) {
        fraction /= 10;
    }
    put_digits(size / one, 1);
    if (places > 0) {
        put(".");
        put_digits(fraction, places);
    }
}

void put_string(text bytes) {
    static const char hex[] = "0123456789abcdef";
    put("\"");
    uint32_t sent = 0;
    for (uint32_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.at[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        put_text((text){bytes.at + sent, i - sent});
        sent = i + 1;
        char escape[6] = {'\\', (char)c, '0', '0', hex[c >> 4], hex[c & 15]};
        uint32_t len = 2;
        switch (c) {
        case '"':
        case '\\':
            break;
        case '\n':
            escape[1] = 'n';
            break;
        case '\r':
            escape[1] = 'r';
            break;
        case '\t':
            escape[1] = 't';
            break;
        default:
            escape[1] = 'u';
            len = 6;
        }
        put_text((text){escape, len});
    }
    put_text((text){bytes.at + sent, bytes.len - sent});
    put("\"");
}

void put_key(const char *name) {
    put("\"");
    put(name);
    put("\":");
}

static void end(void) {
    put("\n");
    send(out, put_so_far);
    put_so_far = 0;
}

void end_log(void) {
    end();
}

void end_result(void) {
    if (put_so_far > RESULT_MAX) {
        fail_at("the result is longer than ", RESULT_MAX, " bytes");
    }
    end();
}

// --- failure ---

void fail(const char *before, text what, const char *after) {
    // `what` may lie where the buffer is; a message on the stack is safe from that.
    char copy[200];
    uint32_t len = what.len < sizeof copy ? what.len : sizeof copy;
    while (len < what.len && len > 0 && ((unsigned char)what.at[len] & 0xc0) == 0x80) {
        len--; // not in the middle of a character
    }
    memcpy(copy, what.at, len);
    put_so_far = 0;

    char message[400];
    uint32_t used = 0;
    text parts[3] = {{before, (uint32_t)strlen(before)}, {copy, len}, {after, (uint32_t)strlen(after)}};
    for (int i = 0; i < 3; i++) {
        uint32_t room = (uint32_t)sizeof message - used;
        uint32_t part = parts[i].len < room ? parts[i].len : room;
        memcpy(message + used, parts[i].at, part);
        used += part;
    }
    put("{\"error\":");
    put_string((text){message, used});
    put("}");
    end();
    __wasi_proc_exit(0); // the platform reads the result: an application error
}

void fail_at(const char *before, int64_t number, const char *after) {
    char digits[24];
    int at = sizeof digits;
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + size % 10);
        size /= 10;
    } while (size > 0);
    if (number < 0) {
        digits[--at] = '-';
    }
    fail(before, (text){digits + at, (uint32_t)(sizeof digits - (size_t)at)}, after);
}
