# SPDX-License-Identifier: GPL-2.0
"""Counting rows, showing them as they come, and the last line."""

import os
import sys
import threading
import time

import ktap


class Report:
    """Every row of every test ends up here, once."""

    def __init__(self, log_dir):
        self.log_dir = log_dir
        self.counts = {ktap.PASS: 0, ktap.FAIL: 0, ktap.SKIP: 0}
        self.failed = []        # (test, row)
        self.skipped = []
        self.started = time.monotonic()
        self._lock = threading.Lock()
        # pylint: disable-next=consider-using-with
        self._file = open(os.path.join(log_dir, "rows.tap"), "w",
                          encoding="utf-8")

    def say(self, text):
        print(text, flush=True)

    def _count(self, test, row):
        self.counts[row.verdict] += 1
        if row.verdict == ktap.FAIL:
            self.failed.append((test, row))
        elif row.verdict == ktap.SKIP:
            self.skipped.append((test, row))
        ok = "not ok" if row.verdict == ktap.FAIL else "ok"
        skip = f" # SKIP {row.note}" if row.verdict == ktap.SKIP else ""
        number = sum(self.counts.values())
        self._file.write(f"{ok} {number} {test}: {row.name}{skip}\n")
        self._file.flush()

    def test(self, test, rows, seconds):
        """One test is over: count its rows and print one line of progress."""
        with self._lock:
            self._test(test, rows, seconds)

    def _test(self, test, rows, seconds):
        if not rows:
            rows = [ktap.Row("result", ktap.FAIL, "no result came")]
        for row in rows:
            self._count(test, row)
        number = {v: sum(r.verdict == v for r in rows) for v in self.counts}
        word = "FAIL" if number[ktap.FAIL] else "ok"
        if number[ktap.SKIP] == len(rows):
            word = "skip"
        skip = f", {number[ktap.SKIP]} skipped" if number[ktap.SKIP] else ""
        bad = f", {number[ktap.FAIL]} FAILED" if number[ktap.FAIL] else ""
        self.say(f"{word:<4} {test:<44} {number[ktap.PASS]:>5} passed"
                 f"{bad}{skip}  {seconds:.1f} s")
        for row in rows:
            if row.verdict == ktap.FAIL:
                self.say(f"       not ok: {row.name}{_note(row)}")

    def finish(self):
        """The summary.  Returns the exit status."""
        if self.skipped:
            self.say("\nskipped:")
            for test, row in self.skipped:
                self.say(f"  {test}: {row.name}{_note(row)}")
        if self.failed:
            self.say("\nfailed:")
            for test, row in self.failed:
                # A long note has been shown when the test was over.
                note = "" if "\n" in row.note else _note(row)
                self.say(f"  {test}: {row.name}{note}")
        passed, failed, skipped = self.counts.values()
        minutes = (time.monotonic() - self.started) / 60
        self.say(f"\n{minutes:.1f} minutes, logs in {self.log_dir}")
        if not passed and not failed:
            self.say("nothing was run: that is a failure")
        self._file.close()
        self.say(f"{passed} passed, {failed} failed, {skipped} skipped")
        sys.stdout.flush()
        return 0 if passed and not failed else 1


def _note(row):
    if not row.note:
        return ""
    if "\n" in row.note:
        return "".join(f"\n           {line}" for line in row.note.split("\n"))
    return f" ({row.note})"
