// Step 2 of `weather`: rows of words → typed rows, one a day and in order, and what was found.
//
// Every change is told. Figures are tenths as integers, so nothing depends on how a double rounds.
#include "calendar.h"

#include <stdlib.h>

enum {
    PRECIPITATION,
    TEMP_MAX,
    TEMP_MIN,
    WIND,
    NUMBERS,
    WEATHER = NUMBERS,
    DATE,
    COLUMNS,

    SIZE_MAX_TENTHS = 100000, // 10,000: far beyond any weather

    // What a day can be, in tenths of °C: between these, and no further apart.
    COLDEST = -600,
    HOTTEST = 500,
    APART = 250,
};

static const char *const names[COLUMNS] = {"precipitation", "temp_max", "temp_min", "wind", "weather", "date"};

typedef enum { GOOD, BLANK, NOT_A_NUMBER } cell_state;

typedef struct {
    const json *row; // its cells as words
    uint32_t line, order;
    int32_t day;
    bool repeats, same, late;
    int32_t value[NUMBERS]; // tenths; counts if `has`
    bool has[NUMBERS];
    cell_state state[COLUMNS];
    bool judged;            // both temperatures could be weighed against each other
    bool implausible;       // and no reading made sense
    bool fahrenheit[NUMBERS];
} row;

typedef struct {
    row *at;
    uint32_t count;
    uint32_t column[COLUMNS]; // where each stands in a row of words
    const json *broken;       // of `parse`; may be null
    row *undated;             // rows whose date is none
    uint32_t undated_count;
} table;

// --- reading ---

static text word_at(const table *t, const row *r, int column) {
    const json *cell = r->row->first;
    for (uint32_t i = 0; i < t->column[column]; i++) {
        cell = cell->next;
    }
    return cell->kind == JSON_STRING ? cell->words : (text){"", 0};
}

static void find_columns(const json *columns, table *t) {
    for (int i = 0; i < COLUMNS; i++) {
        text name = {names[i], (uint32_t)__builtin_strlen(names[i])};
        uint32_t at = 0;
        const json *it = columns->first;
        while (it && !(it->kind == JSON_STRING && text_is(it->words, name))) {
            it = it->next;
            at++;
        }
        if (!it) {
            fail("there is no column `", name, "`");
        }
        t->column[i] = at;
    }
}

static void check_row(const json *words, uint32_t columns, uint32_t number) {
    bool good = words->kind == JSON_ARRAY && words->count == columns;
    for (const json *cell = good ? words->first : NULL; cell; cell = cell->next) {
        good = good && (cell->kind == JSON_STRING || cell->kind == JSON_NULL);
    }
    if (!good) {
        fail_at("row ", number, " of `rows` is not one string or null for each column");
    }
}

static void read_cells(const table *t, row *r) {
    for (int i = 0; i < NUMBERS; i++) {
        text word = word_at(t, r, i);
        int64_t tenths = 0;
        bool below = i == PRECIPITATION || i == WIND;
        if (word.len == 0) {
            r->state[i] = BLANK;
        } else if (!text_fixed(word, 1, SIZE_MAX_TENTHS, &tenths) || (below && tenths < 0)) {
            r->state[i] = NOT_A_NUMBER;
        } else {
            r->has[i] = true;
            r->value[i] = (int32_t)tenths;
        }
    }
    r->state[WEATHER] = word_at(t, r, WEATHER).len == 0 ? BLANK : GOOD;
}

static table read_table(const json *args) {
    table t = {0};
    const json *columns = json_need(args, "columns", JSON_ARRAY);
    const json *rows = json_need(args, "rows", JSON_ARRAY);
    const json *lines = json_get(args, "lines");
    t.broken = json_get(args, "broken");
    if (lines && (lines->kind != JSON_ARRAY || lines->count != rows->count)) {
        fail("`lines` is not one number for each row", TEXT(""), "");
    }
    if (t.broken && t.broken->kind != JSON_ARRAY) {
        fail("`broken` is not an array", TEXT(""), "");
    }
    find_columns(columns, &t);
    t.at = TAKE(rows->count, row);
    t.undated = TAKE(rows->count, row);
    const json *line = lines ? lines->first : NULL;
    uint32_t number = 0;
    for (const json *words = rows->first; words; words = words->next) {
        check_row(words, columns->count, ++number);
        int64_t at = number + 1; // without `lines`: the header was line 1
        if (line) {
            if (!json_fixed(line, 0, INT32_MAX, &at) || at < 0) {
                fail("`lines` is not one number for each row", TEXT(""), "");
            }
            line = line->next;
        }
        row r = {.row = words, .line = (uint32_t)at, .order = number};
        if (!date_read(word_at(&t, &r, DATE), &r.day)) {
            t.undated[t.undated_count++] = r;
            continue;
        }
        read_cells(&t, &r);
        t.at[t.count++] = r;
    }
    return t;
}

// --- order ---

static int by_day(const void *a, const void *b) {
    const row *x = a, *y = b;
    return x->day != y->day ? (x->day > y->day) - (x->day < y->day) : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b) {
    const row *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

static bool same_words(const row *a, const row *b) {
    const json *y = b->row->first;
    for (const json *x = a->row->first; x; x = x->next, y = y->next) {
        if (x->kind != y->kind || (x->kind == JSON_STRING && !text_is(x->words, y->words))) {
            return false;
        }
    }
    return true;
}

// Marks every row whose day was there before (the first one stays) and, among the others, those
// that stand behind a later day. Leaves the rows in the order of the file.
static void mark_order(table *t) {
    qsort(t->at, t->count, sizeof(row), by_day);
    for (uint32_t i = 1, first = 0; i < t->count; i++) {
        first = t->at[i].day == t->at[first].day ? first : i;
        t->at[i].repeats = first != i;
        t->at[i].same = first != i && same_words(&t->at[first], &t->at[i]);
    }
    qsort(t->at, t->count, sizeof(row), by_order);
    int32_t latest = -1;
    for (uint32_t i = 0; i < t->count; i++) {
        row *r = &t->at[i];
        r->late = !r->repeats && r->day < latest;
        latest = !r->repeats && r->day > latest ? r->day : latest;
    }
}

// --- degrees ---

static int32_t celsius(int32_t fahrenheit) {
    return (int32_t)divided(((int64_t)fahrenheit - 320) * 5, 9);
}

static bool credible(int32_t high, int32_t low) {
    return low >= COLDEST && high <= HOTTEST && high >= low && high - low <= APART;
}

// A day whose two temperatures are both there is judged by itself: of the four readings, the first
// that a day can be. A maximum in °F is some 30 too far above a minimum in °C, even in winter.
static void judge_pairs(row *rows, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        row *r = &rows[i];
        if (!r->has[TEMP_MAX] || !r->has[TEMP_MIN]) {
            continue;
        }
        int32_t high = r->value[TEMP_MAX], low = r->value[TEMP_MIN];
        bool highs[] = {false, true, false, true}, lows[] = {false, false, true, true};
        r->implausible = true;
        for (int k = 0; k < 4 && r->implausible; k++) {
            if (credible(highs[k] ? celsius(high) : high, lows[k] ? celsius(low) : low)) {
                r->implausible = false;
                r->judged = true;
                r->fahrenheit[TEMP_MAX] = highs[k];
                r->fahrenheit[TEMP_MIN] = lows[k];
            }
        }
    }
}

// A day with only one of them is judged by the nearest judged days: °F if they are, on both sides.
static void judge_single(row *rows, uint32_t count, int column) {
    const row *before = NULL, *after = NULL;
    uint32_t ahead = 0;
    for (uint32_t i = 0; i < count; i++) {
        row *r = &rows[i];
        if (r->judged) {
            before = r;
        }
        if (r->judged || !r->has[column] || r->has[column == TEMP_MAX ? TEMP_MIN : TEMP_MAX]) {
            continue;
        }
        for (ahead = ahead > i ? ahead : i; ahead < count && !rows[ahead].judged;) {
            ahead++;
        }
        after = ahead < count ? &rows[ahead] : NULL;
        r->fahrenheit[column] =
            (before || after) && (!before || before->fahrenheit[column]) && (!after || after->fahrenheit[column]);
    }
}

static void convert(row *rows, uint32_t count, int column) {
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].fahrenheit[column]) {
            rows[i].value[column] = celsius(rows[i].value[column]);
        }
    }
}

// --- blanks ---

// Fills a column between its neighbours in time; at an end with the only one there is. A column
// without any value stays as it is.
static void interpolate(row *rows, uint32_t count, int column) {
    uint32_t from = count; // the last row with a value of its own
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].state[column] == GOOD) {
            from = i;
            continue;
        }
        uint32_t to = i;
        while (to < count && rows[to].state[column] != GOOD) {
            to++;
        }
        for (; i < to; i++) {
            row *r = &rows[i];
            if (from < count && to < count) {
                int64_t rise = rows[to].value[column] - rows[from].value[column];
                int64_t span = rows[to].day - rows[from].day;
                int64_t weighed = rows[from].value[column] * span + rise * (r->day - rows[from].day);
                r->value[column] = (int32_t)divided(weighed, span);
            } else if (from < count || to < count) {
                r->value[column] = rows[from < count ? from : to].value[column];
            }
            r->has[column] = from < count || to < count;
        }
        i--;
    }
}

// --- counting and telling ---

typedef struct {
    uint32_t in, out, broken, repeated, late, blank, not_numbers, fahrenheit, implausible, missing;
} counts;

static counts counted(const table *t, const row *days, uint32_t count) {
    counts n = {.out = count};
    n.broken = t->undated_count + (t->broken ? t->broken->count : 0);
    n.in = t->count + n.broken;
    n.missing = count ? (uint32_t)(days[count - 1].day - days[0].day) + 1 - count : 0;
    for (uint32_t i = 0; i < t->count; i++) {
        n.repeated += t->at[i].repeats;
        n.late += t->at[i].late;
    }
    for (uint32_t i = 0; i < count; i++) {
        for (int k = 0; k <= WEATHER; k++) {
            n.blank += days[i].state[k] == BLANK;
            n.not_numbers += days[i].state[k] == NOT_A_NUMBER;
        }
        n.fahrenheit += days[i].fahrenheit[TEMP_MAX] + days[i].fahrenheit[TEMP_MIN];
        n.implausible += days[i].implausible;
    }
    return n;
}

static void put_counts(const counts *n) {
    const struct {
        const char *name;
        uint32_t count;
    } all[] = {
        {"rows_in", n->in},
        {"rows_out", n->out},
        {"broken_rows", n->broken},
        {"repeated_rows", n->repeated},
        {"out_of_order_rows", n->late},
        {"blank_cells", n->blank},
        {"not_numbers", n->not_numbers},
        {"fahrenheit_cells", n->fahrenheit},
        {"implausible_days", n->implausible},
        {"missing_days", n->missing},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        put_key(all[i].name);
        put_int(all[i].count);
        put(",");
    }
}

static uint32_t told;

static void begin(const char *kind) {
    put(told++ ? ",{" : "{");
    put_key("kind");
    put("\"");
    put(kind);
    put("\"");
}

static void field(const char *name) {
    put(",");
    put_key(name);
}

static void begin_row(const char *kind, const row *r) {
    begin(kind);
    field("line");
    put_int(r->line);
    field("date");
    put_date(r->day);
}

static void finish(const char *did) {
    field("did");
    put("\"");
    put(did);
    put("\"}");
}

static void put_value(const row *r, int column) {
    if (column == WEATHER) {
        put("\"unknown\"");
    } else if (r->has[column]) {
        put_fixed(r->value[column], 1);
    } else {
        put("null");
    }
}

static void tell_broken(const table *t) {
    for (const json *it = t->broken ? t->broken->first : NULL; it; it = it->next) {
        begin("broken");
        static const char *const keys[] = {"line", "text", "why"};
        for (int i = 0; i < 3; i++) {
            const json *value = json_get(it, keys[i]);
            if (value) {
                field(keys[i]);
                put_json(value);
            }
        }
        finish("dropped");
    }
    for (uint32_t i = 0; i < t->undated_count; i++) {
        begin("broken");
        field("line");
        put_int(t->undated[i].line);
        field("text");
        put_string(word_at(t, &t->undated[i], DATE));
        field("why");
        put("\"no such date\"");
        finish("dropped");
    }
}

// The rows in the order of the file.
static void tell_order(const table *t) {
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->at[i].repeats) {
            begin_row("repeated", &t->at[i]);
            field("same");
            put(t->at[i].same ? "true" : "false");
            finish("dropped, the first one stays");
        }
    }
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->at[i].late) {
            begin_row("out-of-order", &t->at[i]);
            finish("moved to its place");
        }
    }
}

static void tell_cells(const table *t, const row *rows, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        for (int k = 0; k <= WEATHER; k++) {
            const row *r = &rows[i];
            if (r->state[k] == GOOD) {
                continue;
            }
            bool blank = r->state[k] == BLANK;
            begin_row(blank ? "blank" : "not-a-number", r);
            field("column");
            put("\"");
            put(names[k]);
            put("\"");
            if (!blank) {
                field("found");
                put_string(word_at(t, r, k));
            }
            field("now");
            put_value(r, k);
            finish(k == WEATHER ? "named unknown" : r->has[k] ? "interpolated" : "left blank: nothing to go by");
        }
    }
}

static void tell_degrees(const row *rows, uint32_t count) {
    for (int column = TEMP_MAX; column <= TEMP_MIN; column++) {
        for (uint32_t i = 0; i < count; i++) {
            if (!rows[i].fahrenheit[column]) {
                continue;
            }
            // One finding for the whole run; blanks inside do not end it.
            uint32_t cells = 0, first = i, last = i;
            for (; i < count && (rows[i].fahrenheit[column] || rows[i].state[column] != GOOD); i++) {
                cells += rows[i].fahrenheit[column];
                last = rows[i].fahrenheit[column] ? i : last;
            }
            begin("fahrenheit");
            field("column");
            put("\"");
            put(names[column]);
            put("\"");
            field("from");
            put_date(rows[first].day);
            field("to");
            put_date(rows[last].day);
            field("cells");
            put_int(cells);
            finish("converted to °C");
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].implausible) {
            begin_row("implausible", &rows[i]);
            for (int column = TEMP_MAX; column <= TEMP_MIN; column++) {
                field(names[column]);
                put_value(&rows[i], column);
            }
            finish("kept");
        }
    }
}

static void put_row(const table *t, const row *r) {
    put("[");
    put_date(r->day);
    for (int k = 0; k < NUMBERS; k++) {
        put(",");
        put_value(r, k);
    }
    put(",");
    if (r->state[WEATHER] == GOOD) {
        put_string(word_at(t, r, WEATHER));
    } else {
        put_value(r, WEATHER);
    }
    put("]");
}

int main(void) {
    json *args = json_args();
    table t = read_table(args);
    mark_order(&t);

    // `days` are what stays, in order of time; `t.at` keeps the order of the file.
    row *days = TAKE(t.count, row);
    uint32_t count = 0;
    for (uint32_t i = 0; i < t.count; i++) {
        if (!t.at[i].repeats) {
            days[count++] = t.at[i];
        }
    }
    qsort(days, count, sizeof(row), by_day);
    judge_pairs(days, count);
    for (int column = TEMP_MAX; column <= TEMP_MIN; column++) {
        judge_single(days, count, column);
        convert(days, count, column);
    }
    for (int column = 0; column < NUMBERS; column++) {
        interpolate(days, count, column);
    }

    counts n = counted(&t, days, count);
    put("clean: ");
    put_int(n.in);
    put(" rows came, ");
    put_int(n.out);
    put(" stay; ");
    put_int(n.blank + n.not_numbers + n.fahrenheit);
    put(" cells mended");
    end_log();

    put("{");
    put_member(args, "source");
    put_member(args, "threshold");
    put_key("columns");
    put("[\"date\",\"precipitation\",\"temp_max\",\"temp_min\",\"wind\",\"weather\"],");
    put_key("rows");
    put("[");
    for (uint32_t i = 0; i < count; i++) {
        put(i ? "," : "");
        put_row(&t, &days[i]);
    }
    put("],");
    put_key("cleaning");
    put("{");
    put_counts(&n);
    put_key("findings");
    put("[");
    tell_broken(&t);
    tell_order(&t);
    tell_cells(&t, days, count);
    tell_degrees(days, count);
    put("]}}");
    end_result();
}
