// Step 4 of `weather`: which months were unlike themselves, and what was most of all.
//
// A month's z is (its figure − what is usual) / the deviation, all three as they are printed.
#include "calendar.h"

#include <stdlib.h>

enum {
    TEMP_MAX,
    PRECIPITATION,
    COMPARED,
    TEMP_MIN = COMPARED,
    WIND_MAX,
    FIGURES,

    THRESHOLD_DEFAULT = 130, // hundredths
    THRESHOLD_MAX = 10000,
};

static const int64_t SIZE_MAX_HUNDREDTHS = 100000000000; // a billion

static const char *const names[FIGURES] = {"temp_max", "precipitation", "temp_min", "wind_max"};

typedef struct {
    const json *as_read;
    int32_t number;
    bool has[FIGURES];
    int64_t value[FIGURES]; // hundredths
} month;

typedef struct {
    bool has[COMPARED];
    int64_t mean[COMPARED], deviation[COMPARED];
} usual;

typedef struct {
    const month *of;
    int figure;
    int64_t mean, deviation, z;
} anomaly;

typedef struct {
    text name;
    int64_t days;
} weather;

// --- reading ---

static bool read_figure(const json *object, const char *name, int64_t *value) {
    const json *it = json_get(object, name);
    if (!it || it->kind == JSON_NULL) {
        return false;
    }
    if (!json_fixed(it, 2, SIZE_MAX_HUNDREDTHS, value)) {
        fail("a `", (text){name, (uint32_t)__builtin_strlen(name)}, "` is not a number or too large");
    }
    return true;
}

static month read_month(const json *object, uint32_t number) {
    month m = {.as_read = object};
    const json *name = json_get(object, "month"), *weathers = json_get(object, "weather");
    bool good = name && name->kind == JSON_STRING && month_read(name->words, &m.number);
    good = good && (!weathers || weathers->kind == JSON_OBJECT);
    for (const json *it = good && weathers ? weathers->first : NULL; it; it = it->next) {
        int64_t days;
        good = good && json_fixed(it, 0, INT32_MAX, &days);
    }
    if (!good) {
        fail_at("month ", number, " of `months` has no `month` or no good `weather`");
    }
    for (int i = 0; i < FIGURES; i++) {
        m.has[i] = read_figure(object, names[i], &m.value[i]);
    }
    return m;
}

static void read_usual(const json *args, usual *of_year) {
    const json *all = json_need(args, "climatology", JSON_ARRAY);
    for (const json *it = all->first; it; it = it->next) {
        int64_t number;
        if (!json_fixed(json_need(it, "month", JSON_NUMBER), 0, 12, &number) || number < 1) {
            fail("a `month` of `climatology` is not from 1 to 12", TEXT(""), "");
        }
        usual *u = &of_year[number - 1];
        static const char *const deviations[COMPARED] = {"temp_max_sd", "precipitation_sd"};
        for (int i = 0; i < COMPARED; i++) {
            u->has[i] = read_figure(it, names[i], &u->mean[i]) && read_figure(it, deviations[i], &u->deviation[i]) &&
                        u->deviation[i] > 0; // always the same: nothing is unlike it
        }
    }
}

static int64_t read_threshold(const json *args) {
    const json *it = json_get(args, "threshold");
    int64_t value = THRESHOLD_DEFAULT;
    if (it && (!json_fixed(it, 2, THRESHOLD_MAX, &value) || value < 0)) {
        fail("`threshold` is not a number from 0 to 100", TEXT(""), "");
    }
    return value;
}

// --- anomalies ---

static int64_t size_of(int64_t value) {
    return value < 0 ? -value : value;
}

static int by_size(const void *a, const void *b) {
    const anomaly *x = a, *y = b;
    if (size_of(x->z) != size_of(y->z)) {
        return size_of(x->z) > size_of(y->z) ? -1 : 1;
    }
    if (x->of != y->of) {
        return x->of < y->of ? -1 : 1; // months lie in the order of time
    }
    return x->figure - y->figure;
}

static uint32_t find_anomalies(const month *months, uint32_t count, const usual *of_year, int64_t threshold,
                               anomaly *found) {
    uint32_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        const usual *u = &of_year[months[i].number % 12];
        for (int k = 0; k < COMPARED; k++) {
            if (!months[i].has[k] || !u->has[k]) {
                continue;
            }
            int64_t z = divided(100 * (months[i].value[k] - u->mean[k]), u->deviation[k]);
            if (size_of(z) >= threshold) {
                found[size++] = (anomaly){&months[i], k, u->mean[k], u->deviation[k], z};
            }
        }
    }
    qsort(found, size, sizeof(anomaly), by_size);
    return size;
}

static void put_anomalies(const anomaly *found, uint32_t count) {
    put_key("anomalies");
    put("[");
    for (uint32_t i = 0; i < count; i++) {
        const anomaly *it = &found[i];
        put(i ? ",{" : "{");
        put_key("month");
        put_month(it->of->number);
        put(",");
        put_key("what");
        put("\"");
        put(names[it->figure]);
        put("\"");
        const struct {
            const char *name;
            int64_t value;
        } figures[] = {
            {"value", it->of->value[it->figure]}, {"mean", it->mean}, {"sd", it->deviation}, {"z", it->z}};
        for (int k = 0; k < 4; k++) {
            put(",");
            put_key(figures[k].name);
            put_fixed(figures[k].value, 2);
        }
        put("}");
    }
    put("]");
}

// --- summary ---

// The month with the largest figure, or the smallest; the earliest of equals. Null without any.
static void put_most(const char *name, const month *months, uint32_t count, int figure, bool least) {
    const month *most = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const month *m = &months[i];
        if (m->has[figure] && (!most || (least ? m->value[figure] < most->value[figure]
                                               : m->value[figure] > most->value[figure]))) {
            most = m;
        }
    }
    put(",");
    put_key(name);
    if (!most) {
        put("null");
        return;
    }
    put("{");
    put_key("month");
    put_month(most->number);
    put(",");
    put_key(names[figure]);
    put_fixed(most->value[figure], 2);
    put("}");
}

static int by_name(const void *a, const void *b) {
    const weather *x = a, *y = b;
    return text_order(x->name, y->name);
}

// All days of each kind of weather; `all` is sorted here.
static void put_weathers(weather *all, uint32_t count) {
    qsort(all, count, sizeof(weather), by_name);
    put(",");
    put_key("weather");
    put("{");
    for (uint32_t i = 0, to; i < count; i = to) {
        int64_t days = 0;
        for (to = i; to < count && text_is(all[to].name, all[i].name); to++) {
            days += all[to].days;
        }
        put(i ? "," : "");
        put_string(all[i].name);
        put(":");
        put_int(days);
    }
    put("}");
}

static void put_edge(const char *name, const month *months, uint32_t count, uint32_t at) {
    put(",");
    put_key(name);
    if (count) {
        put_month(months[at].number);
    } else {
        put("null");
    }
}

int main(void) {
    json *args = json_args();
    const json *list = json_need(args, "months", JSON_ARRAY);
    int64_t threshold = read_threshold(args), days = 0, rain = 0;
    const json *all_days = json_get(args, "days");
    if (all_days && !json_fixed(all_days, 0, INT32_MAX, &days)) {
        fail("`days` is not a number", TEXT(""), "");
    }
    usual of_year[12] = {0};
    read_usual(args, of_year);
    month *months = TAKE(list->count, month);
    uint32_t count = 0, kinds = 0;
    for (const json *it = list->first; it; it = it->next) {
        months[count] = read_month(it, count + 1);
        if (count > 0 && months[count].number <= months[count - 1].number) {
            fail_at("month ", count + 1, " of `months` is not later than the one before");
        }
        rain += months[count].has[PRECIPITATION] ? months[count].value[PRECIPITATION] : 0;
        const json *weathers = json_get(it, "weather");
        kinds += weathers ? weathers->count : 0;
        count++;
    }
    weather *weathers = TAKE(kinds, weather);
    kinds = 0;
    for (uint32_t i = 0; i < count; i++) {
        const json *of_month = json_get(months[i].as_read, "weather");
        for (const json *it = of_month ? of_month->first : NULL; it; it = it->next) {
            weathers[kinds].name = it->key;
            json_fixed(it, 0, INT32_MAX, &weathers[kinds++].days);
        }
    }
    anomaly *found = TAKE(count * COMPARED, anomaly);
    uint32_t found_count = find_anomalies(months, count, of_year, threshold, found);

    put("anomalies: ");
    put_int(found_count);
    put(" in ");
    put_int(count);
    put(" months");
    end_log();

    put("{");
    put_member(args, "source");
    put_member(args, "months");
    put_member(args, "climatology");
    put_anomalies(found, found_count);
    put(",");
    put_member(args, "cleaning");
    put_key("summary");
    put("{");
    put_key("days");
    put_int(days);
    put_edge("from", months, count, 0);
    put_edge("to", months, count, count - 1);
    put(",");
    put_key("precipitation");
    put_fixed(rain, 2);
    put_weathers(weathers, kinds);
    put_most("wettest", months, count, PRECIPITATION, false);
    put_most("driest", months, count, PRECIPITATION, true);
    put_most("hottest", months, count, TEMP_MAX, false);
    put_most("coldest", months, count, TEMP_MIN, true);
    put_most("windiest", months, count, WIND_MAX, false);
    put(",");
    put_key("threshold");
    put_fixed(threshold, 2);
    put(",");
    put_key("anomalies");
    put_int(found_count);
    put("}}");
    end_result();
}
