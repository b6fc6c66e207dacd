"""Decisions, rewards and sets of actions as lines of the log and rows of the lake, and back."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from matinee.errors import StorageError
from matinee.observe.decisions import DecisionRecord, RowNote, Slot
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, quoted
from matinee.observe.lake.manifest import DataFile, parquet, read_manifest
from matinee.observe.lake.tables import LOGGED
from matinee.observe.log import segments
from matinee.types import HOUR_US

LETTERS = "0123456789abcdefghijklmnopqrstuv"
MARK, TIME_LETTERS, CHANCE_LETTERS = "d", 12, 16
BIAS_US = 1 << 59
"""Added to the time in an id, so that times before 1970 sort too."""
AHEAD_US = HOUR_US
READ_TRIES = 3
BLOCK = 1 << 20
"""Bytes of a segment that are looked through at once."""
_OPEN = threading.local()
_JSON = msgspec.json.Encoder()
_SLOTS = msgspec.json.Decoder(list[Slot])
_ROWS = msgspec.json.Decoder(list[RowNote])
_NAMES = msgspec.json.Decoder(list[str])


class RewardRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reward as it was logged: `value` of the figure named `reward`, of one `action` if it names one."""

    event_id: str
    decision_id: str
    initiative: str
    unit_id: str
    reward: str
    value: float
    at_us: int
    seen_us: int
    action: str | None = None


def new_decision_id(at_us: int) -> str:
    """An id that nobody can guess, sorts by time and tells it, and may stand in a URL.

    Parameters
    ----------
    at_us : int
        Moment of the decision; a look-up reads only what the lake has of it.

    Notes
    -----
    60 bits of time and 80 random bits in base 32 (the "extended hex" alphabet of RFC 4648, which sorts).

    Examples
    --------
    >>> len(new_decision_id(0)), new_decision_id(0) < new_decision_id(1)
    (29, True)
    """
    number = ((at_us + BIAS_US) << 80) | secrets.randbits(80)
    letters = []
    for _ in range(TIME_LETTERS + CHANCE_LETTERS):
        number, rest = divmod(number, 32)
        letters.append(LETTERS[rest])
    return MARK + "".join(reversed(letters))


def decision_time(decision_id: str) -> int | None:
    """Moment that an id tells; None for an id that was not made by `new_decision_id`.

    Examples
    --------
    >>> decision_time(new_decision_id(893286638000000)), decision_time("p000000000017")
    (893286638000000, None)
    """
    body = decision_id[1:]
    if not decision_id.startswith(MARK) or len(body) != TIME_LETTERS + CHANCE_LETTERS:
        return None
    number = 0
    for letter in body[:TIME_LETTERS]:
        value = LETTERS.find(letter)
        if value < 0:
            return None
        number = number * 32 + value
    return number - BIAS_US


def plausible(decision_id: str, now_us: int) -> bool:
    """Whether an id was made by `new_decision_id`, and not for a moment that is still to come.

    For any other id a look-up reads far more than for one of a decision (`find_decision`), and finds nothing
    but what was imported: where ids come from strangers, refuse them before.

    Parameters
    ----------
    now_us : int
        By the home's clock; clocks of other processes may be `AHEAD_US` ahead of it.

    Examples
    --------
    >>> plausible(new_decision_id(5), 5), plausible(new_decision_id(1 << 50), 5), plausible("p17", 5)
    (True, False, False)
    """
    at_us = decision_time(decision_id)
    return at_us is not None and at_us <= now_us + AHEAD_US and set(decision_id[1:]) <= set(LETTERS)


def decision_line(record: DecisionRecord, seen_us: int, seq: int, member_id: str | None = None) -> bytes:
    """One line of a log segment for a decision.

    Parameters
    ----------
    seen_us : int
        When it was logged.
    seq : int
        Order of arrival.
    member_id : str, optional
        Given where the unit is a member, so that erasing the member finds the decision.

    Notes
    -----
    A decision of one slot has it in `action` and `propensity` too, where monitors and off-policy readers
    look; its `slots` are left out if they say no more.
    """
    line: dict[str, Any] = {
        "type": "decision",
        "event_id": record.decision_id,
        "decision_id": record.decision_id,
        "initiative": record.initiative,
        "unit_id": record.unit_id,
        "policy": record.policy,
        "model": record.model,
        "fallback": record.fallback,
    }
    slots = record.slots
    if len(slots) == 1:
        line |= {"action": slots[0].action, "propensity": slots[0].propensity}
    if slots != _bare(line.get("action"), line.get("propensity")):
        line["slots"] = _text(slots)
    if member_id is not None:
        line["member_id"] = member_id
    for name, value in (
        ("actions", record.actions),
        ("context", record.context),
        ("rows", record.rows),
        ("unmet", record.unmet),
    ):
        if value:
            line[name] = _text(value)
    for name in ("territory", "device"):
        if isinstance(record.context.get(name), str):
            line[name] = record.context[name]
    if record.sticky_of is not None:
        line["sticky_of"] = record.sticky_of
    if record.latency_ms is not None:
        line["latency_ms"] = record.latency_ms
    return _JSON.encode(line | {"at_us": record.at_us, "seen_us": seen_us, "seq": seq}) + b"\n"


def reward_id(decision_id: str, reward: str, action: str | None = None, report: str | None = None) -> str:
    """Id of a reward: the same report has the same id, and counts once however often it is sent.

    Parameters
    ----------
    report : str, optional
        The reporter's own id of it, where a decision can bring the same reward more than once.

    Examples
    --------
    >>> reward_id("d1", "net") == reward_id("d1", "net") != reward_id("d1", "net", report="may")
    True
    """
    text = "\x1f".join([decision_id, reward, action or "", report or ""])
    return "r" + hashlib.blake2b(text.encode(), digest_size=15).hexdigest()


def reward_line(row: RewardRow, seq: int, member_id: str | None = None) -> bytes:
    """One line of a log segment for a reward."""
    line = {"type": "reward"} | msgspec.to_builtins(row) | {"seq": seq}
    if member_id is not None:
        line["member_id"] = member_id
    return _JSON.encode(line) + b"\n"


def action_set_line(
    reference: str, initiative: str, actions: Sequence[str], at_us: int, seen_us: int, seq: int
) -> bytes:
    """One line of a log segment for a set of actions that decisions refer to; logged again it counts once."""
    line = {
        "type": "action_set",
        "event_id": reference,
        "initiative": initiative,
        "actions": _text(list(actions)),
        "at_us": at_us,
        "seen_us": seen_us,
        "seq": seq,
    }
    return _JSON.encode(line) + b"\n"


def to_record(row: Mapping[str, Any]) -> DecisionRecord:
    """A decision from a line of the log or a row of the table `decisions`.

    JSON that is nested instead of being a text is read too (imported logs).
    """
    slots = _json(row.get("slots"), _SLOTS)
    return DecisionRecord(
        decision_id=str(row.get("decision_id") or row["event_id"]),
        initiative=row.get("initiative") or "",
        unit_id=row.get("unit_id") or "",
        at_us=row["at_us"],
        policy=row.get("policy") or "",
        model=row.get("model") or "",
        slots=_bare(row.get("action"), row.get("propensity")) if slots is None else slots,
        actions=_json(row.get("actions"), _NAMES) or [],
        context=_json(row.get("context"), None) or {},
        fallback=bool(row.get("fallback")),
        sticky_of=row.get("sticky_of"),
        rows=_json(row.get("rows"), _ROWS) or [],
        unmet=_json(row.get("unmet"), _NAMES) or [],
        latency_ms=row.get("latency_ms"),
    )


def find_decision(home: Home, decision_id: str) -> DecisionRecord | None:
    """One decision by its id: from the open log of any process, else from the lake; None if it is unknown.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.

    Notes
    -----
    An id of `new_decision_id` tells its time: of the lake one row group of the files of that moment is read.
    For any other id the column of ids is read whole.
    """
    found = next(rows_of(home, "decisions", "event_id", decision_id, *_moment(decision_id)), None)
    return None if found is None else to_record(found)


def rewards_of(home: Home, decision_id: str, *, until_us: int | None = None) -> list[RewardRow]:
    """Every reward that was reported for a decision, each once, in the order of time.

    Parameters
    ----------
    until_us : int, optional
        Rewards after it are left out, and what the lake has of later days is not read.
    """
    low, _ = _moment(decision_id)
    return _rewards(rows_of(home, "rewards", "decision_id", decision_id, low, until_us))


def reward_known(home: Home, event_id: str, decision_id: str) -> RewardRow | None:
    """What was reported under the id of a reward of a decision, whichever repeat of it the report named."""
    low, _ = _moment(decision_id)
    return next(iter(_rewards(rows_of(home, "rewards", "event_id", event_id, low, None))), None)


def _rewards(rows: Iterable[dict[str, Any]]) -> list[RewardRow]:
    first: dict[str, RewardRow] = {}
    for row in sorted(rows, key=lambda row: row["seq"]):
        given = {"seen_us": row["at_us"]} | {name: row[name] for name in row if row[name] is not None}
        kept = {name: given[name] for name in RewardRow.__struct_fields__ if name in given}
        first.setdefault(kept["event_id"], msgspec.convert(kept, RewardRow))
    return sorted(first.values(), key=lambda one: (one.at_us, one.event_id))


def actions_of(home: Home, reference: str) -> list[str] | None:
    """The actions of a set that decisions refer to; None if it was never logged."""
    row = next(rows_of(home, "action_sets", "event_id", reference, None, None), None)
    return None if row is None else _json(row.get("actions"), _NAMES)


def decisions_about(home: Home, unit_id: str, from_us: int, to_us: int) -> list[DecisionRecord]:
    """Decisions about one unit between two moments (both included), each once, in the order of time."""
    rows = rows_of(home, "decisions", "unit_id", unit_id, from_us, to_us)
    found = {record.decision_id: record for record in map(to_record, rows)}
    return sorted(found.values(), key=lambda one: (one.at_us, one.decision_id))


def rows_of(
    home: Home, table: str, column: str, value: str, from_us: int | None, to_us: int | None
) -> Iterator[dict[str, Any]]:
    """Rows of a table of the log and the lake in which a column of text has a value, the log's first.

    Parameters
    ----------
    from_us, to_us : int or None
        Only rows of this time; None: of any. Files of other times are not opened.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.
    """
    home.check_readable([table])
    for attempt in range(READ_TRIES):
        found = segments(home.log)  # before the manifest: what is compacted in between is then in the lake
        manifest = read_manifest(home.lake)
        try:
            rows = [
                row
                for path in found
                if path.name not in manifest.segments
                for row in lines_of(path, table, column, value)
                if (from_us is None or row["at_us"] >= from_us) and (to_us is None or row["at_us"] <= to_us)
            ]
            files = [
                file
                for file in manifest.of(table)
                if (from_us is None or file.max_at_us >= from_us)
                and (to_us is None or file.min_at_us <= to_us)
            ]
            rows += _stored(home, files, column, value, from_us, to_us)
            break
        except (FileNotFoundError, duckdb.IOException) as error:  # compacted meanwhile: look again
            if attempt == READ_TRIES - 1:
                raise StorageError(f"{home.root}: files vanish while they are read ({error}).") from error
    yield from rows


_TYPE = {table: kind for kind, table in LOGGED.items()}


def lines_of(path: Path, table: str, column: str, value: str) -> Iterator[dict[str, Any]]:
    """Lines of a segment of one table with a value; only those in which its bytes stand are decoded."""
    if table not in _TYPE:
        return  # computed, never logged
    wanted, kind = json.dumps(value, ensure_ascii=False).encode(), _TYPE[table]
    with path.open("rb") as file:  # not mapped: a group that could not be written is cut off again
        rest = b""
        while block := file.read(BLOCK):
            data = rest + block
            end = data.rfind(b"\n") + 1
            data, rest = data[:end], data[end:]  # the last line is being written, or torn by a crash
            yield from _lines_with(data, wanted, kind.encode(), column, value)


def _lines_with(data: bytes, wanted: bytes, kind: bytes, column: str, value: str) -> Iterator[dict[str, Any]]:
    """Lines of a kind with a value, of whole lines."""
    place = data.find(wanted)
    while place >= 0:
        start, end = data.rfind(b"\n", 0, place) + 1, data.find(b"\n", place)
        line = data[start:end]
        if kind in line:
            row = _decoded(line)
            if row.get("type") == kind.decode() and row.get(column) == value:
                yield row
        place = data.find(wanted, end)


def _decoded(line: bytes) -> dict[str, Any]:
    """The object in a line; empty for one that is torn."""
    try:
        row = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return {}
    return row if isinstance(row, dict) and {"at_us", "seq", "event_id"} <= row.keys() else {}


def _stored(
    home: Home,
    files: Sequence[DataFile],
    column: str,
    value: str,
    from_us: int | None,
    to_us: int | None,
) -> list[dict[str, Any]]:
    if not files:
        return []
    bounds = "".join(
        f" AND at_us {sign} {int(bound)}"
        for sign, bound in ((">=", from_us), ("<=", to_us))
        if bound is not None
    )
    where = f"WHERE {quoted(column)} = ?{bounds}"
    source = parquet(home.lake, files)
    con = _connection()
    try:
        found = con.execute(f"SELECT * FROM {source} {where}", [value])
    except duckdb.BinderException:  # no file has the column
        return []
    names = [name for name, *_ in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _connection() -> duckdb.DuckDBPyConnection:
    """One for each thread: opening a database takes longer than a look-up."""
    if not hasattr(_OPEN, "con"):
        _OPEN.con = connect(threads=1, memory_mb=512)
    con: duckdb.DuckDBPyConnection = _OPEN.con
    return con


def _moment(decision_id: str) -> tuple[int | None, int | None]:
    at_us = decision_time(decision_id)
    return at_us, at_us


def _bare(action: Any, propensity: Any) -> list[Slot]:
    """The slot of a decision that has nothing but an action and a propensity."""
    if action is None:
        return []
    return [Slot(action, 1.0 if propensity is None else propensity)]


def _text(value: Any) -> str:
    return _JSON.encode(value).decode()


def _json(value: Any, decoder: msgspec.json.Decoder[Any] | None) -> Any:
    """What a JSON column holds: a text, or (in an imported log) the thing itself; None stays None."""
    if value is None:
        return None
    text = value if isinstance(value, str) else _JSON.encode(value)
    return msgspec.json.decode(text) if decoder is None else decoder.decode(text)
