#!/usr/bin/env python3
"""What the pipeline `weather` must say, worked out a second time.

Python 3.11, standard library only; shares no code and no way of counting with the steps: fractions
instead of integers of tenths, days in a dictionary, the calendar and the roots of the library. The
rules themselves are in README.md. All figures are rounded once, halves away from zero, so two right
answers are equal and `compare` allows no difference at all.

    check.py damage  IN.csv damages.toml OUT.csv       make the damaged copy
    check.py change  IN.csv DATE COLUMN VALUE OUT.csv  change one cell
    check.py expect  FILE.csv [SOURCE] [THRESHOLD]     print the final result of the pipeline
    check.py slices  FILE.csv ROWS                     print {"args":…,"expected":…} per slice, a line each
    check.py compare EXPECTED.json ACTUAL.json         exit 1 and tell where they differ
    check.py compare-lines EXPECTED.jsonl ACTUAL.jsonl the same line by line
    check.py found   damages.toml ACTUAL.json          cleaning told these damages and nothing else

`-` instead of a file to read or write means stdin or stdout. ACTUAL may be an activation record: its
`response.result` is taken. An expected line of `slices` counts by its `expected`.
"""

import bisect
import datetime
import decimal
import pathlib
import re
import sys
import tomllib
from fractions import Fraction

sys.dont_write_bytecode = True  # nothing of ours is left among the samples
sys.path.append(str(pathlib.Path(__file__).parents[1] / "common"))
from compare import actual_of, compare_files, compare_lines, dumps, loads, read, write, write_lines

MEASURES = ["precipitation", "temp_max", "temp_min", "wind"]
SHOWN_BYTES = 200


def nearest(value, places):
    """`value` with so many decimals, halves away from zero."""
    scaled = abs(value) * 10**places + Fraction(1, 2)
    whole = scaled.numerator // scaled.denominator
    return Fraction(whole if value >= 0 else -whole, 10**places)


# --- the file -------------------------------------------------------------------------------------


def split_line(lines, at):
    """Cells of the record that begins in line `at` and the line behind it; or why it is broken."""
    rest, cells, pos = lines[at], [], 0
    taken = at + 1
    while True:
        if rest[pos : pos + 1] == '"':
            while not (closed := re.compile(r'"((?:[^"]|"")*)"(?!")').match(rest, pos)):
                if taken == len(lines):
                    return None, at + 1, "a quote is not closed"
                rest += "\n" + lines[taken]
                taken += 1
            cells.append(closed[1].replace('""', '"'))
            pos = closed.end()
            if pos < len(rest) and rest[pos] != ",":
                return None, at + 1, "text behind a closing quote"
        else:
            end = rest.find(",", pos)
            cells.append(rest[pos : end if end >= 0 else len(rest)])
            if '"' in cells[-1]:
                return None, at + 1, "a quote inside a cell without quotes"
            pos += len(cells[-1])
        cells[-1] = cells[-1].strip(" \t")
        if pos == len(rest):
            return cells, taken, None
        pos += 1


def read_rows(text):
    """(columns, [(line, {column: word or None})], [finding])"""
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    columns, rows, broken, at = None, [], [], 0
    while at < len(lines):
        if not lines[at].strip(" \t"):
            at += 1
            continue
        cells, behind, why = split_line(lines, at)
        if columns is None:
            columns = cells
        elif why or len(cells) != len(columns):
            shown = lines[at].encode()[:SHOWN_BYTES].decode(errors="ignore")
            why = why or f"the number of cells is {len(cells)}, not {len(columns)}"
            behind = at + 1  # what looks like one row may be several, between two stray quotes
            broken.append({"kind": "broken", "line": at + 1, "text": shown, "why": why, "did": "dropped"})
        else:
            rows.append((at + 1, {name: word or None for name, word in zip(columns, cells)}))
        at = behind
    return columns, rows, broken


# --- cleaning -------------------------------------------------------------------------------------


def date_of(word):
    match = re.fullmatch(r"([0-9]{4})([/-])([0-9]{2})\2([0-9]{2})", word or "")
    try:
        return match and datetime.date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None


def measure(word, column):
    """The figure a word stands for, in tenths exactly; None if it is none."""
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", word):
        return None
    value = nearest(Fraction(word), 1)
    if abs(value) > 10000 or (value < 0 and column in ("precipitation", "wind")):
        return None
    return value


def celsius(fahrenheit):
    return nearest((fahrenheit - 32) * Fraction(5, 9), 1)


def reading_of(high, low):
    """Which of the two are °F, as the first way to read them that a day can be; None if there is none."""
    for low_is_f in (False, True):
        for high_is_f in (False, True):
            h = celsius(high) if high_is_f else high
            l = celsius(low) if low_is_f else low
            if -60 <= l <= h <= 50 and h - l <= 25:
                return {"temp_max": high_is_f, "temp_min": low_is_f}
    return None


def clean(rows, broken):
    """({date: {column: figure or None, "weather": word}} in order, cleaning)"""
    kept, repeated, late = {}, [], []
    for line, cells in rows:
        day = date_of(cells["date"])
        if day is None:
            why = {"text": cells["date"] or "", "why": "no such date", "did": "dropped"}
            broken.append({"kind": "broken", "line": line} | why)
        elif day in kept:
            same = kept[day][1] == cells
            did = "dropped, the first one stays"
            repeated.append({"kind": "repeated", "line": line, "date": str(day), "same": same, "did": did})
        else:
            if kept and day < max(kept):
                did = "moved to its place"
                late.append({"kind": "out-of-order", "line": line, "date": str(day), "did": did})
            kept[day] = (line, cells)

    dates = sorted(kept)
    own = {c: {} for c in MEASURES}  # figures that the file itself has
    for day in dates:
        for c in MEASURES:
            word = kept[day][1][c]
            value = measure(word, c) if word else None
            if value is not None:
                own[c][day] = value

    # Degrees: a day with both by itself, a day with one by the nearest days with both.
    pairs = {d: reading_of(own["temp_max"][d], own["temp_min"][d])
             for d in dates if d in own["temp_max"] and d in own["temp_min"]}
    odd = [d for d, reading in pairs.items() if reading is None]
    judged = [d for d, reading in pairs.items() if reading]
    in_f = {"temp_max": set(), "temp_min": set()}
    for c, found in in_f.items():
        for day in own[c]:
            if day in pairs:
                verdicts = [bool(pairs[day] and pairs[day][c])]
            else:
                at = bisect.bisect(judged, day)
                verdicts = [pairs[d][c] for d in judged[max(at - 1, 0) : at + 1]] if judged else [False]
            if all(verdicts):
                found.add(day)
        for day in found:
            own[c][day] = celsius(own[c][day])

    result, cells_told, blank, not_numbers = {d: {} for d in dates}, [], 0, 0
    known = {c: sorted(own[c]) for c in MEASURES}
    for day in dates:
        line, words = kept[day]
        for c in MEASURES:
            value = own[c].get(day)
            if value is None:
                at = bisect.bisect(known[c], day)
                around = known[c][max(at - 1, 0) : at + 1]  # one at an end, two between, none of none
                if len(around) == 2:
                    a, b = around
                    share = Fraction((day - a).days, (b - a).days)
                    value = nearest(own[c][a] * (1 - share) + own[c][b] * share, 1)
                elif around:
                    value = own[c][around[0]]
                told = {"line": line, "date": str(day), "column": c, "now": value,
                        "did": "left blank: nothing to go by" if value is None else "interpolated"}
                if words[c]:
                    not_numbers += 1
                    cells_told.append({"kind": "not-a-number", "found": words[c]} | told)
                else:
                    blank += 1
                    cells_told.append({"kind": "blank"} | told)
            result[day][c] = value
        result[day]["weather"] = words["weather"] or "unknown"
        if not words["weather"]:
            blank += 1
            cells_told.append({"kind": "blank", "line": line, "date": str(day), "column": "weather",
                               "now": "unknown", "did": "named unknown"})

    degrees = []
    for c in ("temp_max", "temp_min"):
        run = None
        for day in known[c]:  # a day without a figure of its own ends no run
            if day not in in_f[c]:
                run = None
            elif run is None:
                run = {"kind": "fahrenheit", "column": c, "from": str(day), "to": str(day), "cells": 1,
                       "did": "converted to °C"}
                degrees.append(run)
            else:
                run["to"], run["cells"] = str(day), run["cells"] + 1
    for day in odd:
        degrees.append({"kind": "implausible", "line": kept[day][0], "date": str(day),
                        "temp_max": own["temp_max"][day], "temp_min": own["temp_min"][day], "did": "kept"})

    return result, {
        "rows_in": len(kept) + len(repeated) + len(broken),
        "rows_out": len(dates),
        "broken_rows": len(broken),
        "repeated_rows": len(repeated),
        "out_of_order_rows": len(late),
        "blank_cells": blank,
        "not_numbers": not_numbers,
        "fahrenheit_cells": sum(map(len, in_f.values())),
        "implausible_days": len(odd),
        "missing_days": (dates[-1] - dates[0]).days + 1 - len(dates) if dates else 0,
        "findings": broken + repeated + late + cells_told + degrees,
    }


# --- figures --------------------------------------------------------------------------------------


def mean(values):
    return nearest(Fraction(sum(values), len(values)), 2) if values else None


def deviation(values):
    """Of a sample; None of fewer than three."""
    if len(values) < 3:
        return None
    middle = Fraction(sum(values), len(values))
    variance = sum((v - middle) ** 2 for v in values) / (len(values) - 1)
    with decimal.localcontext(prec=80, rounding=decimal.ROUND_HALF_UP):
        root = (decimal.Decimal(variance.numerator) / variance.denominator).sqrt()
        return Fraction(root.quantize(decimal.Decimal("0.01")))


def tally(words):
    return {word: words.count(word) for word in sorted(set(words), key=str.encode)}


def months_of(days):
    months = {}
    for day, row in days.items():
        months.setdefault((day.year, day.month), []).append(row)
    result = []
    for (year, number), rows in months.items():
        has = {c: [row[c] for row in rows if row[c] is not None] for c in MEASURES}
        result.append({
            "month": f"{year:04}-{number:02}",
            "days": len(rows),
            "temp_max": mean(has["temp_max"]),
            "temp_min": mean(has["temp_min"]),
            "precipitation": sum(has["precipitation"]) if has["precipitation"] else None,
            "wind_max": max(has["wind"], default=None),
            "weather": tally([row["weather"] for row in rows]),
        })
    return result


def climatology_of(months):
    result = []
    for number in range(1, 13):
        same = [m for m in months if int(m["month"][5:]) == number]
        if same:
            usual = {"month": number, "years": len(same)}
            for figure in ("temp_max", "temp_min", "precipitation"):
                values = [m[figure] for m in same if m[figure] is not None]
                usual |= {figure: mean(values), figure + "_sd": deviation(values)}
            result.append(usual)
    return result


def anomalies_of(months, climatology, threshold):
    usual_of = {usual["month"]: usual for usual in climatology}
    result = []
    for m in months:
        usual = usual_of[int(m["month"][5:])]
        for what in ("temp_max", "precipitation"):
            if m[what] is not None and usual[what + "_sd"]:
                z = nearest((m[what] - usual[what]) / usual[what + "_sd"], 2)
                if abs(z) >= threshold:
                    result.append({"month": m["month"], "what": what, "value": m[what], "mean": usual[what],
                                   "sd": usual[what + "_sd"], "z": z})
    return sorted(result, key=lambda a: -abs(a["z"]))  # stable: equals stay in the order of time


def summary_of(days, months, anomalies, threshold):
    def most(figure, best):
        having = [m for m in months if m[figure] is not None]
        if not having:
            return None
        it = best(having, key=lambda m: m[figure])
        return {"month": it["month"], figure: it[figure]}

    return {
        "days": len(days),
        "from": months[0]["month"] if months else None,
        "to": months[-1]["month"] if months else None,
        "precipitation": sum(m["precipitation"] or 0 for m in months),
        "weather": tally([row["weather"] for row in days.values()]),
        "wettest": most("precipitation", max),
        "driest": most("precipitation", min),
        "hottest": most("temp_max", max),
        "coldest": most("temp_min", min),
        "windiest": most("wind_max", max),
        "threshold": threshold,
        "anomalies": len(anomalies),
    }


def expect(text, source=None, threshold=None):
    columns, rows, broken = read_rows(text)
    days, cleaning = clean(rows, broken)
    limit = nearest(Fraction(threshold if threshold is not None else "1.3"), 2)
    months = months_of(days)
    climatology = climatology_of(months)
    anomalies = anomalies_of(months, climatology, limit)
    result = {"source": source} if source is not None else {}
    return result | {
        "months": months,
        "climatology": climatology,
        "anomalies": anomalies,
        "cleaning": cleaning,
        "summary": summary_of(days, months, anomalies, limit),
    }


# --- damage ---------------------------------------------------------------------------------------


def damage(text, damages):
    header, *rows = text.splitlines()
    columns = header.split(",")

    def at(date):
        [index] = [i for i, row in enumerate(rows) if row.startswith(date + ",")]
        return index

    def write(index, column, word):
        cells = rows[index].split(",")
        cells[columns.index(column)] = word
        rows[index] = ",".join(cells)

    for it in damages:
        match it["kind"]:
            case "blank":
                write(at(it["date"]), it["column"], "")
            case "not-a-number":
                write(at(it["date"]), it["column"], it["text"])
            case "fahrenheit":
                for index in range(at(it["from"]), at(it["to"]) + 1):
                    word = rows[index].split(",")[columns.index(it["column"])]
                    if word:
                        write(index, it["column"], f"{float(nearest(Fraction(word) * Fraction(9, 5) + 32, 1))}")
            case "broken":
                rows[at(it["date"])] = it["text"]
            case "out-of-order":
                row = rows.pop(at(it["date"]))
                rows.insert(at(it["behind"]) + 1, row)
            case "repeated":
                rows.insert(at(it["behind"]) + 1, rows[at(it["date"])])
            case other:
                raise SystemExit(f"no such kind of damage: {other}")
    return "\n".join([header, *rows]) + "\n"


def change(text, date, column, value):
    header, *rows = text.splitlines()
    [index] = [i for i, row in enumerate(rows) if row.startswith(date + ",")]
    cells = rows[index].split(",")
    cells[header.split(",").index(column)] = value
    rows[index] = ",".join(cells)
    return "\n".join([header, *rows]) + "\n"


def found(damages, cleaning):
    """Lines that tell what was found and not done, or done and not found."""
    keys = {"blank": ["date", "column"], "not-a-number": ["date", "column", "text"], "repeated": ["date"],
            "fahrenheit": ["column", "from", "to"], "broken": ["text"], "out-of-order": ["date"]}

    def plain(kind, it):
        it = {"text": it.get("found")} | it
        words = [it[key].replace("/", "-") for key in keys.get(kind, ["date"])]
        return kind, *[word[:10] if kind == "broken" else word for word in words]  # a finding may tell less

    done = [plain(it["kind"], it) for it in damages]
    told = [plain(it["kind"], it) for it in cleaning["findings"]]
    return [f"not found: {it}" for it in done if it not in told] + [f"not done: {it}" for it in told if it not in done]


# --- commands ------------------------------------------------------------------------------------


def damages_of(path):
    return tomllib.loads(read(path))["damage"]


def slices(text, size):
    header, *rows = text.splitlines()
    for at in range(0, len(rows), size):
        part = rows[at : at + size]
        args = {"csv": "\n".join([header, *part]) + "\n", "source": f"rows {at + 1} to {at + len(part)}"}
        yield {"args": args, "expected": expect(args["csv"], args["source"])}


def main(args):
    match args:
        case ["damage", source, damages, target]:
            write(target, damage(read(source), damages_of(damages)))
        case ["change", source, date, column, value, target]:
            write(target, change(read(source), date, column, value))
        case ["expect", path, *rest] if len(rest) <= 2:
            write("-", dumps(expect(read(path), *rest), indent=1) + "\n")
        case ["slices", path, size]:
            write_lines("-", slices(read(path), int(size)))
        case ["compare", expected, actual]:
            return compare_files(expected, actual)
        case ["compare-lines", expected, actual]:
            return compare_lines(expected, actual)
        case ["found", damages, actual]:
            wanted = damages_of(damages)
            wrong = found(wanted, actual_of(loads(read(actual)))["cleaning"])
            print("\n".join(wrong) if wrong else f"{len(wanted)} damages were found, and nothing else")
            return 1 if wrong else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
