# SPDX-License-Identifier: GPL-2.0
"""What a program of upstream's selftests did on two kernels, and the difference.

An Outcome is one run of a program on one kernel.  Its exit status says whether
it passed; its rows say of what that is made: a row that fails on the second
kernel alone is a new failure, even of a program that fails on both.
"""

import re
from dataclasses import asdict, dataclass, field

PASS, SKIP, FAIL, TIMEOUT, CRASH = "pass", "skip", "fail", "timeout", "crash"
# The best first.  Only the first two are no failure.
ORDER = (PASS, SKIP, FAIL, TIMEOUT, CRASH)
SKIPPED = 4         # kselftest's exit status
KILLED = (124, 137)

SAME, FIXED, NEW = "same", "fixed", "NEW FAILURE"

# Some programs pass on what another has printed.
_ROW = re.compile(r"^\s*(?:# )*(not ok|ok) +(?:\d+ +)?(?:- )?(.*)$")
_BAIL = re.compile(r"^\s*(?:# )*Bail out! *(.*)$")
_DIRECTIVE = re.compile(r"\s*# *(?:SKIP|XFAIL|TODO)\b:? *(.*)$", re.IGNORECASE)
# Addresses, process ids, and what pagemap_ioctl counts, differ from run to run.
_VARYING = re.compile(r"0x[0-9a-f]+|(?<=process )\d+|(?<=pid )\d+|"
                      r"\d+ \([\d.]+%\)|(?<=faults )\d+|\d+\.\d+", re.IGNORECASE)


@dataclass
class Outcome:
    verdict: str
    note: str = ""
    seconds: float = 0.0
    rows: dict = field(default_factory=dict)    # name -> PASS, SKIP or FAIL

    def bad(self):
        return self.verdict not in (PASS, SKIP)

    def failed(self):
        return {name for name, what in self.rows.items() if what == FAIL}

    def passed(self):
        return {name for name, what in self.rows.items() if what == PASS}

    def dump(self):
        return asdict(self)


def rows_of(text):
    """Name -> verdict; of rows of one name, each has its own."""
    rows = {}
    for line in text.splitlines():
        found, bail = _ROW.match(line.rstrip()), _BAIL.match(line.rstrip())
        if bail:
            name, verdict = f"bail out: {bail[1]}", FAIL
        elif found:
            name, verdict = found[2], PASS if found[1] == "ok" else FAIL
        else:
            continue
        directive = _DIRECTIVE.search(name)
        if directive:
            verdict = SKIP if verdict == PASS else FAIL
            # ksft_test_result_skip() has its text there.
            name = name[:directive.start()] or directive[1]
        name = _VARYING.sub("N", name.strip()) or "row"
        number, key = 1, name
        while key in rows:
            number += 1
            key = f"{name} #{number}"
        rows[key] = verdict
    return rows


def outcome(text, status, faults, seconds, timeout):
    """Of a program that has ended."""
    rows = rows_of(text)
    verdict, note = PASS, ""
    if status in KILLED:
        verdict, note = TIMEOUT, f"killed after {timeout} s"
    elif status == SKIPPED:
        verdict, note = SKIP, _why_skipped(text)
    elif status:
        verdict, note = FAIL, f"exit status {status}"
    elif FAIL in rows.values():
        verdict, note = FAIL, "a row failed, the exit status is 0"
    elif rows and PASS not in rows.values():
        verdict, note = SKIP, _why_skipped(text)
    for fault in faults:
        rows["left behind: " + _VARYING.sub("N", fault)] = FAIL
        if verdict in (PASS, SKIP):
            verdict, note = FAIL, fault
    return Outcome(verdict, note, round(seconds, 1), rows)


def crashed(text, reasons, seconds):
    """Of one that took its guest down."""
    reasons = [r for r in reasons if not r.startswith("kernel log:")]
    return Outcome(CRASH, reasons[0] if reasons else "no result", round(seconds, 1),
                   rows_of(text))


def _why_skipped(text):
    found = re.findall(r"#\s*SKIP\b:?\s*(.*)$", text, re.MULTILINE | re.IGNORECASE)
    lines = found or text.strip().splitlines()
    return lines[-1].strip("# ") if lines else ""


def best(outcomes):
    return min(outcomes, key=lambda o: ORDER.index(o.verdict))


def compare(stock, series):
    """(SAME, FIXED or NEW, what there is to say) of stock's runs and one of series."""
    before = best(stock)
    new = _new(stock, before, series)
    if new:
        return NEW, new
    if before.bad() and not series.bad():
        return FIXED, []
    fixed = sorted(before.failed() & series.passed())
    if fixed:
        return FIXED, [f"now passes: {name}" for name in fixed]
    return SAME, []


def _new(stock, before, series):
    notes = []
    if series.bad() and not before.bad():
        notes.append(f"{series.verdict}: {series.note}")
    elif series.verdict in (TIMEOUT, CRASH) and before.verdict != series.verdict:
        notes.append(f"{series.verdict}, not only {before.verdict}: {series.note}")
    if series.verdict == SKIP and before.verdict == PASS:
        notes.append(f"skipped: {series.note}")
    known = set().union(*(o.failed() for o in stock))
    notes += [f"fails: {name}" for name in sorted(series.failed() - known)]
    if series.verdict not in (TIMEOUT, CRASH):
        # What did not even run has not passed either.
        lost = before.passed() - series.passed() - series.failed()
        notes += [f"passed, and is {'skipped' if name in series.rows else 'not there'}: {name}"
                  for name in sorted(lost)]
    return notes


def tap(results):
    """One row a program: results is name -> the runs of it."""
    lines = ["TAP version 13", f"1..{len(results)}"]
    for number, (name, outcomes) in enumerate(results.items(), 1):
        o = best(outcomes)
        word = "not ok" if o.bad() else "ok"
        skip = f" # SKIP {o.note}" if o.verdict == SKIP else ""
        count = {v: list(o.rows.values()).count(v) for v in (PASS, FAIL, SKIP)}
        lines.append(f"{word} {number} {name}{skip}")
        lines.append(f"# {o.verdict} in {o.seconds} s, rows: {count[PASS]} passed, "
                     f"{count[FAIL]} failed, {count[SKIP]} skipped; "
                     f"runs: {' '.join(o.verdict for o in outcomes)}")
        if o.bad():
            lines.append(f"# {o.note}")
            lines += [f"# failed: {row}" for row in sorted(o.failed())]
    return "\n".join(lines) + "\n"
