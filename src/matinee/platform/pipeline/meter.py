"""Time and memory of a stretch of work, with little effect on it."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

MB = 1e6
SAMPLE_S = 0.05
STATM = Path("/proc/self/statm")


class Meter:
    """Measures between `__enter__` and `__exit__`.

    Peak memory is exact where the process reached its highest ever; otherwise (a step after a larger one) it
    is the largest of samples taken every 50 ms, so a short peak can be missed.

    Attributes
    ----------
    duration_s, cpu_s : float
        `cpu_s` is of the whole process and of child processes that ended.
    peak_mb : float
        Resident memory of the process; 0 where the system does not tell.

    Examples
    --------
    >>> with Meter() as meter:
    ...     _ = sum(range(1000))
    >>> meter.duration_s > 0
    True
    """

    def __init__(self) -> None:
        self.duration_s = 0.0
        self.cpu_s = 0.0
        self.peak_mb = 0.0
        self._samples = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Meter:
        self._high_mb = highest_mb()
        self._samples = resident_mb()
        self._thread.start()
        self._cpu_s, self._start_s = _cpu_s(), time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.duration_s = time.perf_counter() - self._start_s
        self.cpu_s = _cpu_s() - self._cpu_s
        self._ended.set()
        self._thread.join()
        self._samples = max(self._samples, resident_mb())
        high_mb = highest_mb()
        self.peak_mb = high_mb if high_mb > self._high_mb else self._samples

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            self._samples = max(self._samples, resident_mb())


def resident_mb() -> float:
    """Memory that the process holds now; its highest where the system does not tell."""
    try:
        pages = int(STATM.read_bytes().split()[1])
    except OSError:
        return highest_mb()
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def highest_mb() -> float:
    """Most memory that the process ever held; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB


def _cpu_s() -> float:
    children = os.times()
    return time.process_time() + children.children_user + children.children_system
