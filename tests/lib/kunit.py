# SPDX-License-Identifier: GPL-2.0
"""KUnit results in a kernel's log, held against what the sources define."""

import glob
import re

import ktap

_SUITE = re.compile(r"struct kunit_suite \w+ = \{[^}]*?\.name = \"([^\"]+)\"")


def suites(sources):
    """The names of all suites defined in the files that match the pattern."""
    names = set()
    for path in glob.glob(sources):
        with open(path, encoding="utf-8") as f:
            names |= set(_SUITE.findall(f.read()))
    return names


def rows(log, expected):
    """A row per test case; a failed one for every suite that did not run."""
    if not expected:
        return [ktap.Row("suites", ktap.FAIL, "the sources define none")]
    text = ktap.strip_printk(log)
    start = re.search(r"^K?TAP version", text, re.M)
    # The kernel's other messages come between; none looks like a row.
    found = ktap.parse(text[start.start():] if start else "")
    seen = set(re.findall(r"^    # Subtest: (\S+)$", text, re.M))
    for name in sorted(expected - seen):
        found.append(ktap.Row(name, ktap.FAIL, "the suite did not run"))
    return found
