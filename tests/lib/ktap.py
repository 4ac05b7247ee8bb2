# SPDX-License-Identifier: GPL-2.0
"""Reading TAP and KTAP, with nothing taken for granted.

Only leaves count: a row that sums up the indented rows above it is no test of
its own.  Rows that were planned and did not come are failures, and so are a
plan that did not come and a result without any row.
"""

import re
from dataclasses import dataclass

PASS, FAIL, SKIP = "pass", "fail", "skip"

_ROW = re.compile(r"^(\s*)(not ok|ok)\b\s*(\d+)?\s*(?:-\s*)?(.*)$")
_DIRECTIVE = re.compile(r"^(.*?)\s*#\s*(SKIP|TODO|XFAIL|ERROR|TIMEOUT)\b:?\s*"
                        r"(.*)$", re.IGNORECASE)
_PLAN = re.compile(r"^(\s*)1\.\.(\d+)\s*(?:#\s*(.*))?$")
_SUBTEST = re.compile(r"^(\s*)# Subtest: (.*)$")
_BAIL = re.compile(r"^\s*Bail out!\s*(.*)$")
# The kernel's log: "[    1.234567] ", and "[   T1] " with PRINTK_CALLER.
_PRINTK = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")


@dataclass
class Row:
    name: str
    verdict: str
    note: str = ""


@dataclass
class _Level:
    """What has been seen at one indentation, since its parent's last row."""
    indent: int
    subtest: str = ""
    plan: int | None = None
    seen: int = 0
    failed: int = 0     # leaves that failed, here and below
    below: int = 0      # of these, those below the row that comes next


def strip_printk(text):
    """The messages of a kernel log without their time stamps."""
    return "\n".join(_PRINTK.sub("", line) for line in text.splitlines())


class Parser:
    """Feed it lines; rows come out as they are complete."""

    def __init__(self):
        self.rows = []
        self._levels = [_Level(0)]
        self._notes = []

    def feed(self, line):
        line = line.rstrip()
        row = _ROW.match(line)
        plan = _PLAN.match(line)
        subtest = _SUBTEST.match(line)
        bail = _BAIL.match(line)
        if row:
            self._row(len(row[1]), row[2] == "ok", row[4])
        elif plan:
            level = self._level(len(plan[1]))
            level.plan = int(plan[2])
            if not level.plan and plan[3]:
                # "1..0 # SKIP why": all of it
                why = re.sub(r"(?i)^SKIP\b:?\s*", "", plan[3])
                self._add(level, Row("all", SKIP, why))
                level.plan = 1
        elif subtest:
            self._level(len(subtest[1])).subtest = subtest[2]
        elif bail:
            self._leaf(self._levels[0], "bail out", FAIL, bail[1])
        elif line.lstrip().startswith("#"):
            self._notes.append(line.strip())

    def _level(self, indent):
        while self._levels[-1].indent > indent:
            self._close(self._levels.pop())
        if self._levels[-1].indent < indent:
            self._levels.append(_Level(indent))
        return self._levels[-1]

    def _close(self, level):
        """Its parent's row has come, or nothing more will."""
        if level.plan is not None:
            for number in range(level.seen + 1, level.plan + 1):
                self._leaf(level, f"row {number} of {level.plan}", FAIL,
                           "planned, and did not come")
            if level.seen > level.plan:
                self._leaf(level, "plan", FAIL,
                           f"{level.seen} rows, {level.plan} planned")
        if self._levels:
            self._levels[-1].failed += level.failed
            self._levels[-1].below += level.failed

    def _leaf(self, level, name, verdict, note=""):
        names = [up.subtest for up in self._levels
                 if up.subtest and up.indent < level.indent]
        names += [level.subtest] if level.subtest else []
        self.rows.append(Row(": ".join(names + [name]), verdict, note))
        level.failed += verdict == FAIL

    def _add(self, level, row):
        level.seen += 1
        self._leaf(level, row.name, row.verdict, row.note)

    def _row(self, indent, ok, rest):
        has_children = self._levels[-1].indent > indent
        level = self._level(indent)
        verdict, note = (PASS if ok else FAIL), ""
        directive = _DIRECTIVE.match(rest)
        if directive:
            rest, word, note = directive.groups()
            # An expected failure is neither: it says nothing works.
            if ok and word.upper() in ("SKIP", "XFAIL"):
                verdict = SKIP
            else:
                verdict, note = FAIL, f"{word.upper()} {note}".strip()
        if verdict == FAIL and not note:
            note = "\n".join(self._notes[-12:])
        self._notes = []
        level.seen += 1
        # A parent whose children explain its failure adds nothing to it.
        if not has_children or (verdict == FAIL and not level.below):
            self._leaf(level, rest.strip() or f"row {level.seen}",
                       verdict, note)
        level.below = 0

    def finish(self, need_plan=True):
        """No more lines will come.  Returns the rows."""
        if len(self._levels) > 1:
            self._level(0)
            self._leaf(self._levels[0], "result", FAIL,
                       "rows without the row that sums them up")
        top = self._levels.pop()
        self._close(top)
        if need_plan and top.plan is None:
            self.rows.append(Row("plan", FAIL, "no plan (1..N) came"))
        elif not self.rows:
            self.rows.append(Row("result", FAIL, "no result came"))
        return self.rows


def parse(text, need_plan=True):
    parser = Parser()
    for line in text.splitlines():
        parser.feed(line)
    return parser.finish(need_plan)
