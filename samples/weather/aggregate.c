// Step 3 of `weather`: typed rows → months, and what each month of the year is usually like.
//
// Means and deviations are hundredths, rounded once from exact sums; halves go away from zero.
#include "calendar.h"

enum {
    PRECIPITATION,
    TEMP_MAX,
    TEMP_MIN,
    WIND,
    NUMBERS,
    SIZE_MAX_TENTHS = 100000,
    // What a year's month is compared by.
    FIGURES = 3,
};

static const char *const names[NUMBERS] = {"precipitation", "temp_max", "temp_min", "wind"};

typedef struct {
    text name;
    uint32_t days;
} weather;

typedef struct {
    int32_t number; // since year 0
    uint32_t days;
    int64_t sum[NUMBERS], most[NUMBERS]; // tenths
    uint32_t seen[NUMBERS];
    weather *weathers; // by name
    uint32_t weather_count;
} month;

typedef struct {
    int32_t day;
    bool has[NUMBERS];
    int64_t value[NUMBERS];
    text weather;
} row;

static row read_row(const json *cells, uint32_t number) {
    row r = {0};
    const json *it = cells->kind == JSON_ARRAY && cells->count == NUMBERS + 2 ? cells->first : NULL;
    bool good = it && it->kind == JSON_STRING && date_read(it->words, &r.day);
    for (int i = 0; good && i < NUMBERS; i++) {
        it = it->next;
        r.has[i] = it->kind != JSON_NULL;
        good = !r.has[i] || json_fixed(it, 1, SIZE_MAX_TENTHS, &r.value[i]);
    }
    if (!good || it->next->kind != JSON_STRING) {
        fail_at("row ", number, " of `rows` is not [date, precipitation, temp_max, temp_min, wind, weather]");
    }
    r.weather = it->next->words;
    return r;
}

static void count_weather(month *m, text name) {
    uint32_t at = 0;
    while (at < m->weather_count && text_order(m->weathers[at].name, name) < 0) {
        at++;
    }
    if (at == m->weather_count || !text_is(m->weathers[at].name, name)) {
        for (uint32_t i = m->weather_count++; i > at; i--) {
            m->weathers[i] = m->weathers[i - 1];
        }
        m->weathers[at] = (weather){name, 0};
    }
    m->weathers[at].days++;
}

static void add(month *m, const row *r) {
    m->days++;
    for (int i = 0; i < NUMBERS; i++) {
        if (!r->has[i]) {
            continue;
        }
        m->most[i] = m->seen[i] == 0 || r->value[i] > m->most[i] ? r->value[i] : m->most[i];
        m->sum[i] += r->value[i];
        m->seen[i]++;
    }
    count_weather(m, r->weather);
}

// --- figures of a month, in hundredths ---

static bool figure(const month *m, int column, int64_t *value) {
    if (m->seen[column] == 0) {
        return false;
    }
    int64_t sum = m->sum[column] * 10;
    *value = column == PRECIPITATION ? sum : divided(sum, m->seen[column]); // a total, or a mean
    return true;
}

static void put_figure(const char *name, bool has, int64_t hundredths) {
    put(",");
    put_key(name);
    if (has) {
        put_fixed(hundredths, 2);
    } else {
        put("null");
    }
}

static void put_one_month(const month *m) {
    put("{");
    put_key("month");
    put_month(m->number);
    put(",");
    put_key("days");
    put_int(m->days);
    static const int order[] = {TEMP_MAX, TEMP_MIN, PRECIPITATION};
    for (int i = 0; i < FIGURES; i++) {
        int64_t value = 0;
        bool has = figure(m, order[i], &value);
        put_figure(names[order[i]], has, value);
    }
    put_figure("wind_max", m->seen[WIND] > 0, m->most[WIND] * 10);
    put(",");
    put_key("weather");
    put("{");
    for (uint32_t i = 0; i < m->weather_count; i++) {
        put(i ? "," : "");
        put_string(m->weathers[i].name);
        put(":");
        put_int(m->weathers[i].days);
    }
    put("}}");
}

// --- what is usual ---

typedef struct {
    int64_t count, sum;
    unsigned __int128 squares;
} spread;

// The root of `numerator / denominator` as the nearest integer: the largest k with
// (k - 1/2)² ≤ that, found by halving.
static int64_t root(unsigned __int128 numerator, uint64_t denominator) {
    uint64_t low = 0, high = (uint64_t)1 << 40;
    while (low < high) {
        uint64_t k = low + (high - low + 1) / 2;
        unsigned __int128 odd = 2 * k - 1;
        if (odd * odd * denominator <= 4 * numerator) {
            low = k;
        } else {
            high = k - 1;
        }
    }
    return (int64_t)low;
}

static void put_spread(const char *name, const char *deviation, const spread *s) {
    put_figure(name, s->count > 0, s->count > 0 ? divided(s->sum, s->count) : 0);
    // The deviation of a sample; of fewer than three it says nothing.
    bool has = s->count >= 3;
    int64_t result = 0;
    if (has) {
        uint64_t size = (uint64_t)(s->sum < 0 ? -s->sum : s->sum), n = (uint64_t)s->count;
        result = root(s->squares * n - (unsigned __int128)size * size, n * (n - 1));
    }
    put_figure(deviation, has, result);
}

static void put_usual(const month *months, uint32_t count) {
    bool later = false;
    for (int32_t of_year = 0; of_year < 12; of_year++) {
        spread spreads[NUMBERS] = {0};
        uint32_t years = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (months[i].number % 12 != of_year) {
                continue;
            }
            years++;
            for (int k = 0; k < NUMBERS; k++) {
                int64_t value = 0;
                if (figure(&months[i], k, &value)) {
                    spreads[k].count++;
                    spreads[k].sum += value;
                    spreads[k].squares += (unsigned __int128)((__int128)value * value);
                }
            }
        }
        if (years == 0) {
            continue;
        }
        put(later ? ",{" : "{");
        later = true;
        put_key("month");
        put_int(of_year + 1);
        put(",");
        put_key("years");
        put_int(years);
        put_spread("temp_max", "temp_max_sd", &spreads[TEMP_MAX]);
        put_spread("temp_min", "temp_min_sd", &spreads[TEMP_MIN]);
        put_spread("precipitation", "precipitation_sd", &spreads[PRECIPITATION]);
        put("}");
    }
}

int main(void) {
    json *args = json_args();
    const json *rows = json_need(args, "rows", JSON_ARRAY);
    month *months = TAKE(rows->count, month);
    weather *weathers = TAKE(rows->count, weather); // no month has more kinds than days
    uint32_t count = 0, number = 0;
    int32_t latest = -1;
    for (const json *cells = rows->first; cells; cells = cells->next) {
        row r = read_row(cells, ++number);
        if (r.day <= latest) {
            fail_at("row ", number, " of `rows` is not later than the one before");
        }
        latest = r.day;
        if (count == 0 || months[count - 1].number != month_of(r.day)) {
            months[count++] = (month){.number = month_of(r.day), .weathers = weathers + number - 1};
        }
        add(&months[count - 1], &r);
    }

    put("aggregate: ");
    put_int(number);
    put(" days in ");
    put_int(count);
    put(" months");
    end_log();

    put("{");
    put_member(args, "source");
    put_member(args, "threshold");
    put_key("months");
    put("[");
    for (uint32_t i = 0; i < count; i++) {
        put(i ? "," : "");
        put_one_month(&months[i]);
    }
    put("],");
    put_key("climatology");
    put("[");
    put_usual(months, count);
    put("],");
    put_member(args, "cleaning");
    put_key("days");
    put_int(number);
    put("}");
    end_result();
}
