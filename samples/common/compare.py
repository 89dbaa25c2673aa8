"""Compares what a pipeline said with what its script expects: figure by figure, no difference allowed."""

import decimal
import json

SHOWN = 20


class Comparison:
    def __init__(self):
        self.figures, self.words, self.differences = 0, 0, []

    def differ(self, path, expected, actual):
        self.differences.append(f"{path or 'it'}: expected {expected!s}, got {actual!s}")

    def compare(self, expected, actual, path=""):
        if isinstance(expected, dict) and isinstance(actual, dict):
            for key in expected.keys() | actual.keys():
                if key in expected and key in actual:
                    self.compare(expected[key], actual[key], f"{path}.{key}" if path else key)
                else:
                    self.differ(f"{path}.{key}" if path else key, "it" if key in expected else "nothing",
                                "it" if key in actual else "nothing")
        elif isinstance(expected, list) and isinstance(actual, list):
            if len(expected) != len(actual):
                self.differ(path, f"{len(expected)} items", f"{len(actual)}")
            for index, (e, a) in enumerate(zip(expected, actual)):
                self.compare(e, a, f"{path}[{index}]")
        else:
            number = isinstance(expected, decimal.Decimal)
            self.figures, self.words = self.figures + number, self.words + (not number)
            if type(expected) is not type(actual) or expected != actual:
                self.differ(path, expected, actual)

    def report(self):
        for line in self.differences[:SHOWN]:
            print(line)
        if len(self.differences) > SHOWN:
            print(f"… and {len(self.differences) - SHOWN} more")
        verdict = f"{len(self.differences)} differ" if self.differences else "all equal"
        print(f"{self.figures} figures and {self.words} words compared: {verdict}")
        return 1 if self.differences or not self.figures else 0


def compare_files(expected, actual):
    """Two documents. Returns the exit code, and prints what differs."""
    comparison = Comparison()
    comparison.compare(loads(read(expected)), actual_of(loads(read(actual))))
    return comparison.report()


def compare_lines(expected, actual):
    """The same, line by line; an expected line of `slices` counts by its `expected`."""
    comparison = Comparison()
    wanted, got = ([loads(line) for line in read(path).splitlines() if line] for path in (expected, actual))
    if len(wanted) != len(got):
        comparison.differ("", f"{len(wanted)} lines", len(got))
    for index, (e, a) in enumerate(zip(wanted, got)):
        comparison.compare(e.get("expected", e), actual_of(a), f"line {index + 1}")
    return comparison.report()


def loads(text):
    return json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)


def dumps(value, **how):
    # Two decimals survive a double and are printed as they are: checked by the comparison itself.
    return json.dumps(value, default=float, ensure_ascii=False, **how)


def actual_of(document):
    """The result itself, of a result or of an activation record."""
    response = document.get("response")
    return response["result"] if isinstance(response, dict) and "result" in response else document


def read(path):
    with open(0 if path == "-" else path, encoding="utf-8", newline="") as file:
        return file.read()


def write(path, text):
    with open(1 if path == "-" else path, "w", encoding="utf-8", newline="", closefd=path != "-") as file:
        file.write(text)


def write_lines(path, documents):
    write(path, "".join(dumps(it, separators=(",", ":")) + "\n" for it in documents))
