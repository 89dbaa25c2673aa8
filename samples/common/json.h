// A strict reader of JSON (RFC 8259) and exact decimal numbers.
//
// Numbers keep the text they came with: copied on, they are the same bytes; taken as a figure, they
// become an integer of tenths or hundredths. No double is ever rounded on the way.
#ifndef QUIRL_SAMPLES_JSON_H
#define QUIRL_SAMPLES_JSON_H

#include "action.h"

typedef enum { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind;

typedef struct json json;
struct json {
    json_kind kind;
    uint32_t count; // of members or elements
    union {
        text words;  // string: decoded; number: as written
        json *first; // member or element
    };
    json *next;
    text key; // of a member
};

// The arguments, which must be one object. Fails the run with a clear message if they are not.
json *json_args(void);

// Member `name`, the last one if it is there twice; null if it is absent or `object` is not one.
json *json_get(const json *object, const char *name);

// The member as that kind; fails the run if it is absent or another kind.
json *json_need(const json *object, const char *name, json_kind kind);

// A decimal number as an integer of 10^-places, rounded half away from zero. False if it is not a
// number or its size is above `limit` (in the same unit).
bool json_fixed(const json *number, int places, int64_t limit, int64_t *value);

// Writes a value as it was read.
void put_json(const json *value);
// Writes `"name":value,` if the member is there; samples hand on what a later step may want.
void put_member(const json *object, const char *name);

#endif
