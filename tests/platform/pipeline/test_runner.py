"""Running a pipeline: known answers, what the cache saves, what failures leave behind."""

from __future__ import annotations

import errno
import os
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.platform.pipeline.modules import artefacts, states

from matinee.errors import ConfigError, InputError, StorageError
from matinee.platform.pipeline.artefacts import ArtefactStore
from matinee.platform.pipeline.failure import StepError
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.record import Rates, RunRecord, StepRecord
from matinee.platform.pipeline.runner import Outcome, run
from matinee.platform.pipeline.step import step
from matinee.platform.pipeline.workspace import Workspace

CALLS: deque[str] = deque()  # not a list: what a list says would count as part of the steps' code
FAILURES: deque[Exception] = deque()


@dataclass(frozen=True)
class Config:
    factor: float = 2.0


def numbers(seed: int) -> NDArray[np.float64]:
    CALLS.append("numbers")
    return np.arange(seed, dtype=np.float64)


def scaled(numbers: NDArray[np.float64], config: Config) -> NDArray[np.float64]:
    CALLS.append("scaled")
    return numbers * config.factor


def names(seed: int) -> list[str]:
    CALLS.append("names")
    return [f"n{i}" for i in range(seed)]


def table(scaled: NDArray[np.float64], names: list[str]) -> dict[str, float]:
    CALLS.append("table")
    return dict(zip(names, scaled.tolist(), strict=True))


SUMS = Pipeline("sums", (numbers, scaled, names, table))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    CALLS.clear()
    FAILURES.clear()
    return Workspace(tmp_path / "work")


def ran(workspace: Workspace, pipeline: Pipeline = SUMS, **options: Any) -> Outcome:
    given = options.pop("given", {"seed": 3, "config": Config()})
    return run(pipeline, given, workspace=workspace, now=lambda: 1_700_000_000_000_000, **options)


def test_a_known_answer_and_the_record_of_it(workspace: Workspace) -> None:
    outcome = ran(workspace, rates=Rates(cpu_hour_minor=3_600 * 1e6, currency="SEK"))
    assert outcome.result == {"n0": 0.0, "n1": 2.0, "n2": 4.0}
    assert outcome.value("names") == ["n0", "n1", "n2"]
    assert (outcome.folder / "value.json").is_file()
    record = outcome.record
    assert (record.state, record.seed, record.config, record.pipeline) == ("done", 3, {"factor": 2.0}, "sums")
    assert record.run_id.startswith("20231114T221320Z-")
    assert record.started_us == record.ended_us == 1_700_000_000_000_000
    assert {"python", "matinee", "numpy", "lightgbm", "duckdb"} <= {*record.versions}
    assert record.cost is not None
    assert record.cost.currency == "SEK"
    assert record.cost.amount_minor == pytest.approx(record.cpu_s * 1e6, rel=1e-3, abs=1e-5)
    scaled_record = record.step("scaled")
    assert scaled_record is not None
    assert scaled_record.inputs == {"numbers": artefacts(record)["numbers"]}
    assert {*scaled_record.givens} == {"config"}
    assert scaled_record.duration_s > 0
    assert scaled_record.peak_mb > 1
    assert workspace.runs.read(record.run_id) == record


def test_the_second_run_computes_nothing_and_gives_the_same(workspace: Workspace) -> None:
    first = ran(workspace)
    CALLS.clear()
    second = ran(workspace)
    assert not CALLS
    assert set(states(second.record).values()) == {"cached"}
    assert artefacts(second.record) == artefacts(first.record)
    assert second.result == first.result


def test_a_changed_given_runs_only_what_depends_on_it(workspace: Workspace) -> None:
    ran(workspace)
    CALLS.clear()
    assert ran(workspace, given={"seed": 3, "config": Config(5.0)}).result["n2"] == 10.0
    assert [*CALLS] == ["scaled", "table"]


def test_an_equal_result_stops_the_change(workspace: Workspace) -> None:
    ran(workspace)
    CALLS.clear()
    changed = Pipeline("sums", (numbers, scaled, step(names, version="2"), table))
    assert states(ran(workspace, changed).record) == {
        "numbers": "cached",
        "scaled": "cached",
        "names": "ran",
        "table": "cached",
    }


def test_another_pipeline_shares_results_of_the_same_step(workspace: Workspace) -> None:
    ran(workspace)
    CALLS.clear()
    ran(workspace, Pipeline("other", (numbers,)))
    assert not CALLS


def test_results_handed_on_in_memory_are_the_same_as_those_read_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    other = ran(Workspace(tmp_path / "other"), keep_in_memory=False)
    assert artefacts(other.record) == artefacts(ran(workspace).record)


def test_a_cached_result_is_read_only_if_it_is_needed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(workspace)
    read: list[str] = []
    load = ArtefactStore.load
    monkeypatch.setattr(
        ArtefactStore, "load", lambda self, name, codec: read.append(name) or load(self, name, codec)
    )
    outcome = ran(workspace, given={"seed": 3, "config": Config(7.0)})
    assert len(read) == 2  # numbers for scaled, names for table
    ran(workspace)
    assert len(read) == 2
    assert outcome.result["n1"] == 7.0


@pytest.mark.parametrize("damaged", ["numbers", "names", "table"])
@pytest.mark.parametrize("how", ["changed", "removed", "card"])
def test_a_damaged_result_is_computed_again(workspace: Workspace, damaged: str, how: str) -> None:
    first = ran(workspace)
    folder = workspace.store.root / artefacts(first.record)[damaged]
    (file,) = (path for path in (folder / "files").iterdir() if path.is_file())
    if how == "changed":
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    elif how == "removed":
        file.unlink()
    else:
        (folder / "artefact.json").write_bytes(b"{")
    CALLS.clear()
    changed = Pipeline("sums", (numbers, step(scaled, version="2"), names, step(table, version="2")))
    second = ran(workspace, changed if damaged != "table" else SUMS)
    assert damaged in CALLS
    assert artefacts(second.record) == artefacts(first.record)
    assert second.result == first.result
    workspace.store.verify(artefacts(second.record)[damaged])


def test_a_removed_result_is_computed_again(workspace: Workspace) -> None:
    first = ran(workspace)
    shutil.rmtree(workspace.store.root / artefacts(first.record)["names"])
    CALLS.clear()
    assert ran(workspace).result == first.result
    assert [*CALLS] == ["names"]


def shaky(numbers: NDArray[np.float64]) -> float:
    CALLS.append("shaky")
    if FAILURES:
        raise FAILURES.popleft()
    return float(numbers.sum())


def test_transient_errors_are_tried_again_with_growing_pauses(workspace: Workspace) -> None:
    FAILURES.extend([StorageError("disk: busy"), ConnectionError("reset")])
    pauses: list[float] = []
    pipeline = Pipeline("s", (numbers, step(shaky, retries=2, retry_wait_s=0.5)))
    outcome = ran(workspace, pipeline, pause=pauses.append)
    record = outcome.record.step("shaky")
    assert record is not None
    assert (outcome.result, record.attempts, pauses) == (3.0, 3, [0.5, 1.0])


def test_other_errors_and_too_many_are_not_tried_again(workspace: Workspace) -> None:
    FAILURES.extend([ZeroDivisionError("no plays"), ZeroDivisionError("again")])
    pipeline = Pipeline("s", (numbers, step(shaky, retries=5, retry_wait_s=0)))
    with pytest.raises(
        StepError,
        match=r"s, step shaky \(.*test_runner\.py:\d+\): ZeroDivisionError: no plays \(raised in "
        r".*test_runner\.py:\d+\)\. Correct the step and run again",
    ) as caught:
        ran(workspace, pipeline, run_id="r1")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    record = workspace.runs.read("r1")
    assert (record.state, states(record)) == ("failed", {"numbers": "ran", "shaky": "failed"})
    failed = record.step("shaky")
    assert failed is not None
    assert (failed.error, failed.attempts, failed.artefact) == ("ZeroDivisionError: no plays", 1, "")
    FAILURES.clear()
    FAILURES.extend([StorageError("disk: busy")] * 2)
    with pytest.raises(StorageError, match=r"s, step shaky .*: disk: busy"):
        ran(workspace, Pipeline("s", (numbers, step(shaky, retries=1, retry_wait_s=0))), run_id="r1")
    FAILURES.clear()
    CALLS.clear()
    done = ran(workspace, pipeline, run_id="r1")
    assert [*CALLS] == ["shaky"]
    assert (done.record.state, done.record.run_id) == ("done", "r1")


def liar(seed: int) -> list[int]:
    return {"seed": seed}  # type: ignore[return-value]


def test_a_result_that_is_not_what_was_annotated_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"p, step liar .*result is a dict that does not fit list\[int\]"):
        ran(workspace, Pipeline("p", (liar,)))
    assert workspace.store.names() == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"config": Config()}, r"step numbers, parameter seed .*: nothing is given .* expected int"),
        ({"seed": "3", "config": Config()}, r"parameter seed .*: str 3 is given, expected int"),
        ({"seed": 3, "config": 4}, r"parameter config .*: int 4 is given, expected Config"),
        ({"seed": 3, "config": Config(), "sead": 4}, 'unknown given "sead"\\. Did you mean "seed"'),
    ],
)
def test_what_is_given_is_checked_before_anything_runs(
    workspace: Workspace, given: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        ran(workspace, given=given)
    assert not CALLS
    assert not workspace.root.exists()


def opaque(config: Any) -> int:
    return 1


def test_a_given_whose_content_cannot_be_told_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match=r"parameter config .*config: is a function, expected plain data"):
        ran(workspace, Pipeline("o", (opaque,)), given={"config": lambda: 1})


def reporting(seed: int, progress: Callable[[str, float], None]) -> int:
    progress("half", 0.5)
    return seed


def test_progress_is_told_and_changes_nothing(workspace: Workspace) -> None:
    told: list[tuple[str, float]] = []
    pipeline = Pipeline("p", (reporting, step(reporting, name="more")))
    given = {"seed": 1, "progress": lambda what, share: told.append((what, share))}
    ran(workspace, pipeline, given=given)
    assert told == [
        ("reporting", 0.0),
        ("reporting: half", 0.25),
        ("more", 0.5),
        ("done", 1.0),
    ]
    assert ran(workspace, pipeline, given={"seed": 1}).record.steps[0].state == "cached"


def drawer(scratch: Path, seed: int) -> str:
    assert list(scratch.iterdir()) == []
    (scratch / "x").write_text("y")
    return str(scratch)


def test_a_scratch_folder_is_empty_and_goes_away(workspace: Workspace) -> None:
    folder = Path(ran(workspace, Pipeline("d", (drawer,)), given={"seed": 1}).result)
    assert not folder.exists()
    assert list(workspace.scratch.iterdir()) == []


class Observer:
    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.seen: list[str] = []

    def begin(self, run: RunRecord) -> None:
        if self.refuses:
            raise StorageError("meta.db: is gone. Restore it.")
        self.seen.append(f"begin {run.state}")

    def step(self, record: StepRecord) -> None:
        self.seen.append(f"{record.name} {record.state}")

    def end(self, run: RunRecord) -> None:
        self.seen.append(f"end {run.state} {len(run.steps)}")


def test_observers_are_told_in_order_also_of_failures(workspace: Workspace) -> None:
    observer = Observer()
    FAILURES.extend([KeyError("x")])
    with pytest.raises(StepError):
        ran(workspace, Pipeline("s", (numbers, shaky)), observers=[observer])
    assert observer.seen == ["begin running", "numbers ran", "shaky failed", "end failed 2"]


def test_an_observer_that_refuses_stops_the_run_before_it_computes(workspace: Workspace) -> None:
    seen = Observer()
    with pytest.raises(StorageError, match=r"meta\.db: is gone"):
        ran(workspace, observers=[Observer(refuses=True)], run_id="r1")
    assert not CALLS
    assert not seen.seen
    assert workspace.runs.find("r1") is None


def settled() -> int:
    return 7


def test_a_run_is_refused_another_seed_even_where_no_step_takes_one(workspace: Workspace) -> None:
    whole = Pipeline("settled", (step(settled),))
    assert ran(workspace, whole, run_id="r1", given={"seed": 3}).record.seed == 3
    assert ran(workspace, whole, run_id="r1", given={"seed": 3}).record.seed == 3
    assert ran(workspace, whole, run_id="r1", given={}).record.seed == 3
    with pytest.raises(ConfigError, match=r"run r1: seed is 4, expected what the run began with \(3\)"):
        ran(workspace, whole, run_id="r1", given={"seed": 4})
    ran(workspace, whole, run_id="r2", given={})
    with pytest.raises(ConfigError, match="run r2: seed is 4, expected what the run began with"):
        ran(workspace, whole, run_id="r2", given={"seed": 4})


def test_a_run_id_keeps_its_givens(workspace: Workspace) -> None:
    ran(workspace, run_id="r1")
    assert ran(workspace, run_id="r1", given={"config": Config()}).record.seed == 3
    with pytest.raises(ConfigError, match=r"run r1: seed is 4, expected what the run began with \(3\)"):
        ran(workspace, run_id="r1", given={"seed": 4, "config": Config()})
    with pytest.raises(ConfigError, match=r"run r1: config is Config\(factor=9\).*began with \(\{'factor'"):
        ran(workspace, run_id="r1", given={"config": Config(9)})
    with pytest.raises(ConfigError, match="run r1: is of pipeline sums, expected one of other"):
        ran(workspace, Pipeline("other", (numbers,)), run_id="r1")
    with pytest.raises(ConfigError, match="began with the steps numbers, scaled, names, table, but"):
        ran(workspace, Pipeline("sums", (numbers,)), run_id="r1")
    with pytest.raises(InputError, match=r'run id is "\.\./r", expected at most 120 letters'):
        ran(workspace, run_id="../r")


def test_a_resumed_run_keeps_the_values_that_a_new_one_would_begin_with(workspace: Workspace) -> None:
    config = {"config": Config()}
    assert ran(workspace, run_id="r1", given=config, first={"seed": 3}).record.seed == 3
    assert ran(workspace, run_id="r1", given=config, first={"seed": 4}).record.seed == 3
    assert ran(workspace, run_id="r2", given=config, first={"seed": 4}).record.seed == 4


def test_a_full_disk_is_named_and_earlier_results_stay(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def full(handle: int) -> None:
        if "scaled" in CALLS:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        StorageError,
        match=r"sums, step scaled .*could not be written \(No space left on device\)\. Free space",
    ) as caught:
        ran(workspace, run_id="r1")
    assert any("record of the run could not be kept" in note for note in caught.value.__notes__)
    assert len(workspace.store.names()) == 1
    assert list(workspace.scratch.iterdir()) == []
    monkeypatch.undo()
    CALLS.clear()
    assert ran(workspace, run_id="r1").record.state == "done"
    assert [*CALLS] == ["scaled", "names", "table"]


def test_a_disk_that_cannot_be_written_is_named_before_anything_runs(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.root.parent.mkdir(exist_ok=True)
    workspace.root.write_text("a file where a folder should be")
    with pytest.raises(StorageError, match=r"cannot be written .* nothing was computed"):
        ran(workspace)
    assert not CALLS


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_read_only_folder_is_named_before_anything_runs(workspace: Workspace) -> None:
    workspace.root.mkdir()
    workspace.root.chmod(0o500)
    with pytest.raises(StorageError, match=r"Permission denied.*make it writable"):
        ran(workspace)
    assert not CALLS
