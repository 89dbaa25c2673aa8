#!/usr/bin/env python3
"""What the pipeline `quotes` must say, worked out a second time.

Python 3.11, standard library only; shares no code and no way of counting with the steps: fractions
instead of whole cents, quotes in a dictionary, dates of the library. The rules themselves are in
README.md. All figures are rounded once, halves away from zero, so two right answers are equal.

    check.py expect  FILE.csv [SOURCE [WINDOW]]        print the final result of the pipeline
    check.py slices  FILE.csv STEP                     print {"args":…,"expected":…}, a line for each company
                                                       and each STEP quotes more that were known of it
    check.py compare EXPECTED.json ACTUAL.json         exit 1 and tell where they differ
    check.py compare-lines EXPECTED.jsonl ACTUAL.jsonl the same line by line

`-` instead of a file to read or write means stdin or stdout. ACTUAL may be an activation record: its
`response.result` is taken. An expected line of `slices` counts by its `expected`.
"""

import datetime
import decimal
import pathlib
import re
import sys
from fractions import Fraction

sys.dont_write_bytecode = True  # nothing of ours is left among the samples
sys.path.append(str(pathlib.Path(__file__).parents[1] / "common"))
from compare import compare_files, compare_lines, dumps, read, write, write_lines

WINDOW, HELD_OUT, YEAR = 3, 12, 12


def nearest(value):
    """Two decimals, halves away from zero."""
    return decimal.Decimal(int(abs(value) * 100 + Fraction(1, 2))).scaleb(-2) * (1 if value >= 0 else -1)


def mean(values):
    values = [Fraction(value) for value in values]
    return nearest(sum(values) / len(values)) if values else None


def date_of(word):
    if not re.fullmatch(r"[A-Z][a-z]{2} [0-9]{1,2} [0-9]{4}", word):
        return None
    try:
        return datetime.datetime.strptime(word, "%b %d %Y").date()
    except ValueError:
        return None


def price_of(word):
    price = decimal.Decimal(word) if re.fullmatch(r"[0-9]+(\.[0-9]{1,2})?", word) else 0
    return price if 0 < price <= 10**9 else None


def quotes_of(text):
    """({symbol: {date: price}}, [broken row], how many rows there are)"""
    header, *lines = [line.removesuffix("\r") for line in text.split("\n")]
    columns = [name.strip() for name in header.split(",")]
    companies, broken, rows = {}, [], 0
    for line, words in enumerate(lines, start=2):
        if not words.strip():
            continue
        rows += 1
        cells = [cell.strip() for cell in words.split(",")]
        row = dict(zip(columns, cells))
        if len(cells) != len(columns):
            why = f"the number of cells is {len(cells)}, not {len(columns)}"
        elif not row["symbol"]:
            why = "no symbol"
        elif not (day := date_of(row["date"])):
            why = "no such date"
        elif not (price := price_of(row["price"])):
            why = "no such price"
        elif day in companies.get(row["symbol"], {}):
            why = "the company has a quote of that date"
        else:
            companies.setdefault(row["symbol"], {})[day] = price
            continue
        broken.append({"line": line, "text": words, "why": why})
    return companies, broken, rows


def off(months):
    """How far the forecasts were off; each of these figures is taken as it is printed."""
    percents = [nearest(Fraction(abs(it["error"])) / Fraction(it["price"]) * 100) for it in months]
    return {"held_out": len(months), "mae": mean([abs(it["error"]) for it in months]), "mape": mean(percents)}


def last_of(symbol, days, prices):
    ago = prices[-1 - YEAR] if len(prices) > YEAR else None
    rise = ago and nearest((Fraction(prices[-1]) / Fraction(ago) - 1) * 100)
    return {"symbol": symbol, "quotes": len(days), "from": str(days[0]), "date": str(days[-1]), "price": prices[-1],
            "year_percent": rise}


def forecast_of(symbol, days, prices, window):
    def after(count):
        return mean(prices[count - window : count]) if count >= window else None

    months = [{"date": str(day), "price": price, "forecast": after(at), "error": price - after(at)}
              for at, (day, price) in enumerate(zip(days, prices))
              if at >= max(window, len(days) - HELD_OUT)]
    return {"symbol": symbol, "next": after(len(days)), "months": months} | off(months)


def expect(text, source=None, window=WINDOW):
    companies, broken, rows = quotes_of(text)
    # In order, as (symbol, [date], [price]).
    series = [(symbol, *zip(*sorted(quotes.items()))) for symbol, quotes in companies.items()]
    forecasts = [forecast_of(*it, window) for it in series]
    result = {"source": source} if source is not None else {}
    return result | {
        "window": window,
        "held_out": HELD_OUT,
        "reading": {"rows": rows, "quotes": rows - len(broken), "broken": broken},
        "last": [last_of(*it) for it in series],
        "forecasts": forecasts,
        "summary": {"companies": len(series)} | off([month for it in forecasts for month in it["months"]]),
    }


def slices(text, step):
    """What was known of each company after each `step` quotes."""
    header, *rows = text.splitlines()
    for symbol in dict.fromkeys(row.split(",")[0] for row in rows):
        own = [row for row in rows if row.startswith(symbol + ",")]
        for count in range(step, len(own) + 1, step):
            args = {"csv": "\n".join([header, *own[:count]]) + "\n", "source": f"{symbol}, {count} quotes"}
            yield {"args": args, "expected": expect(args["csv"], args["source"])}


def main(args):
    match args:
        case ["expect", path]:
            write("-", dumps(expect(read(path)), indent=1) + "\n")
        case ["expect", path, source, *window] if len(window) <= 1:
            write("-", dumps(expect(read(path), source, *map(int, window)), indent=1) + "\n")
        case ["slices", path, step]:
            write_lines("-", slices(read(path), int(step)))
        case ["compare", expected, actual]:
            return compare_files(expected, actual)
        case ["compare-lines", expected, actual]:
            return compare_lines(expected, actual)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
