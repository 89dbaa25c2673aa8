#include "json.h"

#include <string.h>

enum { DEPTH_MAX = 100 };

typedef struct {
    char *at, *end;
    const char *start;
} reader;

static json *value(reader *r, int depth);

static _Noreturn void bad(const reader *r, const char *why) {
    char before[80] = "the arguments are not JSON: ";
    strcat(before, why);
    strcat(before, " at byte ");
    fail_at(before, r->at - r->start, "");
}

static void skip(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')) {
        r->at++;
    }
}

static bool have(reader *r, char c) {
    if (r->at < r->end && *r->at == c) {
        r->at++;
        return true;
    }
    return false;
}

static bool is_digit(const reader *r) {
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static void digits(reader *r) {
    if (!is_digit(r)) {
        bad(r, "a digit is missing");
    }
    while (is_digit(r)) {
        r->at++;
    }
}

static text number(reader *r) {
    const char *from = r->at;
    have(r, '-');
    if (!have(r, '0')) { // no digit may follow a leading zero
        digits(r);
    }
    if (have(r, '.')) {
        digits(r);
    }
    if (have(r, 'e') || have(r, 'E')) {
        if (!have(r, '+')) {
            have(r, '-');
        }
        digits(r);
    }
    return (text){from, (uint32_t)(r->at - from)};
}

static uint32_t hex4(reader *r) {
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        if (r->at >= r->end) {
            bad(r, "an escape is cut off");
        }
        char c = *r->at;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) {
            bad(r, "no such escape");
        }
        code = code << 4 | digit;
        r->at++;
    }
    return code;
}

static char *utf8_put(char *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 63));
        *to++ = (char)(0x80 | (code & 63));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 63));
        *to++ = (char)(0x80 | (code >> 6 & 63));
        *to++ = (char)(0x80 | (code & 63));
    }
    return to;
}

static char *escape(reader *r, char *to) {
    if (r->at >= r->end) {
        bad(r, "an escape is cut off");
    }
    static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    char c = *r->at++;
    if (c == 'u') {
        uint32_t code = hex4(r);
        if (code >= 0xd800 && code < 0xdc00 && r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u') {
            r->at += 2;
            uint32_t low = hex4(r);
            if (low < 0xdc00 || low > 0xdfff) {
                bad(r, "half a surrogate pair");
            }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else if (code >= 0xd800 && code <= 0xdfff) {
            bad(r, "half a surrogate pair");
        }
        return utf8_put(to, code);
    }
    const char *name = c ? strchr(names, c) : NULL;
    if (!name) {
        bad(r, "no such escape");
    }
    *to++ = means[name - names];
    return to;
}

// The length of the character of two to four bytes at `r`.
static int utf8_len(const reader *r) {
    const unsigned char *c = (const unsigned char *)r->at;
    // Smallest and largest second byte tell overlong forms, surrogates and codes that are too large.
    int len = c[0] >= 0xc2 && c[0] <= 0xdf ? 2 : (c[0] & 0xf0) == 0xe0 ? 3 : c[0] >= 0xf0 && c[0] <= 0xf4 ? 4 : 0;
    if (len == 0 || r->end - r->at < len) {
        bad(r, "not UTF-8");
    }
    unsigned char low = c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : 0xbf;
    if (c[1] < low || c[1] > high) {
        bad(r, "not UTF-8");
    }
    for (int i = 2; i < len; i++) {
        if ((c[i] & 0xc0) != 0x80) {
            bad(r, "not UTF-8");
        }
    }
    return len;
}

// Behind the opening quote. Decodes in place: the decoded form is never the longer one.
static text string(reader *r) {
    char *from = r->at, *to = r->at;
    for (;;) {
        if (r->at >= r->end) {
            bad(r, "a string is not closed");
        }
        unsigned char c = (unsigned char)*r->at;
        if (c == '"') {
            r->at++;
            return (text){from, (uint32_t)(to - from)};
        }
        if (c == '\\') {
            r->at++;
            to = escape(r, to);
        } else if (c < 0x20) {
            bad(r, "a control character in a string");
        } else if (c < 0x80) {
            *to++ = *r->at++;
        } else {
            for (int len = utf8_len(r); len > 0; len--) {
                *to++ = *r->at++;
            }
        }
    }
}

static void literal(reader *r, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0) {
        bad(r, "no such value");
    }
    r->at += len;
}

static void members(reader *r, json *parent, int depth) {
    char close = parent->kind == JSON_OBJECT ? '}' : ']';
    json **tail = &parent->first;
    skip(r);
    if (have(r, close)) {
        return;
    }
    do {
        text key = {0};
        skip(r);
        if (parent->kind == JSON_OBJECT) {
            if (!have(r, '"')) {
                bad(r, "a key is missing");
            }
            key = string(r);
            skip(r);
            if (!have(r, ':')) {
                bad(r, "a colon is missing");
            }
        }
        json *member = value(r, depth + 1);
        member->key = key;
        *tail = member;
        tail = &member->next;
        parent->count++;
        skip(r);
    } while (have(r, ','));
    if (!have(r, close)) {
        bad(r, "a comma or the end of a list is missing");
    }
}

static json *value(reader *r, int depth) {
    if (depth > DEPTH_MAX) {
        bad(r, "nested too deeply");
    }
    skip(r);
    if (r->at >= r->end) {
        bad(r, "it ends too early");
    }
    json *it = TAKE(1, json);
    switch (*r->at) {
    case '{':
    case '[':
        it->kind = *r->at++ == '{' ? JSON_OBJECT : JSON_ARRAY;
        members(r, it, depth);
        break;
    case '"':
        r->at++;
        it->kind = JSON_STRING;
        it->words = string(r);
        break;
    case 't':
        literal(r, "true");
        it->kind = JSON_TRUE;
        break;
    case 'f':
        literal(r, "false");
        it->kind = JSON_FALSE;
        break;
    case 'n':
        literal(r, "null");
        it->kind = JSON_NULL;
        break;
    default:
        if (*r->at != '-' && !is_digit(r)) {
            bad(r, "no such value");
        }
        it->kind = JSON_NUMBER;
        it->words = number(r);
    }
    return it;
}

json *json_args(void) {
    text all = read_args();
    reader r = {(char *)all.at, (char *)all.at + all.len, all.at};
    json *args = value(&r, 0);
    skip(&r);
    if (r.at < r.end) {
        bad(&r, "something follows the end");
    }
    if (args->kind != JSON_OBJECT) {
        fail("the arguments are not a JSON object", TEXT(""), "");
    }
    return args;
}

json *json_get(const json *object, const char *name) {
    json *found = NULL;
    text key = {name, (uint32_t)strlen(name)};
    if (object->kind == JSON_OBJECT) {
        for (json *it = object->first; it; it = it->next) {
            found = text_is(it->key, key) ? it : found;
        }
    }
    return found;
}

json *json_need(const json *object, const char *name, json_kind kind) {
    static const char *const words[] = {"null",     "false",    "true",     "a number",
                                        "a string", "an array", "an object"};
    text key = {name, (uint32_t)strlen(name)};
    json *it = json_get(object, name);
    if (!it) {
        fail("`", key, "` is missing");
    }
    if (it->kind != kind) {
        char after[32] = "` is not ";
        fail("`", key, strcat(after, words[kind]));
    }
    return it;
}

// --- decimal numbers ---

// Reads an exponent's digits; beyond what any figure needs it no longer matters how far.
static int exponent(const char *at, const char *end) {
    int sign = 1, size = 0;
    if (at < end && (*at == '-' || *at == '+')) {
        sign = *at++ == '-' ? -1 : 1;
    }
    for (; at < end; at++) {
        size = size > 10000000 ? size : size * 10 + (*at - '0');
    }
    return sign * size;
}

// `digits` of them with the point `shift` places right of the end: an integer, rounded.
static bool scaled(const char *digits, int count, int shift, int64_t limit, int64_t *value) {
    int keep = count + shift, seen = 0;
    int64_t size = 0;
    for (const char *at = digits; seen < count; at++) {
        if (*at == '.') {
            continue;
        }
        int digit = *at - '0';
        if (seen < keep) {
            size = size * 10 + digit;
        } else {
            size += seen == keep && digit >= 5; // the first digit left out decides
            break;
        }
        if (size > limit) {
            return false;
        }
        seen++;
    }
    for (; seen < keep && size > 0; seen++) {
        size *= 10;
        if (size > limit) {
            return false;
        }
    }
    *value = size;
    return size <= limit;
}

static bool fixed(text words, int places, int64_t limit, int64_t *value) {
    const char *at = words.at, *end = words.at + words.len;
    bool negative = at < end && *at == '-';
    at += negative;
    const char *digits = at;
    int before = 0, behind = 0, power = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        before++;
    }
    if (at < end && *at == '.') {
        for (at++; at < end && *at >= '0' && *at <= '9'; at++) {
            behind++;
        }
        if (behind == 0) {
            return false;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        power = exponent(at + 1, end);
        at = end;
    }
    if (before == 0 || at < end) {
        return false;
    }
    if (!scaled(digits, before + behind, power - behind + places, limit, value)) {
        return false;
    }
    *value = negative ? -*value : *value;
    return true;
}

bool json_fixed(const json *number, int places, int64_t limit, int64_t *value) {
    return number && number->kind == JSON_NUMBER && fixed(number->words, places, limit, value);
}

// --- writing ---

void put_json(const json *it) {
    static const char *const words[] = {"null", "false", "true"};
    switch (it->kind) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        put(words[it->kind]);
        break;
    case JSON_NUMBER:
        put_text(it->words);
        break;
    case JSON_STRING:
        put_string(it->words);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        put(it->kind == JSON_ARRAY ? "[" : "{");
        for (const json *member = it->first; member; member = member->next) {
            if (it->kind == JSON_OBJECT) {
                put_string(member->key);
                put(":");
            }
            put_json(member);
            put(member->next ? "," : "");
        }
        put(it->kind == JSON_ARRAY ? "]" : "}");
    }
}

void put_member(const json *object, const char *name) {
    const json *it = json_get(object, name);
    if (it) {
        put_key(name);
        put_json(it);
        put(",");
    }
}
