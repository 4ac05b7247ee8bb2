# SPDX-License-Identifier: GPL-2.0
"""Finding what must not be in a kernel's log.

The patterns are configuration, tests/qemu/SPLAT_DENYLIST less what
tests/qemu/SPLAT_ALLOWLIST excuses.  A list that cannot be used is an error.
"""

import datetime
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
LISTS = os.path.normpath(os.path.join(HERE, "../qemu"))


class BadList(Exception):
    """A list is missing, empty, malformed or out of date."""


def _lines(path):
    try:
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
    except OSError as e:
        raise BadList(f"{path}: {e.strerror}") from e
    return [line for line in lines
            if line.strip() and not line.startswith("#")]


def _compile(path, pattern):
    try:
        return re.compile(pattern)
    except re.error as e:
        raise BadList(f"{path}: {pattern!r}: {e}") from e


def _allowed(path, today):
    entries = []
    for line in _lines(path):
        fields = line.split("\t")
        if len(fields) != 3 or not all(f.strip() for f in fields):
            raise BadList(f"{path}: needs a date, a reason and a pattern, "
                          f"separated by tabs: {line!r}")
        try:
            expires = datetime.date.fromisoformat(fields[0].strip())
        except ValueError as e:
            raise BadList(f"{path}: {fields[0]!r} is no date") from e
        if expires < today:
            raise BadList(f"{path}: expired on {expires}: {fields[2]!r}")
        entries.append(_compile(path, fields[2]))
    return entries


class Checker:
    """Says which lines of a log are splats."""

    def __init__(self, lists=LISTS, today=None):
        deny = os.path.join(lists, "SPLAT_DENYLIST")
        patterns = _lines(deny)
        if not patterns:
            raise BadList(f"{deny}: empty")
        for pattern in patterns:
            _compile(deny, pattern)
        self._deny = re.compile("|".join(f"(?:{p})" for p in patterns))
        self._allow = _allowed(os.path.join(lists, "SPLAT_ALLOWLIST"),
                               today or datetime.date.today())

    def splats(self, text):
        """The lines of text that must not be there, in order."""
        return [line for line in text.splitlines()
                if self._deny.search(line)
                and not any(a.search(line) for a in self._allow)]


def read_log(path):
    """A kernel log as text.  The serial line ends lines with CR LF."""
    try:
        with open(path, "rb") as f:
            data = f.read()
    except FileNotFoundError:
        return ""
    return data.decode("utf-8", "replace").replace("\r", "")
