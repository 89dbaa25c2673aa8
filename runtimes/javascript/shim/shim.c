/*
 * What stands between QuickJS-NG and the host: one module, made once, in which a script is
 * evaluated and its `main` called.
 *
 * The host calls, each at most once in an instance:
 *
 *   init()   makes runtime and context and evaluates the library. Called when the engine is built;
 *            what it leaves in memory is the module's own.
 *   load()   evaluates an action's code. What that changes in memory is the action's image, if the
 *            host saw no call that makes two evaluations differ.
 *   run()    calls `main` and turns the event loop until it has settled.
 *
 * and offers the functions that are imported below from module "quirl", beside those of WASI that
 * the C library asks for. Everything else is JavaScript: ../core.js and ../lib.
 *
 * It is one translation unit with the engine, because it seeds what is random in a context that was
 * made long ago, and looks into iterators and proxies for those who print them.
 */
#include "quickjs.c"

#include <unistd.h>

#define IMPORT(name) __attribute__((import_module("quirl"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

/* Looks a text up: what it is (constants of core.js), under which name. Its length, or -1 if there is none. */
IMPORT(open) int32_t host_open(int32_t what, const char *name, size_t length);
/* Copies what was looked up last. */
IMPORT(read) void host_read(void *into);
/* A line, or lines, of the log. */
IMPORT(log) void host_log(int32_t stream, const char *text, size_t length);
/* How the script ended; only the first counts. */
IMPORT(answer) void host_answer(int32_t kind, const char *text, size_t length);
/* The seed of hashes for this instance. Not random in an image. */
IMPORT(seed) uint64_t host_seed(void);
/* Waits for something from outside, at most so many milliseconds, for ever if negative. The number
   of the request that has ended, else 0. Its answer is looked up. */
IMPORT(wait) int32_t host_wait(double milliseconds);
/* Sends a request: what it is as JSON, and its body. Its number, 0 if there are too many. */
IMPORT(send) int32_t host_send(const char *head, size_t head_length, const void *body, size_t length);
/* A request is given up. */
IMPORT(cancel) void host_cancel(int32_t number);
/* Digests: begins one, takes bytes, writes the digest and returns its length. */
IMPORT(hash_begin) int32_t host_hash_begin(int32_t algorithm);
IMPORT(hash_update) void host_hash_update(const void *bytes, size_t length);
IMPORT(hash_end) int32_t host_hash_end(void *digest);

/* Stack of the script, in the module's memory, and what is left for C. The host's own stack, which
   WebAssembly keeps apart, is larger than what this much script takes of it. */
#define SCRIPT_STACK (QUIRL_STACK - (64 << 10))
/* Garbage is not looked for before this much was allocated beyond what the library takes: looking
   touches every page. */
#define GARBAGE (16 << 20)
/* Bytes that a digest takes at a time, so that a script can be interrupted in between. */
#define HASH_STEP ((size_t)1 << 20)
#define MOST_HASH_BYTES 64

static JSRuntime *rt;
static JSContext *context;
/* What core.js returned. */
static JSValue core;

/* --- what the engine asks for --------------------------------------------------------------- */

static uint64_t quirl_random_seed(void)
{
    uint64_t seed = 0;

    while (seed == 0)
        getentropy(&seed, sizeof(seed));
    return seed;
}

static bool quirl_throw_unavailable(JSContext *ctx, const char *name)
{
    JSValue argument, error;

    if (!JS_IsObject(core))
        return false;
    argument = JS_NewString(ctx, name);
    error = JS_GetPropertyStr(ctx, core, "missing");
    if (JS_IsFunction(ctx, error)) {
        JSValue found = JS_Call(ctx, error, core, 1, (JSValueConst *)&argument);
        JS_FreeValue(ctx, error);
        error = found;
    }
    JS_FreeValue(ctx, argument);
    if (!JS_IsObject(error)) {
        JS_FreeValue(ctx, error);
        return false;
    }
    JS_Throw(ctx, error);
    return true;
}

/* --- primitives of the library: properties of `host` ---------------------------------------- */

/* Text behind `what`: a string with a NUL behind it that the caller frees. NULL: there is none, or
   no memory. */
static char *fetch(JSContext *ctx, int32_t what, const char *name, size_t *length)
{
    int32_t found = host_open(what, name, name ? strlen(name) : 0);
    char *text;

    *length = 0;
    if (found < 0)
        return NULL;
    text = js_malloc(ctx, (size_t)found + 1);
    if (!text)
        return NULL;
    host_read(text);
    text[found] = '\0';
    *length = (size_t)found;
    return text;
}

/* What `argv` asks for: what it is, and its name, which is given too if `name` is. NULL: there is
   none, or an exception. */
static char *looked_up(JSContext *ctx, JSValueConst *argv, const char **name, size_t *length)
{
    int32_t what;
    const char *under;
    char *text;

    if (JS_ToInt32(ctx, &what, argv[0]))
        return NULL;
    under = JS_ToCString(ctx, argv[1]);
    if (!under)
        return NULL;
    text = fetch(ctx, what, under, length);
    if (text && name)
        *name = under;
    else
        JS_FreeCString(ctx, under);
    return text;
}

/* What a lookup is that found nothing. */
static JSValue nothing(JSContext *ctx)
{
    return JS_HasException(ctx) ? JS_EXCEPTION : JS_UNDEFINED;
}

/* open(what, name): Uint8Array, or undefined. */
static JSValue quirl_open(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t length;
    char *text = looked_up(ctx, argv, NULL, &length);
    JSValue bytes;

    if (!text)
        return nothing(ctx);
    bytes = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text, length);
    js_free(ctx, text);
    return bytes;
}

/* text(what, name): string, or undefined. Invalid UTF-8 becomes U+FFFD. */
static JSValue quirl_text(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t length;
    char *text = looked_up(ctx, argv, NULL, &length);
    JSValue string;

    if (!text)
        return nothing(ctx);
    string = JS_NewStringLen(ctx, text, length);
    js_free(ctx, text);
    return string;
}

/* json(what, name): the value, or undefined. */
static JSValue quirl_json(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t length;
    const char *name;
    char *text = looked_up(ctx, argv, &name, &length);
    JSValue value;

    if (!text)
        return nothing(ctx);
    value = JS_ParseJSON(ctx, text, length, name);
    JS_FreeCString(ctx, name);
    js_free(ctx, text);
    return value;
}

/* print(stream, text): a line. */
static JSValue quirl_print(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int32_t stream;
    const char *text;
    size_t length;

    if (JS_ToInt32(ctx, &stream, argv[0]))
        return JS_EXCEPTION;
    text = JS_ToCStringLen(ctx, &length, argv[1]);
    if (!text)
        return JS_EXCEPTION;
    host_log(stream, text, length);
    JS_FreeCString(ctx, text);
    return JS_UNDEFINED;
}

/* answer(kind, text) */
static JSValue quirl_answer(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int32_t kind;
    const char *text;
    size_t length;

    if (JS_ToInt32(ctx, &kind, argv[0]))
        return JS_EXCEPTION;
    text = JS_ToCStringLen(ctx, &length, argv[1]);
    if (!text)
        return JS_EXCEPTION;
    host_answer(kind, text, length);
    JS_FreeCString(ctx, text);
    return JS_UNDEFINED;
}

/* now(): milliseconds since the epoch, with a fraction. */
static JSValue quirl_now(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return JS_NewFloat64(ctx, (double)js__gettimeofday_us() / 1000.0);
}

/* hrtime(): nanoseconds since some start, a BigInt. */
static JSValue quirl_hrtime(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return JS_NewBigInt64(ctx, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
}

/* random(buffer, offset, length): fills. */
static JSValue quirl_random(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    uint8_t *bytes;
    size_t size, step;
    uint32_t offset, length;

    bytes = JS_GetArrayBuffer(ctx, &size, argv[0]);
    if (!bytes || JS_ToUint32(ctx, &offset, argv[1]) || JS_ToUint32(ctx, &length, argv[2]))
        return JS_EXCEPTION;
    if (offset > size || length > size - offset)
        return JS_ThrowRangeError(ctx, "out of the buffer");
    for (bytes += offset; length > 0; bytes += step, length -= step) {
        step = length < 256 ? length : 256;
        getentropy(bytes, step);
    }
    return JS_UNDEFINED;
}

/* utf8Encode(string): Uint8Array; lone surrogates become U+FFFD. */
static JSValue quirl_utf8_encode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    const char *text;
    size_t length;
    JSValue well_formed, method, bytes;

    method = JS_GetPropertyStr(ctx, argv[0], "toWellFormed");
    if (JS_IsException(method))
        return JS_EXCEPTION;
    well_formed = JS_Call(ctx, method, argv[0], 0, NULL);
    JS_FreeValue(ctx, method);
    if (JS_IsException(well_formed))
        return JS_EXCEPTION;
    text = JS_ToCStringLen(ctx, &length, well_formed);
    JS_FreeValue(ctx, well_formed);
    if (!text)
        return JS_EXCEPTION;
    bytes = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text, length);
    JS_FreeCString(ctx, text);
    return bytes;
}

/* The length of the whole character at `at`, or minus the length of what is no character there, as
   the WHATWG's decoder counts: each maximal part is one U+FFFD. */
static int utf8_at(const uint8_t *at, size_t left)
{
    uint8_t first = at[0], low = 0x80, high = 0xbf;
    int length, i;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return -1;
    length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (i = 1; i < length; i++) {
        if ((size_t)i >= left || at[i] < low || at[i] > high)
            return -i;
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

/* utf8Decode(Uint8Array, fatal): string. */
static JSValue quirl_utf8_decode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    const uint8_t *bytes;
    size_t size, at, from;
    DynBuf text;
    JSValue string;
    int step;

    bytes = JS_GetUint8Array(ctx, &size, argv[0]);
    if (!bytes) {
        if (size == 0 && !JS_HasException(ctx))
            return JS_NewStringLen(ctx, "", 0);
        return JS_EXCEPTION;
    }
    for (at = 0; at < size && (step = utf8_at(bytes + at, size - at)) > 0; at += step)
        ;
    if (at == size)
        return JS_NewStringLen(ctx, (const char *)bytes, size);
    if (JS_ToBool(ctx, argv[1]))
        return JS_ThrowTypeError(ctx, "The encoded data was not valid for encoding utf-8");
    js_dbuf_init(ctx, &text);
    for (at = 0; at < size;) {
        for (from = at; at < size && (step = utf8_at(bytes + at, size - at)) > 0; at += step)
            ;
        dbuf_put(&text, bytes + from, at - from);
        if (at < size) {
            dbuf_put(&text, "\xef\xbf\xbd", 3);
            at += -step;
        }
    }
    string = dbuf_error(&text) ? JS_ThrowOutOfMemory(ctx)
                               : JS_NewStringLen(ctx, (const char *)text.buf, text.size);
    dbuf_free(&text);
    return string;
}

/* hash(algorithm, array of Uint8Array): Uint8Array, or undefined if there is no such algorithm. */
static JSValue quirl_hash(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    static const char names[6][8] = { "md5", "sha1", "sha224", "sha256", "sha384", "sha512" };
    uint8_t digest[MOST_HASH_BYTES];
    const char *name;
    int64_t count, i;
    int algorithm;

    name = JS_ToCString(ctx, argv[0]);
    if (!name)
        return JS_EXCEPTION;
    for (algorithm = 0; algorithm < 6 && strcmp(names[algorithm], name); algorithm++)
        ;
    JS_FreeCString(ctx, name);
    if (algorithm == 6)
        return JS_UNDEFINED;
    if (JS_GetLength(ctx, argv[1], &count))
        return JS_EXCEPTION;
    host_hash_begin(algorithm);
    for (i = 0; i < count; i++) {
        JSValue chunk = JS_GetPropertyInt64(ctx, argv[1], i);
        size_t size, step;
        uint8_t *bytes = JS_GetUint8Array(ctx, &size, chunk);
        JS_FreeValue(ctx, chunk);
        if (!bytes && JS_HasException(ctx))
            return JS_EXCEPTION;
        for (; size > 0; bytes += step, size -= step) {
            step = size < HASH_STEP ? size : HASH_STEP;
            host_hash_update(bytes, step);
        }
    }
    return JS_NewUint8ArrayCopy(ctx, digest, (size_t)host_hash_end(digest));
}

/* promiseState(value): [0 pending | 1 fulfilled | 2 rejected, value], or undefined. */
static JSValue quirl_promise_state(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue pair;
    int state;

    if (!JS_IsPromise(argv[0]))
        return JS_UNDEFINED;
    state = JS_PromiseState(ctx, argv[0]);
    pair = JS_NewArray(ctx);
    JS_DefinePropertyValueUint32(ctx, pair, 0, JS_NewInt32(ctx, state), JS_PROP_C_W_E);
    JS_DefinePropertyValueUint32(ctx, pair, 1,
                                 state == JS_PROMISE_PENDING ? JS_UNDEFINED
                                                             : JS_PromiseResult(ctx, argv[0]),
                                 JS_PROP_C_W_E);
    return pair;
}

/* proxyDetails(value): [target, handler], or undefined. */
static JSValue quirl_proxy_details(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue pair;

    if (!JS_IsObject(argv[0]) || !JS_IsProxy(argv[0]))
        return JS_UNDEFINED;
    pair = JS_NewArray(ctx);
    JS_DefinePropertyValueUint32(ctx, pair, 0, JS_GetProxyTarget(ctx, argv[0]), JS_PROP_C_W_E);
    JS_DefinePropertyValueUint32(ctx, pair, 1, JS_GetProxyHandler(ctx, argv[0]), JS_PROP_C_W_E);
    return pair;
}

/* previewIterator(value): ["Map" | "Set", what is still to come], or undefined. */
static JSValue quirl_preview_iterator(JSContext *ctx, JSValueConst this_val, int argc,
                                   JSValueConst *argv)
{
    JSMapIteratorData *data;
    struct list_head *from, *records;
    JSValue pair, rest;
    JSMapState *map;
    JSObject *object;
    uint32_t count = 0;
    bool is_set;

    if (!JS_IsObject(argv[0]))
        return JS_UNDEFINED;
    object = JS_VALUE_GET_OBJ(argv[0]);
    is_set = object->class_id == JS_CLASS_SET_ITERATOR;
    if (!is_set && object->class_id != JS_CLASS_MAP_ITERATOR)
        return JS_UNDEFINED;
    data = object->u.map_iterator_data;
    rest = JS_NewArray(ctx);
    if (data && !JS_IsUndefined(data->obj)) {
        map = JS_VALUE_GET_OBJ(data->obj)->u.map_state;
        records = &map->records;
        from = data->cur_record ? data->cur_record->link.next : records->next;
        for (; from != records; from = from->next) {
            JSMapRecord *record = list_entry(from, JSMapRecord, link);
            if (record->empty)
                continue;
            if (data->kind != JS_ITERATOR_KIND_VALUE || is_set)
                JS_DefinePropertyValueUint32(ctx, rest, count++, JS_DupValue(ctx, record->key),
                                             JS_PROP_C_W_E);
            if (data->kind != JS_ITERATOR_KIND_KEY && !is_set)
                JS_DefinePropertyValueUint32(ctx, rest, count++, JS_DupValue(ctx, record->value),
                                             JS_PROP_C_W_E);
            if (data->kind == JS_ITERATOR_KIND_KEY_AND_VALUE && is_set)
                JS_DefinePropertyValueUint32(ctx, rest, count++, JS_DupValue(ctx, record->key),
                                             JS_PROP_C_W_E);
        }
    }
    pair = JS_NewArray(ctx);
    JS_DefinePropertyValueUint32(ctx, pair, 0, JS_NewString(ctx, is_set ? "Set" : "Map"),
                                 JS_PROP_C_W_E);
    JS_DefinePropertyValueUint32(ctx, pair, 1, rest, JS_PROP_C_W_E);
    JS_DefinePropertyValueUint32(
        ctx, pair, 2, JS_NewBool(ctx, data && data->kind == JS_ITERATOR_KIND_KEY_AND_VALUE),
        JS_PROP_C_W_E);
    return pair;
}

/* compile(source, name, line): the value of a sloppy script. The line is that of its first line. */
static JSValue quirl_compile(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSEvalOptions options = { JS_EVAL_OPTIONS_VERSION, JS_EVAL_TYPE_GLOBAL, NULL, 1 };
    const char *source, *name;
    size_t length;
    JSValue value;

    source = JS_ToCStringLen(ctx, &length, argv[0]);
    name = JS_ToCString(ctx, argv[1]);
    if (!source || !name || JS_ToInt32(ctx, &options.line_num, argv[2]))
        return JS_EXCEPTION;
    options.filename = name;
    value = JS_Eval2(ctx, source, length, &options);
    JS_FreeCString(ctx, source);
    JS_FreeCString(ctx, name);
    return value;
}

/* library(name): the function that a module of the library is. Its source is not kept. */
static JSValue quirl_library(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    static const char head[] =
        "(function (exports, require, module, host) { 'use strict';\n", tail[] = "\n})";
    const char *name;
    char *source, *whole, file[128];
    uint8_t *code;
    size_t length, size;
    JSValue value;

    name = JS_ToCString(ctx, argv[0]);
    if (!name)
        return JS_EXCEPTION;
    snprintf(file, sizeof(file), "quirl:%s", name);
    source = fetch(ctx, 0, name, &length);
    JS_FreeCString(ctx, name);
    if (!source)
        return JS_ThrowInternalError(ctx, "no %s", file);
    whole = js_malloc(ctx, length + sizeof(head) + sizeof(tail));
    memcpy(whole, head, sizeof(head) - 1);
    memcpy(whole + sizeof(head) - 1, source, length);
    memcpy(whole + sizeof(head) - 1 + length, tail, sizeof(tail));
    value = JS_Eval(ctx, whole, length + sizeof(head) + sizeof(tail) - 2, file,
                    JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    memset(whole, 0, length + sizeof(head));
    memset(source, 0, length);
    js_free(ctx, whole);
    js_free(ctx, source);
    if (JS_IsException(value))
        return value;
    code = JS_WriteObject(ctx, &size, value, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
    JS_FreeValue(ctx, value);
    if (!code)
        return JS_EXCEPTION;
    value = JS_ReadObject(ctx, code, size, JS_READ_OBJ_BYTECODE);
    memset(code, 0, size);
    js_free(ctx, code);
    return JS_IsException(value) ? value : JS_EvalFunction(ctx, value);
}

/* compileModule(source, name): an ES module that was not evaluated; throws if it is none. */
static JSValue quirl_compile_module(JSContext *ctx, JSValueConst this_val, int argc,
                                 JSValueConst *argv)
{
    const char *source, *name;
    size_t length;
    JSValue value;

    source = JS_ToCStringLen(ctx, &length, argv[0]);
    name = JS_ToCString(ctx, argv[1]);
    if (!source || !name)
        return JS_EXCEPTION;
    value =
        JS_Eval(ctx, source, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    JS_FreeCString(ctx, source);
    JS_FreeCString(ctx, name);
    return value;
}

/* evaluateModule(module): [namespace, promise of its evaluation]. */
static JSValue quirl_evaluate_module(JSContext *ctx, JSValueConst this_val, int argc,
                                  JSValueConst *argv)
{
    JSModuleDef *module;
    JSValue pair, promise;

    if (JS_VALUE_GET_TAG(argv[0]) != JS_TAG_MODULE)
        return JS_ThrowTypeError(ctx, "not a module");
    module = JS_VALUE_GET_PTR(argv[0]);
    if (JS_ResolveModule(ctx, argv[0]) < 0)
        return JS_EXCEPTION;
    promise = JS_EvalFunction(ctx, JS_DupValue(ctx, argv[0]));
    if (JS_IsException(promise))
        return JS_EXCEPTION;
    pair = JS_NewArray(ctx);
    JS_DefinePropertyValueUint32(ctx, pair, 0, JS_GetModuleNamespace(ctx, module), JS_PROP_C_W_E);
    JS_DefinePropertyValueUint32(ctx, pair, 1, promise, JS_PROP_C_W_E);
    return pair;
}

/* wait(milliseconds): the number of a request that has ended, or 0. */
static JSValue quirl_wait(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    double milliseconds;

    if (JS_ToFloat64(ctx, &milliseconds, argv[0]))
        return JS_EXCEPTION;
    return JS_NewInt32(ctx, host_wait(milliseconds));
}

/* send(head, body): the number of the request. */
static JSValue quirl_send(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    const char *head;
    size_t head_length, length = 0;
    uint8_t *body = NULL;
    int32_t number;

    if (!JS_IsUndefined(argv[1])) {
        body = JS_GetUint8Array(ctx, &length, argv[1]);
        if (!body && JS_HasException(ctx))
            return JS_EXCEPTION;
    }
    head = JS_ToCStringLen(ctx, &head_length, argv[0]);
    if (!head)
        return JS_EXCEPTION;
    number = host_send(head, head_length, body, length);
    JS_FreeCString(ctx, head);
    return JS_NewInt32(ctx, number);
}

/* cancel(number) */
static JSValue quirl_cancel(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int32_t number;

    if (JS_ToInt32(ctx, &number, argv[0]))
        return JS_EXCEPTION;
    host_cancel(number);
    return JS_UNDEFINED;
}

/* exit(): does not return. */
static JSValue quirl_exit(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    _Exit(0);
}

static const JSCFunctionListEntry primitives[] = {
    JS_CFUNC_DEF("open", 2, quirl_open),
    JS_CFUNC_DEF("text", 2, quirl_text),
    JS_CFUNC_DEF("json", 2, quirl_json),
    JS_CFUNC_DEF("print", 2, quirl_print),
    JS_CFUNC_DEF("answer", 2, quirl_answer),
    JS_CFUNC_DEF("now", 0, quirl_now),
    JS_CFUNC_DEF("hrtime", 0, quirl_hrtime),
    JS_CFUNC_DEF("random", 3, quirl_random),
    JS_CFUNC_DEF("utf8Encode", 1, quirl_utf8_encode),
    JS_CFUNC_DEF("utf8Decode", 2, quirl_utf8_decode),
    JS_CFUNC_DEF("hash", 2, quirl_hash),
    JS_CFUNC_DEF("promiseState", 1, quirl_promise_state),
    JS_CFUNC_DEF("proxyDetails", 1, quirl_proxy_details),
    JS_CFUNC_DEF("previewIterator", 1, quirl_preview_iterator),
    JS_CFUNC_DEF("compile", 3, quirl_compile),
    JS_CFUNC_DEF("library", 1, quirl_library),
    JS_CFUNC_DEF("compileModule", 2, quirl_compile_module),
    JS_CFUNC_DEF("evaluateModule", 1, quirl_evaluate_module),
    JS_CFUNC_DEF("wait", 1, quirl_wait),
    JS_CFUNC_DEF("send", 2, quirl_send),
    JS_CFUNC_DEF("cancel", 1, quirl_cancel),
    JS_CFUNC_DEF("exit", 0, quirl_exit),
};

/* --- modules -------------------------------------------------------------------------------- */

/* Calls a function of core.js. */
static JSValue call_core(JSContext *ctx, const char *name, int argc, JSValueConst *argv)
{
    JSValue function = JS_GetPropertyStr(ctx, core, name);
    JSValue result = JS_Call(ctx, function, core, argc, argv);

    JS_FreeValue(ctx, function);
    return result;
}

/* The name under which `name`, imported by `base`, is loaded. */
static char *normalize(JSContext *ctx, const char *base, const char *name, void *opaque)
{
    JSValue arguments[2] = { JS_NewString(ctx, base), JS_NewString(ctx, name) };
    JSValue found = call_core(ctx, "resolve", 2, (JSValueConst *)arguments);
    const char *text = JS_IsException(found) ? NULL : JS_ToCString(ctx, found);
    char *copy = text ? js_strdup(ctx, text) : NULL;

    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, found);
    JS_FreeValue(ctx, arguments[0]);
    JS_FreeValue(ctx, arguments[1]);
    return copy;
}

/* Sets the exports of a module that is not one of ECMAScript's: what `require` gives. */
static int init_exports(JSContext *ctx, JSModuleDef *module)
{
    JSValue exports = JS_GetModulePrivateValue(ctx, module);
    JSPropertyEnum *names = NULL;
    uint32_t count = 0, i;
    int result = 0;

    JS_SetModuleExport(ctx, module, "default", JS_DupValue(ctx, exports));
    if (JS_IsObject(exports)
        && !JS_GetOwnPropertyNames(ctx, &names, &count, exports,
                                   JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY)) {
        for (i = 0; i < count && result == 0; i++) {
            const char *name = JS_AtomToCString(ctx, names[i].atom);
            if (name && strcmp(name, "default")) {
                JSValue value = JS_GetProperty(ctx, exports, names[i].atom);
                result = JS_IsException(value) ? -1 : JS_SetModuleExport(ctx, module, name, value);
            }
            JS_FreeCString(ctx, name);
        }
        JS_FreePropertyEnum(ctx, names, count);
    }
    JS_FreeValue(ctx, exports);
    return result;
}

/* A module around what `require` gives. */
static JSModuleDef *module_of(JSContext *ctx, const char *name, JSValue exports)
{
    JSModuleDef *module = JS_NewCModule(ctx, name, init_exports);
    JSPropertyEnum *names = NULL;
    uint32_t count = 0, i;

    if (!module) {
        JS_FreeValue(ctx, exports);
        return NULL;
    }
    JS_AddModuleExport(ctx, module, "default");
    if (JS_IsObject(exports)
        && !JS_GetOwnPropertyNames(ctx, &names, &count, exports,
                                   JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY)) {
        for (i = 0; i < count; i++) {
            const char *export = JS_AtomToCString(ctx, names[i].atom);
            if (export && strcmp(export, "default"))
                JS_AddModuleExport(ctx, module, export);
            JS_FreeCString(ctx, export);
        }
        JS_FreePropertyEnum(ctx, names, count);
    }
    JS_SetModulePrivateValue(ctx, module, exports);
    return module;
}

/* core.import(name) gives the source of an ES module as a string, or [exports] of anything else. */
static JSModuleDef *load_module(JSContext *ctx, const char *name, void *opaque)
{
    JSValue argument = JS_NewString(ctx, name);
    JSValue found = call_core(ctx, "import", 1, (JSValueConst *)&argument);
    JSModuleDef *module = NULL;

    JS_FreeValue(ctx, argument);
    if (JS_IsException(found))
        return NULL;
    if (JS_IsString(found)) {
        size_t length;
        const char *source = JS_ToCStringLen(ctx, &length, found);
        if (source) {
            JSValue value = JS_Eval(ctx, source, length, name,
                                    JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
            JS_FreeCString(ctx, source);
            if (!JS_IsException(value)) {
                module = JS_VALUE_GET_PTR(value);
                JS_FreeValue(ctx, value);
            }
        }
    } else {
        module = module_of(ctx, name, JS_GetPropertyUint32(ctx, found, 0));
    }
    JS_FreeValue(ctx, found);
    return module;
}

/* --- the event loop ------------------------------------------------------------------------- */

/* Rejections that nobody handles are told when all jobs are done, if nobody has by then. */
static void track_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason,
                            bool is_handled, void *opaque)
{
    JSValueConst arguments[3] = { promise, reason, is_handled ? JS_TRUE : JS_FALSE };

    JS_FreeValue(ctx, call_core(ctx, "rejection", 3, arguments));
}

/* Tells what was thrown and ends the script: nothing else works any more. */
static void give_up(JSContext *ctx)
{
    JSValue error = JS_GetException(ctx);
    const char *text = JS_ToCString(ctx, error);
    JSValue stack;

    if (text)
        host_log(2, text, strlen(text));
    stack = JS_GetPropertyStr(ctx, error, "stack");
    text = JS_ToCString(ctx, stack);
    if (text)
        host_log(2, text, strlen(text));
    __builtin_trap();
}

/* An error that no code of the script caught, or one of the library's own. */
static void uncaught(JSContext *ctx)
{
    JSValue error = JS_GetException(ctx);

    JS_FreeValue(ctx, call_core(ctx, "uncaught", 1, (JSValueConst *)&error));
    if (JS_HasException(ctx))
        give_up(ctx); /* There is no memory, or the script broke what tells of errors. */
    JS_FreeValue(ctx, error);
}

/* Does all that was put off to the end of what runs now: ticks first, then jobs, until there are
   none. */
static void drain(JSContext *ctx)
{
    JSContext *of;
    JSValue more;
    bool has_more = true;

    while (has_more) {
        more = call_core(ctx, "ticks", 0, NULL);
        if (JS_IsException(more))
            uncaught(ctx);
        while (JS_IsJobPending(rt)) {
            if (JS_ExecutePendingJob(rt, &of) < 0)
                uncaught(of);
        }
        more = call_core(ctx, "hasMore", 0, NULL);
        if (JS_IsException(more)) {
            uncaught(ctx);
            more = JS_TRUE;
        }
        has_more = JS_ToBool(ctx, more);
    }
}

/* Calls `begin`, then turns the loop until `turn` says that all is done. */
static void loop(const char *begin)
{
    JSValue done;

    JS_UpdateStackTop(rt);
    done = call_core(context, begin, 0, NULL);
    if (JS_IsException(done))
        uncaught(context);
    for (;;) {
        drain(context);
        done = call_core(context, "turn", 0, NULL);
        if (JS_IsException(done))
            uncaught(context);
        else if (JS_ToBool(context, done))
            break;
    }
}

/* --- a memory that is ready for scripts ------------------------------------------------------- */

/* Names that a script may bring before the table of them has to grow. */
#define ROOM_FOR_NAMES 700
/* Memory that the module begins with beyond what the library takes. */
#define ROOM (256 << 10)

/* Lets tables grow now that a script would make grow. */
static void make_room(JSContext *ctx)
{
    static JSAtom names[ROOM_FOR_NAMES];
    char name[32];
    int i;

    for (i = 0; i < ROOM_FOR_NAMES; i++) {
        snprintf(name, sizeof(name), "quirl:room:%d", i);
        names[i] = JS_NewAtom(ctx, name);
    }
    for (i = ROOM_FOR_NAMES - 1; i >= 0; i--)
        JS_FreeAtom(ctx, names[i]);
}

/* Fills the holes between what the library has left, for good. What a script allocates then lies
   side by side behind it, on few pages, instead of all over the library's. */
static void plug_holes(void)
{
    void *end, *mark, *hole;
    size_t size;

    do {
        end = sbrk(0);
        mark = malloc(ROOM);
    } while (sbrk(0) == end);
    free(mark);
    for (size = ROOM / 2; size >= 8; size = size > 256 ? size / 2 : size - 8) {
        while ((hole = calloc(1, size)) && hole < mark)
            ;
        free(hole);
    }
}

/* --- what the host calls -------------------------------------------------------------------- */

EXPORT(init) void init(void)
{
    JSValue host, function, done;

    core = JS_UNDEFINED;
    rt = JS_NewRuntime();
    JS_SetMaxStackSize(rt, SCRIPT_STACK);
    JS_SetModuleLoaderFunc(rt, normalize, load_module, NULL);
    context = JS_NewContext(rt);
    JS_AddPerformance(context);
    host = JS_NewObject(context);
    JS_SetPropertyFunctionList(context, host, primitives, countof(primitives));
    function = quirl_library(context, JS_UNDEFINED, 1,
                          (JSValueConst[]){ JS_NewString(context, "core") });
    if (JS_IsException(function))
        goto failed;
    core = JS_NewObject(context);
    JSValueConst arguments[4] = { core, JS_UNDEFINED, JS_UNDEFINED, host };
    done = JS_Call(context, function, JS_UNDEFINED, 4, arguments);
    if (JS_IsException(done))
        goto failed;
    JS_FreeValue(context, function);
    JS_FreeValue(context, host);
    JS_SetHostPromiseRejectionTracker(rt, track_rejection, NULL);
    JS_RunGC(rt);
    make_room(context);
    plug_holes();
    context->random_state = 0;
    context->hash_seed = 0;
    JSMemoryUsage usage;
    JS_ComputeMemoryUsage(rt, &usage);
    JS_SetGCThreshold(rt, (size_t)usage.malloc_size + GARBAGE);
    return;
failed:
    give_up(context);
}

EXPORT(load) void load(void)
{
    loop("load");
}

EXPORT(run) void run(void)
{
    context->hash_seed = (uint32_t)host_seed();
    loop("run");
}

/* For tests of the host. */
EXPORT(hash_seed) uint32_t hash_seed(void)
{
    return context->hash_seed;
}
