"""Entities with many events and many labels: tiles of events in place of every pair, to bound the cost.

Joining each label with each event costs their product: 100,000 events and 10,000 labels of one entity are a
billion pairs. Here the events of an entity are ranked by time, and folded into tiles of 1, 16, 256, … events
(a tree of 16 branches). A window is a range of ranks, and any range is the union of at most 30 tiles per
level. So an entity with n events and m labels costs about n log n + m log n, however its events are spread
over time.

Late events do not fit into an order by time: one that had not arrived at a label is missing from its prefix.
An event is *late* if a label of its entity lies between its time and its arrival; for all others `at_us < T`
says all. Late events stay single and are joined with the labels under both clocks; their cost is late events
times labels of an entity, with "late" measured against the labels, not against the day.
"""

from __future__ import annotations

from matinee.learn.features.compiler import SEEN, events_sql, start_of
from matinee.learn.features.declaration import FeatureView
from matinee.learn.features.dialects import Dialect
from matinee.learn.features.parts import DecayPart
from matinee.learn.features.plan import Job

BRANCHES = 16
MANY_LABELS = 32
"""Entities with fewer labels are always joined directly: at most so many passes over their events."""
HEAVY_PAIRS = 500_000
"""Pairs of events and labels of one entity from which tiles are used."""
LATE = -1
"""Level of the late events, each a tile of its own."""


def many_labels_sql(labels: str = "matinee_labels", *, many: int = MANY_LABELS) -> str:
    """Entities that could be heavy, with their number of labels."""
    return f"SELECT entity_id, count(*) AS n FROM {labels} GROUP BY entity_id HAVING count(*) > {many}"


def heavy_sql(job: Job, dialect: Dialect, *, pairs: int = HEAVY_PAIRS) -> str:
    """Heavy entities among those in `many_labels`, with their number of events."""
    return (
        f"SELECT v.entity_id, count(*) AS n FROM ({events_sql(job, dialect)}) AS v "
        "JOIN matinee_many_labels AS m ON m.entity_id = v.entity_id "
        f"GROUP BY v.entity_id HAVING count(*) * min(m.n) > {pairs}"
    )


def levels_for(n_events: int) -> int:
    """Levels of the tree over so many events.

    Examples
    --------
    >>> [levels_for(n) for n in (1, 16, 17, 100_000)]
    [1, 2, 2, 5]
    """
    levels = 1
    while BRANCHES**levels <= n_events:
        levels += 1
    return levels


def tile_steps(view: FeatureView, job: Job, dialect: Dialect, levels: int) -> list[tuple[str, str]]:
    """Tables to make in this order (name, SQL) from `heavy` and `labels`; then `tiled_sql` has the result."""
    return [
        (
            "matinee_heavy_labels",
            "SELECT l.* FROM matinee_labels AS l WHERE l.entity_id IN (SELECT entity_id FROM matinee_heavy)",
        ),
        ("matinee_ranked", _ranked(job, dialect)),
        ("matinee_bounds", _bounds(view, job)),
        ("matinee_levels", _levels(levels)),
        ("matinee_ranges", _ranges(view, job)),
        ("matinee_pieces", _pieces(view, job, dialect)),
        ("matinee_tiles", _tiles(job, dialect)),
    ]


def tiled_sql(job: Job, dialect: Dialect) -> str:
    """Rows of the heavy labels: `i`, the group if there is one, `p0`, `p1`, … as from `direct_sql`.

    The hint is for Spark, which takes tiles with their lists for small and would copy them to every worker.
    """
    columns = ["l.i AS i"] + (["v.g AS g"] if job.by is not None else [])
    stored = _stored(job)
    for position, slot in enumerate(job.slots):
        mine = f"p.w = {job.windows.index(slot.window_us)}"
        columns.append(f"{dialect.merge(slot, f'v.t{stored[slot.part]}', mine)} AS p{position}")
    return (
        f"SELECT /*+ MERGE(p, v) */ {', '.join(columns)} "
        "FROM matinee_pieces AS p JOIN matinee_heavy_labels AS l ON l.i = p.i "
        "JOIN matinee_tiles AS v ON v.entity_id = l.entity_id AND v.level = p.level AND v.node = p.node "
        f"GROUP BY {'l.i, v.g' if job.by is not None else 'l.i'}"
    )


def _stored(job: Job) -> dict[object, int]:
    """Position of each different part in a tile; windows share them."""
    out: dict[object, int] = {}
    for slot in job.slots:
        out.setdefault(slot.part, len(out))
    return out


def _ranked(job: Job, dialect: Dialect) -> str:
    """The events of heavy entities with `late` and their rank `rk` among the late or the others.

    `next_us` is the first label at or after the event: taking one at the event's own time too only makes more
    events late than must be.
    """
    columns = [f"c_{column}" for column in job.columns] + (["g"] if job.by is not None else [])
    listed = "".join(f", {column}" for column in columns)
    nothing = "".join(f", NULL AS {column}" for column in columns)
    both = (
        "SELECT entity_id, at_us, coalesce(seen_us, at_us) AS seen_us, seq, CAST(NULL AS BIGINT) AS t"
        f"{listed} FROM ({events_sql(job, dialect)}) AS v "
        "WHERE at_us IS NOT NULL AND entity_id IN (SELECT entity_id FROM matinee_heavy) UNION ALL "
        f"SELECT DISTINCT entity_id, at_us, at_us AS seen_us, NULL AS seq, at_us AS t{nothing} "
        "FROM matinee_heavy_labels"
    )
    next_label = "min(t) OVER (PARTITION BY entity_id ORDER BY at_us DESC)"
    marked = f"SELECT *, coalesce({next_label} < seen_us, false) AS late FROM ({both}) AS b"
    return (
        "SELECT *, row_number() OVER (PARTITION BY entity_id, late ORDER BY at_us, seq) - 1 AS rk "
        f"FROM ({marked}) AS m WHERE t IS NULL"
    )


def _bounds(view: FeatureView, job: Job) -> str:
    """Number of events in order before each moment `x` at which a window begins or ends."""
    moments = ["at_us", *(start_of(view, window_us) for window_us in job.windows if window_us is not None)]
    points = " UNION ".join(
        f"SELECT DISTINCT entity_id, {column} AS x FROM matinee_heavy_labels" for column in moments
    )
    both = (
        f"SELECT entity_id, x, 0 AS event FROM ({points}) AS p UNION ALL "
        "SELECT entity_id, at_us AS x, 1 AS event FROM matinee_ranked WHERE NOT late"
    )
    before = "sum(event) OVER (PARTITION BY entity_id ORDER BY x, event ROWS UNBOUNDED PRECEDING)"
    return (
        f"SELECT entity_id, x, CAST(n AS BIGINT) AS n FROM (SELECT *, {before} AS n FROM ({both}) AS b) AS c "
        "WHERE event = 0"
    )


def _levels(levels: int) -> str:
    """Each level with the events of a tile and of the tile above it."""
    rows = ", ".join(
        f"({n}, CAST({BRANCHES**n} AS BIGINT), CAST({BRANCHES ** (n + 1)} AS BIGINT))" for n in range(levels)
    )
    return f"SELECT * FROM (VALUES {rows}) AS k(level, size, above)"


def _ranges(view: FeatureView, job: Job) -> str:
    """Ranks of the events in each window of each label: `i`, `w` (which window), from `lo` to before `hi`."""
    out = []
    for w, window_us in enumerate(job.windows):
        start = start_of(view, window_us)
        lower = f"JOIN matinee_bounds AS a ON a.entity_id = l.entity_id AND a.x = l.{start} " if start else ""
        out.append(
            f"SELECT l.i, {w} AS w, {'a.n' if start else 'CAST(0 AS BIGINT)'} AS lo, b.n AS hi "
            f"FROM matinee_heavy_labels AS l {lower}"
            "JOIN matinee_bounds AS b ON b.entity_id = l.entity_id AND b.x = l.at_us"
        )
    return " UNION ALL ".join(out)


def _pieces(view: FeatureView, job: Job, dialect: Dialect) -> str:
    """The tiles that make each window of each label: `i`, `w`, `level`, `node`.

    Of a level they are those of the range [a, b) that no whole tile above, in [pa, pb), covers.
    """
    nodes = (
        "SELECT r.i, r.w, k.level, "
        "CAST(ceil(lo / size) AS BIGINT) AS a, CAST(floor(hi / size) AS BIGINT) AS b, "
        f"CAST(ceil(lo / above) * {BRANCHES} AS BIGINT) AS pa, "
        f"CAST(floor(hi / above) * {BRANCHES} AS BIGINT) AS pb "
        "FROM matinee_ranges AS r CROSS JOIN matinee_levels AS k"
    )
    whole, left, right = (
        dialect.numbers(first, after) for first, after in (("a", "b"), ("a", "pa"), ("pb", "b"))
    )
    chosen = f"CASE WHEN pa < pb THEN {dialect.join_arrays(left, right)} ELSE {whole} END"
    out = [f"SELECT i, w, level, {dialect.each(chosen)} AS node FROM ({nodes}) AS n WHERE a < b"]
    for w, window_us in enumerate(job.windows):
        start = start_of(view, window_us)
        inside = f" AND v.at_us >= l.{start}" if start else ""
        out.append(
            f"SELECT l.i, {w} AS w, {LATE} AS level, v.rk AS node FROM matinee_heavy_labels AS l "
            "JOIN matinee_ranked AS v ON v.entity_id = l.entity_id "
            f"AND v.at_us < l.at_us AND {SEEN}{inside} WHERE v.late"
        )
    return " UNION ALL ".join(out)


def _tiles(job: Job, dialect: Dialect) -> str:
    """States `t0`, `t1`, … of every tile of every level, and of each late event."""
    keys = ["v.entity_id", "v.level", "v.node", *(["v.g"] if job.by is not None else [])]
    columns = list(keys)
    decays = any(isinstance(slot.part, DecayPart) for slot in job.slots)
    if decays:
        columns.append("max(v.ref_us) AS ref_us")
    for part, position in _stored(job).items():
        slot = next(slot for slot in job.slots if slot.part == part)
        columns.append(f"{dialect.fold(slot, dialect.condition(slot))} AS t{position}")
    placed = (
        "SELECT r.*, k.level, CAST(floor(r.rk / k.size) AS BIGINT) AS node "
        "FROM matinee_ranked AS r CROSS JOIN matinee_levels AS k WHERE NOT r.late UNION ALL "
        f"SELECT r.*, {LATE} AS level, r.rk AS node FROM matinee_ranked AS r WHERE r.late"
    )
    if decays:
        newest = "max(at_us) OVER (PARTITION BY entity_id, level, node) AS ref_us"
        placed = f"SELECT *, {newest} FROM ({placed}) AS q"
    return f"SELECT {', '.join(columns)} FROM ({placed}) AS v GROUP BY {', '.join(keys)}"
