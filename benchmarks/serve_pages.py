"""First screens over HTTP: beside their parts in one process, at half the saturation rate, and by workers."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.page import clock, make_member, make_titles
from benchmarks.serve_client import FIRST_SCREEN, Connection, at_rate
from benchmarks.serve_host import Server, empty_route, matinee, wrk
from benchmarks.serve_lines import Line

from matinee.initiatives.homepage.compose import Composer
from matinee.observe.home import Home
from matinee.observe.state.open import open_store
from matinee.platform.deciding import Decider, Request
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.loading import load
from matinee.serve.moment import Moment
from matinee.serve.opening import Opener

NAME = "homepage"
FRESH = {"session_s": 0}
"""Every request makes a new page."""
CONNECTIONS = 8
MOST_COMPUTED, MOST_MADE, MOST_TAIL, MOST_WORKER = 2.0, 6.0, 5.0, 1.15


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes
    ----------
    requests : int
        Of each kind, one after the other.
    seconds : float
        Of one turn of a load generator.
    rounds : int
        Turns; their median counts.
    members : int
        Of the home, m0000000 and on.
    made : int
        For so many of them pages are made ahead.
    titles : int
        Of the page that is composed in process.
    """

    requests: int
    seconds: float
    rounds: int
    members: int
    made: int
    titles: int


@contextmanager
def in_process(home: Path) -> Iterator[Callable[[str], object]]:
    """The whole decision without a server: state read, scores, page, action set."""
    place = Home(home)
    store = open_store(place, "", dedup_h=48, folds=None)
    try:
        moment = Moment.open(place)
        with open_registry(place) as registry:
            current = registry.releases.current(NAME)
        assert current is not None, f"{home} has no {NAME} in production"
        decider: Decider = Opener(place, load(NAME, place), moment, store).model(current.version)
        context: dict[str, Any] = {"rows": 6, "cols": 10}
        yield lambda member_id: decider.decide(Request(member_id, moment.now_us, context=context))
    finally:
        store.close()


def one_connection(home: Path, size: Size) -> list[Line]:
    """Lines 2 and 3: on one connection, all that is compared in turn, request by request."""
    titles = make_titles(size.titles)
    composer = Composer(titles, at_us=titles_at())
    given = [make_member(titles, i) for i in range(20)]
    make_ahead(home, size.made)
    kinds = ("empty", "computed", "made", "screen", "decide")
    took: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    with (
        in_process(home) as decide,
        empty_route() as empty,
        matinee(home, settings=FRESH) as computed,
        matinee(home, "--mode", "precomputed", settings=FRESH) as made,
    ):
        servers = {"empty": empty, "computed": computed, "made": made}
        lines = {name: Connection(server.port) for name, server in servers.items()}

        def page(kind: str, n: int) -> object:
            return lines[kind].get(FIRST_SCREEN.format(n))

        def turn(n: int, noted: bool) -> None:
            calls: dict[str, Callable[[], object]] = {
                "empty": lambda: lines["empty"].get("/"),
                "computed": lambda: page("computed", n % size.members),
                "made": lambda: page("made", n % size.made),
                "screen": lambda: composer.page(given[n % len(given)], rows=6, cols=10),
                "decide": lambda: decide(f"m{(n + size.members // 2) % size.members:07d}"),
            }
            for kind, call in calls.items():
                spent = clock(call)
                if noted:
                    took[kind].append(spent)

        for n in range(40):
            turn(n, noted=False)
        before = {name: server.cpu_s() for name, server in servers.items()}
        for n in range(40, 40 + size.requests):
            turn(n, noted=True)
        cpu_ms = {
            name: 1e3 * (server.cpu_s() - before[name]) / size.requests for name, server in servers.items()
        }
        hows = ("ahead", "computed", "fallback")
        answers = {how: made.figure("matinee_decisions", how=how) for how in hows}
    wall = {kind: statistics.median(pair[0] for pair in pairs) for kind, pairs in took.items()}
    cpu_ms |= {kind: statistics.median(pair[1] for pair in took[kind]) for kind in ("screen", "decide")}
    return _compared(wall, cpu_ms, answers)


def _compared(wall: dict[str, float], cpu_ms: dict[str, float], answers: dict[str, float]) -> list[Line]:
    parts, whole = wall["screen"] + wall["empty"], wall["decide"] + wall["empty"]
    ratio, least = wall["computed"] / parts, wall["computed"] / whole
    times = wall["made"] / wall["empty"]
    shown = ", ".join(f"{kind} {ms:.2f} ms (CPU {cpu_ms[kind]:.2f})" for kind, ms in wall.items())
    figures = {"wall_ms": wall, "cpu_ms": cpu_ms}
    return [
        Line(
            "first screen computed, one connection, p50",
            f"{wall['computed']:.2f} ms = {ratio:.2f} x (screen in process {wall['screen']:.2f} + empty "
            f"route {wall['empty']:.2f})",
            f"at most {MOST_COMPUTED:g} x",
            ratio <= MOST_COMPUTED,
            f"{least:.2f} x (whole decision in process {wall['decide']:.2f} + empty route). {shown}",
            figures | {"ratio": ratio, "ratio_to_whole_decision": least},
        ),
        Line(
            "first screen precomputed, one connection, p50",
            f"{wall['made']:.2f} ms = {times:.2f} x empty route",
            f"at most {MOST_MADE:g} x",
            times <= MOST_MADE,
            "decisions: " + ", ".join(f"{how} {n:.0f}" for how, n in answers.items()),
            {"ratio": times, "answers": answers},
        ),
    ]


def titles_at() -> int:
    """The moment of the catalogue of page.py."""
    from benchmarks.page import NOW_US

    return int(NOW_US)


def make_ahead(home: Path, members: int) -> None:
    """Make pages ahead with `matinee precompute`."""
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as folder:
        chosen = Path(folder) / "members.csv"
        chosen.write_text("member_id\n" + "".join(f"m{n:07d}\n" for n in range(members)))
        command = [sys.executable, "-m", "matinee", "precompute", NAME, "--home", str(home), "--json"]
        subprocess.run(
            [*command, "--members", str(chosen)],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )


def tails(home: Path, size: Size) -> list[Line]:
    """Line 4: p99 against p50 at half the rate at which the server is saturated, in both modes."""
    make_ahead(home, size.made)
    out = []
    for mode, members in (("request", size.members), ("precomputed", size.made)):
        with matinee(home, "--mode", mode, settings=FRESH) as server:
            wrk(server, "serve_pages.lua", 0, members, connections=CONNECTIONS, seconds=2)
            full = wrk(server, "serve_pages.lua", 0, members, connections=CONNECTIONS, seconds=size.seconds)
            paths = (FIRST_SCREEN.format(n % members) for n in cycle(range(members)))
            fell_back = server.figure("matinee_fallbacks")
            turns = [at_rate(server.port, paths, full.rate / 2, 2 * size.seconds) for _ in range(size.rounds)]
            fell_back = server.figure("matinee_fallbacks") - fell_back
        p50, p99 = (statistics.median(getattr(one, name) for one in turns) for name in ("p50_ms", "p99_ms"))
        errors = sum(one.errors for one in turns) + full.errors
        out.append(
            Line(
                f"first screen {'computed' if mode == 'request' else 'precomputed'}, p99 at half saturation",
                f"{p99:.1f} ms = {p99 / p50:.1f} x p50 ({p50:.1f} ms) at {full.rate / 2:,.0f} pages/s",
                f"at most {MOST_TAIL:g} x",
                p99 <= MOST_TAIL * p50 and errors == 0,
                f"saturated at {full.rate:,.0f} pages/s with {CONNECTIONS} connections ({full.fallbacks} by "
                f"the fallback), CPU {full.cpu_ms:.2f} ms a page; then {errors} errors, "
                f"{fell_back:.0f} by the fallback",
                {"mode": mode, "full": asdict(full), "p50_ms": p50, "p99_ms": p99, "errors": errors},
            )
        )
    return out


def workers(home: Path, size: Size) -> list[Line]:
    """Line 5: CPU time per request with one worker and with two, in turn, both saturated."""
    used: dict[int, list[float]] = {1: [], 2: []}
    rates: dict[int, list[float]] = {1: [], 2: []}
    fallbacks = errors = 0
    machine = []
    with matinee(home, settings=FRESH) as one, matinee(home, workers=2, settings=FRESH) as two:
        for n in range(-1, size.rounds):
            for count, server in ((1, one), (2, two)):
                load = _turn(server, size, warm=n < 0)
                if n >= 0:
                    used[count].append(load.cpu_ms)
                    rates[count].append(load.rate)
                    fallbacks, errors = fallbacks + load.fallbacks, errors + load.errors
            if n >= 0:
                machine.append(both_cores(min(3.0, size.seconds)))
    rise = statistics.median(b / a for a, b in zip(used[1], used[2], strict=True))
    alone = statistics.median(machine)
    ms = {count: statistics.median(values) for count, values in used.items()}
    rate = {count: statistics.median(values) for count, values in rates.items()}
    return [
        Line(
            "worker CPU per request, from one worker to two",
            f"{ms[1]:.2f} to {ms[2]:.2f} ms, {rise - 1:+.0%}",
            f"at most {MOST_WORKER - 1:+.0%}",
            rise <= MOST_WORKER and errors == 0,
            f"{rate[1]:,.0f} and {rate[2]:,.0f} pages/s; errors {errors}, by the fallback {fallbacks}; "
            "composing pages in two processes instead of one, without any server: "
            f"{alone - 1:+.0%} on this machine",
            {"cpu_ms": ms, "rate": rate, "rise": rise, "machine": alone},
        )
    ]


def _turn(server: Server, size: Size, *, warm: bool) -> Any:
    seconds = 2 if warm else size.seconds
    return wrk(server, "serve_pages.lua", 0, size.members, connections=2 * CONNECTIONS, seconds=seconds)


def both_cores(seconds: float) -> float:
    """CPU time of a page composed in two processes at a time, over that in one: what the machine adds."""

    def run(processes: int) -> float:
        command = [sys.executable, "-c", SPIN, str(seconds)]
        paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
        started = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            for _ in range(processes)
        ]
        return statistics.mean(float(one.communicate()[0]) for one in started)

    return run(2) / run(1)


SPIN = """
import sys, time
from benchmarks.page import NOW_US, make_member, make_titles
from matinee.initiatives.homepage.compose import Composer
titles = make_titles(2_000)
composer, member = Composer(titles, at_us=NOW_US), make_member(titles, 0)
for _ in range(20):
    composer.page(member, rows=6, cols=10)
end, cpu, n = time.perf_counter() + float(sys.argv[1]), time.process_time(), 0
while time.perf_counter() < end:
    composer.page(member, rows=6, cols=10)
    n += 1
print((time.process_time() - cpu) / n)
"""
"""A process that composes pages."""
