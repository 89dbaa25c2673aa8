// What every sample shares with its host: arguments in, log lines and one result out, memory.
//
// A command module gets its arguments as one line of JSON on stdin. It answers on stdout: the last
// line is the result, earlier lines are log lines. Each run is a fresh instance, so nothing is freed.
#ifndef QUIRL_SAMPLES_ACTION_H
#define QUIRL_SAMPLES_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes of somebody else's memory; not terminated.
typedef struct {
    const char *at;
    uint32_t len;
} text;

#define TEXT(literal) ((text){literal, sizeof(literal) - 1})
bool text_is(text a, text b);
int text_order(text a, text b); // by bytes; a prefix comes first

// Zeroed memory for `count` things of `size` bytes, kept to the end of the run. Never fails: when
// the host gives no more, the run ends with an error as its result.
void *take(size_t count, size_t size);
#define TAKE(count, type) ((type *)take((count), sizeof(type)))

// All of stdin. The caller may change it.
text read_args(void);

// Writing. What is put collects in a buffer that lies on top of the memory: no `take` between the
// first `put_*` and the `end_*` that sends it.
void put(const char *words);
void put_text(text bytes);
void put_int(int64_t value);
void put_fixed(int64_t value, int places); // -1250 with 2 places: -12.5; at least one decimal
void put_string(text bytes);               // as a JSON string
void put_key(const char *name);            // `"name":`

void end_log(void);    // what was put becomes a log line
void end_result(void); // what was put becomes the result

// Ends the run with `{"error":"<before><what><after>"}`; drops what was put and not sent.
_Noreturn void fail(const char *before, text what, const char *after);
_Noreturn void fail_at(const char *before, int64_t number, const char *after);

#endif
