"""What the server counts and times, for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder through which several processes add up their figures."""
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure that is read when it is asked for: a gauge, or a counter that something else counts.

    `shared`: it describes what all processes share; else it is this process's own.
    """

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    counter: bool = False
    shared: bool = False


Read = Callable[[], Iterable[Reading]]


class Metrics:
    """Counters and histograms of one process.

    With several processes the counters and histograms of all are added up, those of processes that have died
    included: a total never goes down. Figures that are read on demand (`Reading`) are those of the process
    that answers, and carry its `pid`, except where they describe what all share.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._readings: list[Read] = []
        self.registry.register(_Readings(self._readings))
        own = self.registry
        self.requests = Histogram(
            "matinee_request_seconds", "Time to answer.", ["route", "status"], buckets=SECONDS, registry=own
        )
        self.stages = Histogram(
            "matinee_stage_seconds", "Time of one stage.", ["route", "stage"], buckets=SECONDS, registry=own
        )
        self.events = Counter("matinee_events", "Events by what became of them.", ["outcome"], registry=own)
        self.decisions = Counter(
            "matinee_decisions", "Decisions by how they were made.", ["initiative", "how"], registry=own
        )
        self.fallbacks = Counter(
            "matinee_fallbacks", "Answers of the fallback, by reason.", ["initiative", "reason"], registry=own
        )
        self.arms = Counter(
            "matinee_experiment_decisions",
            "Decisions of units in an experiment, by arm and how they were made.",
            ["initiative", "experiment", "arm", "how"],
            registry=own,
        )
        self.empty = Counter(
            "matinee_empty_pages", "Pages without any eligible title.", ["initiative"], registry=own
        )
        self.violations = Counter(
            "matinee_constraint_violations",
            "Titles that a page held and its member may not see; they were taken from it. Must stay 0.",
            ["initiative"],
            registry=own,
        )
        self.artwork = Counter(
            "matinee_artwork_pages", "Pages by how their images came about.", ["how"], registry=own
        )
        self.artwork_replaced = Counter(
            "matinee_artwork_replaced",
            "Images that were chosen and may not be shown any more; others, or none, were shown.",
            registry=own,
        )
        self.refused = Counter("matinee_refused", "Requests refused, by status.", ["status"], registry=own)

    def read_from(self, read: Read) -> None:
        """Ask `read` for figures whenever the metrics are asked for."""
        self._readings.append(read)

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        if not os.environ.get(SHARED):
            return generate_latest(self.registry)
        joined = CollectorRegistry()
        MultiProcessCollector(joined)  # type: ignore[no-untyped-call]
        joined.register(_Readings(self._readings, pid=os.getpid()))
        return generate_latest(joined)


class _Readings:
    """Turns readings into metrics; one that fails is left out, the others stay."""

    def __init__(self, reads: list[Read], pid: int | None = None) -> None:
        self._reads = reads
        self._own = () if pid is None else (("pid", str(pid)),)

    def describe(self) -> list[Metric]:
        """Nothing in advance: the figures are known when they are read."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures now."""
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for read in self._reads:
            for one in read():
                labels = one.labels if one.shared else (*one.labels, *self._own)
                names = [name for name, _ in labels]
                if one.name not in families:
                    family = CounterMetricFamily if one.counter else GaugeMetricFamily
                    families[one.name] = family(one.name, one.help, labels=names)
                families[one.name].add_metric([value for _, value in labels], one.value)
        yield from families.values()
