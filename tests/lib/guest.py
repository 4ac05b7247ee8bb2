# SPDX-License-Identifier: GPL-2.0
"""Running a list of tests in guests of one machine.

One boot runs as many as it survives; a test that takes its guest down, or does
not come back, fails, and the next boot goes on with the one after it.  A test
passes only by what it is seen to do: each starts out as not started.
"""

import os
import queue
import re
import shlex
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

import ktap
import splat

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.normpath(os.path.join(HERE, "../.."))
RUN = os.path.join(TOP, "tests/qemu/run")
IN_GUEST = "/opt/hugepool"
BOOT_TIME = 400     # until the driver is ready, on a loaded host
CHECK_TIME = 45     # for killing, and looking at what is left
LEAK_TIME = 180     # for kmemleak, which comes with KASAN, at the end
SKIPPED = 4         # kselftest's exit status
KILLED = (124, 137)


@dataclass
class Test:
    name: str
    path: str
    timeout: int
    command: str
    keys: str = "-"
    started: bool = False
    exit: int | None = None
    ended: bool = False
    faults: list = field(default_factory=list)
    begin: float = 0.0
    seconds: float = 0.0


class Boot:
    """One guest with tests/qemu/driver in it."""

    def __init__(self, tests, options, log_dir):
        self.tests = {t.name: t for t in tests}
        self.log_dir = log_dir
        self.broken = None
        self.ready = self.done = False
        self.current = None
        self.status = None
        self.reasons = []       # what tests/qemu/run says of the kernel
        self.complaints = []    # what the driver should have no cause to say
        os.makedirs(os.path.join(log_dir, "out"), exist_ok=True)
        with open(os.path.join(log_dir, "list"), "w", encoding="utf-8") as f:
            for t in tests:
                f.write(f"{t.name}\t{t.timeout}\t{t.keys}\t{t.command}\n")
        # The driver watches single tests; this is for the driver itself.
        limit = BOOT_TIME + LEAK_TIME + sum(t.timeout + CHECK_TIME for t in tests)
        self._command = [
            RUN, *options, "--share", log_dir, "--log", log_dir,
            "--timeout", str(limit), "--",
            f"{IN_GUEST}/tests/qemu/driver", "/share/list"]

    def _read(self, pipe, lines):
        for line in pipe:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    def run(self, on_end):
        """Boot, follow the driver; on_end(test) as each test is over."""
        with open(os.path.join(self.log_dir, "run.err"), "w+",
                  encoding="utf-8", errors="replace") as err, \
             subprocess.Popen(self._command, stdout=subprocess.PIPE,
                              stderr=err, stdin=subprocess.DEVNULL,
                              encoding="utf-8", errors="replace") as proc:
            try:
                self._follow(proc, on_end)
                self.status = proc.wait()
            except BaseException:
                proc.terminate()
                raise
            err.seek(0)
            for line in err:
                known = line.startswith("run: ")
                (self.reasons if known else self.complaints).append(
                    line.removeprefix("run: ").rstrip())

    def _follow(self, proc, on_end):
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(proc.stdout, lines),
                         daemon=True).start()
        deadline = time.monotonic() + BOOT_TIME
        while True:
            try:
                line = lines.get(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                # The guest hangs: have it say where, and end it.
                proc.send_signal(signal.SIGUSR1)
                deadline = time.monotonic() + 30
                continue
            if line is None:
                return
            self._line(line, on_end)
            wait = self.current.timeout if self.current else 0
            if all(t.ended for t in self.tests.values()):
                wait = LEAK_TIME
            deadline = time.monotonic() + wait + CHECK_TIME

    def _line(self, line, on_end):
        word, _, rest = line.partition(" ")
        name, _, text = rest.partition(" ")
        test = self.tests.get(name)
        if word == "@ready":
            self.ready = True
        elif word == "@broken":
            self.broken = rest
        elif word == "@done":
            self.done = True
        elif test and word == "@start":
            test.started, test.begin = True, time.monotonic()
            self.current = test
        elif test and word == "@exit":
            test.exit = int(text)
            test.seconds = time.monotonic() - test.begin
        elif test and word == "@fault":
            test.faults.append(text)
        elif test and word == "@end":
            test.ended = True
            test.faults += self._splats(test)
            self.current = None
            on_end(test)

    def _log_of(self, name):
        """The kernel's log from the start of a test to the start of the next.

        None stands for what came before any test.
        """
        text = splat.read_log(os.path.join(self.log_dir, "kernel.log"))
        parts = re.split(r"^.*hugepool-test: start (\S+)$", text, flags=re.M)
        if name is None:
            return parts[0]
        found = dict(zip(parts[1::2], parts[2::2]))
        return found.get(name)

    def _splats(self, test):
        # The console may be a moment behind the driver.
        for _ in range(30):
            log = self._log_of(test.name)
            if log and f"hugepool-test: end {test.name}\n" in log:
                break
            time.sleep(0.1)
        if log is None:
            return ["the kernel's log does not say that it started"]
        return [line.strip() for line in splat.Checker().splats(log)]

    def output(self, test):
        path = os.path.join(self.log_dir, "out", f"{test.name}.tap")
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def rows(self, test):
        """What the test's output, its end and the checks after it say."""
        Row = ktap.Row
        text = self.output(test)
        if test.exit == SKIPPED and not re.search(r"^(not ok|ok|1\.\.)", text,
                                                 re.M):
            why = " ".join(text.split("\n")[-2:]).strip("# ") or "exit status 4"
            rows = [Row("all", ktap.SKIP, why)]
        else:
            rows = ktap.parse(text)
        bad = [r for r in rows if r.verdict == ktap.FAIL]
        if test.exit in KILLED:
            rows.append(Row("end", ktap.FAIL,
                            f"killed after {test.timeout} s"))
        elif test.exit not in (0, SKIPPED) and not bad:
            rows.append(Row("exit status", ktap.FAIL,
                            f"{test.exit}, though no row failed"))
        elif test.exit == 0 and bad and not _explained(bad):
            rows.append(Row("exit status", ktap.FAIL,
                            "0, though a row failed"))
        if rows[-1].verdict == ktap.FAIL and not rows[-1].note:
            rows[-1].note = _last_lines(text)
        rows.append(Row("leaves the machine as it found it",
                        ktap.FAIL if test.faults else ktap.PASS,
                        "\n".join(test.faults)))
        return rows

    def casualty(self, test):
        """Rows of the test that was running when the guest went down."""
        text = self.output(test)
        rows = ktap.parse(text) if text else []
        why = "\n".join(self.reasons + self.complaints)
        why = why or f"tests/qemu/run ended with {self.status}"
        rows.append(ktap.Row("guest survives", ktap.FAIL, why))
        return rows

    def machine_row(self):
        """Whether the boot was clean outside of any test."""
        faults = list(self.complaints)
        if not self.done and not self.current:
            faults.append("the guest went down between two tests")
        if self.status and not self.current:
            known = [s for t in self.tests.values() for s in t.faults]
            faults += [r for r in self.reasons
                       if r not in known and not r.startswith("kernel log:")]
        faults += splat.Checker().splats(self._log_of(None))
        return ktap.Row("boots and shuts down clean",
                        ktap.FAIL if faults else ktap.PASS,
                        "\n".join(faults))


def _explained(bad):
    """Missing rows are this parser's finding, not the program's."""
    return all("did not come" in r.note or "no plan" in r.note
               or "no result" in r.note for r in bad)


def _last_lines(text, count=10):
    lines = text.strip().splitlines()[-count:]
    return "\n".join(lines)


def run_tests(report, machine, options, tests, log_dir):
    """All tests of one machine, in as many boots as that takes."""
    prefix = f"kselftest/{machine}"
    left = list(tests)
    number = 0
    while left:
        number += 1
        boot = Boot(left, options, os.path.join(log_dir, f"boot{number}"))
        begin = time.monotonic()
        boot.run(lambda t, b=boot: report.test(f"{prefix}/{t.name}",
                                               b.rows(t), t.seconds))
        before, left = left, [t for t in left if not t.ended]
        if boot.current:
            test = boot.current
            report.test(f"{prefix}/{test.name}", boot.casualty(test),
                        time.monotonic() - test.begin)
            left.remove(test)
        elif left == before:
            # It did not even start one: nor would the next boot.
            why = boot.broken or "\n".join(boot.reasons) or "no boot"
            for test in left:
                report.test(f"{prefix}/{test.name}",
                            [ktap.Row("NOT STARTED", ktap.FAIL, why)], 0)
            return
        report.test(f"{prefix}/boot{number}", [boot.machine_row()],
                    time.monotonic() - begin)


def memory_of(machine):
    """Bytes, as its file says; little for one that has none, which run finds."""
    path = os.path.join(TOP, "tests/qemu/machines", machine + ".args")
    try:
        with open(path, encoding="utf-8") as f:
            found = re.search(r"^--mem (\S+)", f.read(), re.M)
    except OSError:
        found = None
    units = {"M": 20, "G": 30}
    return sum(int(part[:-1]) << units[part[-1]] if part != "0" else 0
               for part in found[1].split(",")) if found else 1 << 30


def shell_command(path, env):
    words = [f"{k}={shlex.quote(v)}" for k, v in sorted(env.items())]
    return " ".join(words + [shlex.quote(path)])
