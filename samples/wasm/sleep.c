// {"ms":250} → {"slept_ms":250} a quarter of a second later; without `ms` a second.
// It waits inside the host, where no count of guest steps ends it.
#include "../common/json.h"

#include <wasi/api.h>

int main(void) {
    json *args = json_args();
    int64_t ms = 1000;
    if (json_get(args, "ms") && (!json_fixed(json_get(args, "ms"), 0, 86400000, &ms) || ms < 0)) {
        fail("`ms` is not a number from 0 to 86400000", TEXT(""), "");
    }
    __wasi_subscription_t until = {
        .u.tag = __WASI_EVENTTYPE_CLOCK,
        .u.u.clock = {.id = __WASI_CLOCKID_MONOTONIC, .timeout = (uint64_t)ms * 1000000},
    };
    __wasi_event_t event;
    __wasi_size_t events;
    if (__wasi_poll_oneoff(&until, &event, 1, &events) != 0) {
        fail("the host does not wait", TEXT(""), "");
    }
    put("{");
    put_key("slept_ms");
    put_int(ms);
    put("}");
    end_result();
}
