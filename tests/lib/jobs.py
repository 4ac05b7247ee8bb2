# SPDX-License-Identifier: GPL-2.0
"""Several parts of a run at a time, as many as the machine has room for."""

import dataclasses
import os
import re
import threading
import typing

# For the host itself, its page cache, and what a guest's process needs besides.
KEPT = 4 << 30


@dataclasses.dataclass
class Job:
    """A part of the run.  Those that are listed first are begun first."""
    run: typing.Callable[[], None]
    memory: int = 1 << 30       # what its guests may use, in bytes


def room():
    """Bytes of memory that the jobs of this machine may use together."""
    with open("/proc/meminfo", encoding="ascii") as f:
        total = int(re.search(r"^MemTotal: *(\d+)", f.read(), re.M)[1]) << 10
    return max(total - KEPT, total // 2)


def default_workers():
    """Guests have two CPUs, and wait for each other when they get fewer."""
    return max(1, (os.cpu_count() or 1) // 2)


class Runner:
    """Runs jobs.  What is too large for the room is run alone."""

    def __init__(self, jobs, workers, memory):
        self.waiting = list(jobs)
        self.free = memory
        self.running = 0
        self.workers = workers
        self.changed = threading.Condition()
        self.raised = None

    def _next(self):
        """The first that there is room for; None when there is nothing to do."""
        while self.waiting and not self.raised:
            for job in self.waiting:
                if job.memory <= self.free or not self.running:
                    self.waiting.remove(job)
                    self.free -= job.memory
                    self.running += 1
                    return job
            self.changed.wait()
        return None

    def _work(self):
        while True:
            with self.changed:
                job = self._next()
            if not job:
                return
            try:
                job.run()
            # It is raised again where the others can be waited for.
            except BaseException as e:      # pylint: disable=broad-except
                self.raised = e
            with self.changed:
                self.free += job.memory
                self.running -= 1
                self.changed.notify_all()

    def run(self):
        threads = [threading.Thread(target=self._work, daemon=True)
                   for _ in range(self.workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.raised:
            raise self.raised
