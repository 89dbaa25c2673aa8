// Step 1 of `weather`: CSV text → columns and rows of words.
//
// Judges only the form of a line, never what a cell means. A line that is no row is told as broken
// and the next line is tried, so that a stray quote does not swallow the rest of the file.
#include "../common/json.h"

enum { COLUMNS_MAX = 1000, SHOWN_MAX = 200 };

// Where we are in the file.
typedef struct {
    const char *at, *end;
    uint32_t line; // the first is 1
} cursor;

// One cell: what is between commas or quotes, without blanks around it.
typedef struct {
    text raw;
    bool quoted; // `""` in it means one quote
} cell;

typedef struct record record;
struct record {
    uint32_t line, cells;
    text raw;        // the whole of it without its line end; if broken, its first line
    const char *why; // it is broken, or null
    record *next;
};

static const char wrong_number[] = "the number of cells is "; // and the numbers

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static text trimmed(const char *from, const char *to) {
    while (from < to && is_blank(*from)) {
        from++;
    }
    while (from < to && is_blank(to[-1])) {
        to--;
    }
    return (text){from, (uint32_t)(to - from)};
}

static bool at_line_end(const char *at, const char *end) {
    return at == end || *at == '\n' || (*at == '\r' && (at + 1 == end || at[1] == '\n'));
}

static void next_line(cursor *c) {
    while (c->at < c->end && *c->at != '\n') {
        c->at++;
    }
    if (c->at < c->end) {
        c->at++;
        c->line++;
    }
}

// Reads one cell up to the comma or line end behind it. Returns why it is broken, or null.
static const char *read_cell(cursor *c, cell *it) {
    const char *from = c->at;
    it->quoted = c->at < c->end && *c->at == '"';
    if (!it->quoted) {
        while (!at_line_end(c->at, c->end) && *c->at != ',') {
            if (*c->at == '"') {
                return "a quote inside a cell without quotes";
            }
            c->at++;
        }
        it->raw = trimmed(from, c->at);
        return NULL;
    }
    for (from = ++c->at; c->at < c->end; c->at++) {
        if (*c->at == '\n') {
            c->line++;
        }
        if (*c->at != '"') {
            continue;
        }
        if (c->at + 1 < c->end && c->at[1] == '"') {
            c->at++;
            continue;
        }
        it->raw = trimmed(from, c->at++);
        return at_line_end(c->at, c->end) || *c->at == ',' ? NULL : "text behind a closing quote";
    }
    return "a quote is not closed";
}

// Reads one record of `columns` cells (0: of any number); leaves the cursor behind it. What is told,
// and skipped, of a broken one is its first line only. `cells` may be null.
static record read_record(cursor *c, uint32_t columns, cell *cells) {
    cursor first = *c;
    record it = {.line = c->line};
    for (;;) {
        cell one;
        it.why = read_cell(c, &one);
        if (it.why) {
            break;
        }
        if (cells && it.cells < COLUMNS_MAX) {
            cells[it.cells] = one;
        }
        it.cells++;
        if (!at_line_end(c->at, c->end)) {
            c->at++; // the comma
            continue;
        }
        if (columns == 0 || it.cells == columns) {
            it.raw = (text){first.at, (uint32_t)(c->at - first.at)};
            next_line(c);
            return it;
        }
        it.why = wrong_number;
        break;
    }
    const char *end = first.at;
    while (!at_line_end(end, first.end)) {
        end++;
    }
    it.raw = (text){first.at, (uint32_t)(end - first.at)};
    *c = first;
    next_line(c);
    return it;
}

static void skip_blank_lines(cursor *c) {
    for (;;) {
        const char *at = c->at;
        while (at < c->end && is_blank(*at)) {
            at++;
        }
        if (at == c->end || !at_line_end(at, c->end)) {
            c->at = at == c->end ? at : c->at;
            return;
        }
        next_line(c);
    }
}

// What a cell says, quotes and line ends made plain; a quoted one is spelled out in `scratch`.
static text plain(cell it, char *scratch) {
    if (!it.quoted) {
        return it.raw;
    }
    uint32_t len = 0;
    for (uint32_t i = 0; i < it.raw.len; i++) {
        char c = it.raw.at[i];
        bool pair = i + 1 < it.raw.len;
        if (pair && ((c == '"' && it.raw.at[i + 1] == '"') || (c == '\r' && it.raw.at[i + 1] == '\n'))) {
            c = it.raw.at[++i];
        }
        scratch[len++] = c;
    }
    return (text){scratch, len};
}

static text shortened(text it) {
    uint32_t len = it.len < SHOWN_MAX ? it.len : SHOWN_MAX;
    while (len < it.len && len > 0 && ((unsigned char)it.at[len] & 0xc0) == 0x80) {
        len--;
    }
    return (text){it.at, len};
}

static void check_columns(const cell *cells, uint32_t count) {
    text *names = TAKE(count, text);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = cells[i].raw;
        if (cells[i].quoted) {
            names[i] = plain(cells[i], TAKE(cells[i].raw.len + 1, char));
        }
        if (names[i].len == 0) {
            fail_at("column ", i + 1, " has no name");
        }
        for (uint32_t k = 0; k < i; k++) {
            if (text_is(names[i], names[k])) {
                fail("column `", names[i], "` is there twice");
            }
        }
    }
}

static void put_cells(const cell *cells, uint32_t count, char *scratch) {
    put("[");
    for (uint32_t i = 0; i < count; i++) {
        text words = plain(cells[i], scratch);
        put(i ? "," : "");
        if (words.len == 0) {
            put("null");
        } else {
            put_string(words);
        }
    }
    put("]");
}

static void put_broken(const record *first, uint32_t columns) {
    put_key("broken");
    put("[");
    bool later = false;
    for (const record *it = first; it; it = it->next) {
        if (!it->why) {
            continue;
        }
        put(later ? ",{" : "{");
        later = true;
        put_key("line");
        put_int(it->line);
        put(",");
        put_key("text");
        put_string(shortened(it->raw));
        put(",");
        put_key("why");
        put("\"");
        put(it->why);
        if (it->why == wrong_number) {
            put_int(it->cells);
            put(", not ");
            put_int(columns);
        }
        put("\"}");
    }
    put("]");
}

int main(void) {
    json *args = json_args();
    text csv = json_need(args, "csv", JSON_STRING)->words;
    cursor c = {csv.at, csv.at + csv.len, 1};
    if (csv.len >= 3 && text_is((text){csv.at, 3}, TEXT("\xef\xbb\xbf"))) {
        c.at += 3; // a byte order mark, as spreadsheets like it
    }
    skip_blank_lines(&c);
    if (c.at == c.end) {
        fail("the CSV is empty: it has no header", TEXT(""), "");
    }
    char *scratch = TAKE(csv.len + 1, char);
    cell *header = TAKE(COLUMNS_MAX, cell), *cells = TAKE(COLUMNS_MAX, cell);
    record head = read_record(&c, 0, header);
    if (head.why) {
        fail("the header is broken: ", (text){head.why, (uint32_t)__builtin_strlen(head.why)}, "");
    }
    if (head.cells > COLUMNS_MAX) {
        fail_at("there are more than ", COLUMNS_MAX, " columns");
    }
    check_columns(header, head.cells);

    record *first = NULL, **tail = &first;
    uint32_t rows = 0, broken = 0;
    for (skip_blank_lines(&c); c.at < c.end; skip_blank_lines(&c)) {
        record *it = TAKE(1, record);
        *it = read_record(&c, head.cells, NULL);
        *tail = it;
        tail = &it->next;
        if (it->why) {
            broken++;
        } else {
            rows++;
        }
    }

    put("parse: ");
    put_int(rows);
    put(" rows, ");
    put_int(head.cells);
    put(" columns, ");
    put_int(broken);
    put(" broken lines");
    end_log();

    put("{");
    put_member(args, "source");
    put_member(args, "threshold");
    put_key("columns");
    put_cells(header, head.cells, scratch);
    put(",");
    put_key("rows");
    put("[");
    bool later = false;
    for (const record *it = first; it; it = it->next) {
        if (!it->why) {
            cursor again = {it->raw.at, c.end, it->line}; // to the end of the file: the same reading
            read_record(&again, head.cells, cells);
            put(later ? "," : "");
            later = true;
            put_cells(cells, head.cells, scratch);
        }
    }
    put("],");
    put_key("lines");
    put("[");
    later = false;
    for (const record *it = first; it; it = it->next) {
        if (!it->why) {
            put(later ? "," : "");
            later = true;
            put_int(it->line);
        }
    }
    put("],");
    put_broken(first, head.cells);
    put("}");
    end_result();
}
