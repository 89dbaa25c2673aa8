// {"name":"x"} → {"greeting":"Hello, x!"}; without a name it greets a stranger.
#include "../common/json.h"

int main(void) {
    json *args = json_args();
    text name = json_get(args, "name") ? json_need(args, "name", JSON_STRING)->words : TEXT("stranger");
    size_t len = name.len + 8;
    char *greeting = TAKE(len, char);
    const text parts[] = {TEXT("Hello, "), name, TEXT("!")};
    for (size_t i = 0, at = 0; i < 3; at += parts[i++].len) {
        __builtin_memcpy(greeting + at, parts[i].at, parts[i].len);
    }
    put("{");
    put_key("greeting");
    put_string((text){greeting, (uint32_t)len});
    put("}");
    end_result();
}
