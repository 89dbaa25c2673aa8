// Days and months, for the steps of `weather` in C.
#ifndef QUIRL_SAMPLES_CALENDAR_H
#define QUIRL_SAMPLES_CALENDAR_H

#include "../common/json.h"

// `2012/01/31` or `2012-01-31` as days since 0000-03-01. False if there is no such day.
bool date_read(text words, int32_t *day);

// The month of a day, as months since year 0.
int32_t month_of(int32_t day);
void put_month(int32_t month); // "2012-01"

// `numerator / denominator` as the nearest integer, halves away from zero.
int64_t divided(int64_t numerator, int64_t denominator);

#endif
