#include "calendar.h"

static bool number_at(text words, uint32_t at, uint32_t len, int32_t *value) {
    *value = 0;
    for (uint32_t i = at; i < at + len; i++) {
        if (words.at[i] < '0' || words.at[i] > '9') {
            return false;
        }
        *value = *value * 10 + (words.at[i] - '0');
    }
    return true;
}

// The year begins in March here, so that the day that comes and goes is its last one.
// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
static int32_t days(int32_t year, int32_t month, int32_t day) {
    int32_t y = month > 2 ? year : year - 1;
    int32_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + of_year;
}

static void civil(int32_t day, int32_t *year, int32_t *month, int32_t *of_month) {
    int32_t era = day / 146097, of_era = day % 146097;
    int32_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int32_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int32_t m = (5 * of_year + 2) / 153;
    *of_month = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = y + era * 400 + (*month <= 2);
}

bool date_read(text words, int32_t *day) {
    int32_t year, month, of_month;
    if (words.len != 10 || (words.at[4] != '/' && words.at[4] != '-') || words.at[7] != words.at[4] ||
        !number_at(words, 0, 4, &year) || !number_at(words, 5, 2, &month) || !number_at(words, 8, 2, &of_month) ||
        year < 1 || month < 1 || month > 12 || of_month < 1) {
        return false;
    }
    *day = days(year, month, of_month);
    int32_t y, m, d;
    civil(*day, &y, &m, &d);
    return y == year && m == month && d == of_month; // else there was no such day in that month
}

void put_month(int32_t month) {
    int32_t year = month / 12;
    put("\"");
    put(year < 10 ? "000" : year < 100 ? "00" : year < 1000 ? "0" : "");
    put_int(year);
    put(month % 12 < 9 ? "-0" : "-");
    put_int(month % 12 + 1);
    put("\"");
}

int32_t month_of(int32_t day) {
    int32_t year, month, of_month;
    civil(day, &year, &month, &of_month);
    return year * 12 + month - 1;
}

int64_t divided(int64_t numerator, int64_t denominator) {
    int64_t size = numerator < 0 ? -numerator : numerator;
    int64_t result = (2 * size + denominator) / (2 * denominator);
    return numerator < 0 ? -result : result;
}
