"""The state of members in Redis or Valkey, for the processes of several hosts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from matinee.errors import StorageError
from matinee.observe.members import Member
from matinee.observe.state import redis_scripts as scripts
from matinee.observe.state.fold import apply, without
from matinee.observe.state.folds import LOG, NOT_WHOLE, Fold, applied, checked, named
from matinee.observe.state.record import MemberRecord
from matinee.observe.state.redis_client import connect, shown
from matinee.observe.state.resting import LONGEST_S, Resting
from matinee.observe.state.store import Arrival, Position, Rebuilt
from matinee.observe.state.window import hashes
from matinee.types import HOUR_US

PREFIX = "matinee:"
FOLD_MEMBERS = 128
"""Members that are folded in one `tend`; further ones have their turn in the next."""
MAINTAIN_MEMBERS, MAINTAIN_TURNS = 200, 10
LEASE_MS = 120_000
"""A rebuild that has not written for so long is over."""
SYNC_TURNS, SYNC_MS = 4, 500
"""So often, and so long each time, `sync` waits; less than `ANSWER_S` at a time."""
RANGE = 1_000
_SEPARATOR = "\x1e"
_RECORD = msgspec.msgpack.Decoder(MemberRecord)
_MEMBER = msgspec.msgpack.Decoder(Member)


class RedisStore:
    r"""A `StateStore` on a server that several hosts reach. To choose when one host is not enough.

    Parameters
    ----------
    url : str
        redis://HOST:PORT/DB, rediss:// with TLS, or unix:// with a path. Redis 6 or newer, or Valkey; one
        primary (with replicas for its safety), not a cluster. Choose `maxmemory-policy noeviction`: a store
        that throws values away on its own forgets what members did.
    dedup_h : float, > 0, default 48
        Hours by the server's clock in which an event is told from one that is sent again.
    folds : iterable of Fold or None
        As in `SqliteStore`.
    prefix : str
        Before all keys, so that other programs can use the same database.

    Raises
    ------
    ConfigError
        The URL is not one of these.
    MissingExtraError
        The client library is not installed.

    Notes
    -----
    Nothing is asked of the server before the first call, and each call connects again if it has to. A call
    fails within about two seconds, and at once while the server has just not answered (`Resting`). A `take`
    that failed may have been done: `positions` tells.

    The server may lose its last second (or more, as it is set up), events and positions together. A replay of
    the log brings them back; where segments were deleted since, the state is found behind the lake by its
    marks and made again from it, which takes longer: run the server with `appendonly yes`. `erase` removes a
    member at once; the server's own files on disk hold what was removed until it rewrites them
    (BGREWRITEAOF, BGSAVE).
    """

    def __init__(
        self, url: str, dedup_h: float = 48, folds: Iterable[Fold] | None = (), *, prefix: str = PREFIX
    ) -> None:
        self.name = shown(url)
        self.prefix = prefix
        self.folds: Mapping[str, Fold] | None = None if folds is None else named(folds)
        self._window_ms = int(dedup_h * HOUR_US) // 1_000
        self._client = connect(url, self.name)
        self._resting = Resting()
        self._registered = self.folds is None
        self._due: list[bytes] = []
        script = self._client.register_script
        self._take, self._fold, self._erase = map(script, (scripts.TAKE, scripts.FOLD, scripts.ERASE))
        self._expire, self._names = script(scripts.EXPIRE), script(scripts.REGISTER)
        self._renew = script(scripts.RENEW)
        self._begin, self._rebuilt, self._end = map(script, (scripts.BEGIN, scripts.REBUILT, scripts.END))

    def known(self, event_ids: Sequence[str]) -> list[bool]:
        """Which of these events were taken in before, within the window."""
        with self._asking(), self._client.pipeline(transaction=False) as pipe:
            for one in hashes(event_ids):
                pipe.exists(self._key("e:", one))
            return [bool(there) for there in pipe.execute()]

    def take(self, arrivals: Sequence[Arrival], position: Position | None, now_us: int) -> list[bool]:  # noqa: ARG002
        """Take in events that are in the log, all or none; True for each that was new."""
        self._register()
        arguments: list[Any] = [self.prefix, self._window_ms]
        arguments += ["", 0] if position is None else [position.segment, position.end]
        for arrival, one in zip(arrivals, hashes([a.event_id for a in arrivals]), strict=True):
            arguments += [one, arrival.member_id, arrival.line]
        with self._asking():
            new, self._due = self._take(args=arguments)
        return [bool(one) for one in new]

    def tend(self) -> None:
        """Fold some of the members of whom much waits since the last `take`."""
        due, self._due = self._due, []
        if due and self.folds is not None:
            try:
                self._fold_members([member_id.decode() for member_id in due[:FOLD_MEMBERS]])
            except Exception as problem:  # the events are taken in: folding is tried again later
                LOG.error("%s: folding failed (%s)", self.name, type(problem).__name__, exc_info=problem)

    def positions(self) -> dict[str, int]:
        """Segment -> bytes of it that were taken in."""
        with self._asking():
            found = self._client.hgetall(self._key("positions"))
        return {name.decode(): int(end) for name, end in sorted(found.items())}

    def forget_segments(self, names: Iterable[str]) -> None:
        """Forget the positions of segments that are gone."""
        gone = list(names)
        with self._asking():
            if gone:
                self._client.hdel(self._key("positions"), *gone)

    def record(self, member_id: str) -> MemberRecord:
        """What a member did; an empty record of an unknown one."""
        with self._asking(), self._client.pipeline() as pipe:
            pipe.hget(self._key("m:", member_id), "r")
            pipe.lrange(self._key("w:", member_id), 0, -1)
            data, rows = pipe.execute()
        record = _decode(data)
        return apply(record, b"".join(rows)) if rows else record

    def folded(self, member_id: str, name: str) -> tuple[bytes | None, bytes]:
        """What is kept for a member under the name of a fold, and the lines that are not in it yet.

        Raises
        ------
        StorageError
            It lacks earlier events: the fold is new, and the state was not rebuilt since.
        """
        self._register()
        with self._asking(), self._client.pipeline() as pipe:
            pipe.hget(self._key("folds"), name)
            pipe.hget(self._key("m:", member_id), f"v:{name}")
            pipe.lrange(self._key("w:", member_id), 0, -1)
            whole, value, rows = pipe.execute()
        if whole != b"1":
            raise StorageError(
                f'{self.name}: "{name}" lacks events from before it was kept. Run matinee rebuild-state.'
            )
        return checked(name, value), b"".join(rows)

    def member(self, member_id: str) -> Member | None:
        """What was imported about a member."""
        with self._asking():
            data = self._client.hget(self._key("m:", member_id), "f")
        return None if data is None else _MEMBER.decode(data)

    def put_members(self, members: Iterable[Member]) -> None:
        """Store what was imported about members."""
        with self._asking(), self._client.pipeline() as pipe:
            for member in members:
                pipe.hset(self._key("m:", member.member_id), "f", msgspec.msgpack.encode(member))
                pipe.zadd(self._key("members"), {member.member_id: 0})
                if len(pipe) >= 2 * RANGE:
                    pipe.execute()
            pipe.execute()

    def member_ids(self, after: str = "", limit: int = 1_000) -> list[str]:
        """Ids of members that the store knows, in their order as text, behind `after`."""
        low = f"({after}" if after else "-"
        with self._asking():
            found = self._client.zrangebylex(self._key("members"), low, "+", start=0, num=limit)
        return [member_id.decode() for member_id in found]

    def get(self, kind: str, key: str) -> bytes | None:
        """A value kept for a member or another unit; None if it is gone."""
        with self._asking():
            value: bytes | None = self._client.hget(*self._place(kind, key))
        return value

    def put(self, kind: str, values: Sequence[tuple[str, bytes]], *, expires_us: int | None = None) -> None:
        """Keep values by key. `expires_us`: until when at least."""
        with self._asking(), self._client.pipeline() as pipe:
            for key, value in values:
                place, name = self._place(kind, key)
                pipe.hset(place, name, value)
                if expires_us is None:
                    pipe.zrem(self._key("until"), name)
                else:
                    pipe.zadd(self._key("until"), {name: expires_us})
            pipe.execute()

    def count(self, name: str, add: int = 1) -> int:
        """Add to a counter that all processes share, and read it."""
        with self._asking():
            return int(self._client.hincrby(self._key("counters"), name, add))

    def erase(self, member_ids: Sequence[str]) -> dict[str, int]:
        """Remove every trace of members; how many values of each kind were removed."""
        out = dict.fromkeys(("records", "waiting", "features", "facts", "values"), 0)
        with self._asking():
            for member_id in member_ids:
                for name, n in zip(out, self._erase(args=[self.prefix, member_id]), strict=True):
                    out[name] += n
        return out

    def sync(self) -> None:
        """Wait until what was written is in the server's append-only file, where it has one (`WAITAOF`).

        A server that cannot do that (older than 7.2, or without such a file), or is slow, is not an error: a
        state that lost something has lost its marks too (`marks`), and is made again.
        """
        with self._asking(), self._client.pipeline(transaction=False) as pipe:
            pipe.hincrby(self._key("marks"), "synced", 1)  # behind all that any process has written before
            for _ in range(SYNC_TURNS):
                pipe.execute_command("WAITAOF", 1, 0, SYNC_MS)
            pipe.execute(raise_on_error=False)

    def maintain(self, now_us: int) -> None:
        """Fold what has gathered, drop what has expired; called now and then by one process."""
        self._register()
        for _ in range(MAINTAIN_TURNS):
            with self._asking():
                pending = self._client.srandmember(self._key("pending"), MAINTAIN_MEMBERS)
                folded = self.folds is not None and self._fold_members([one.decode() for one in pending])
                expired = int(self._expire(args=[self.prefix, now_us, RANGE]))
            if not (folded or expired == RANGE):
                break
        self._forget_hours()

    def begin_rebuild(self) -> int:
        """Stop folding in all processes; what arrives waits."""
        self._register()
        with self._asking():
            return int(self._begin(args=[self.prefix, LEASE_MS]))

    def renew_rebuild(self, token: int) -> None:
        """Say that a rebuild goes on though it has nothing to write yet."""
        with self._asking():
            self._check(token, self._renew(args=[self.prefix, LEASE_MS, token]))

    def write_rebuilt(
        self,
        token: int,
        rows: Sequence[Rebuilt],
        *,
        after: str,
        upto: str | None,
        now_us: int,  # noqa: ARG002
    ) -> None:
        """Replace what is known about all members behind `after` up to `upto` (None: to the end)."""
        asked = {row.member_id: row for row in rows}
        for member_id in self._between(after, upto):
            asked.setdefault(member_id, Rebuilt(member_id, None, None))
        todo = list(asked.values())
        while todo:
            with self._asking():
                with self._client.pipeline(transaction=False) as pipe:
                    for row in todo:
                        pipe.lrange(self._key("w:", row.member_id), 0, -1)
                    waiting = pipe.execute()
                asking = [self._arguments(token, *one) for one in zip(todo, waiting, strict=True)]
                with self._client.pipeline(transaction=False) as pipe:
                    for arguments in asking:
                        self._rebuilt(args=arguments, client=pipe)
                    done = pipe.execute()
                written = (one for one, code in zip(asking, done, strict=True) if code == 1)
                self._count_failed(sum(one.count(NOT_WHOLE) for one in written))
            self._check(token, min(done))
            todo = [row for row, code in zip(todo, done, strict=True) if code == 0]

    def end_rebuild(self, token: int, positions: Iterable[Position]) -> None:
        """Note how far the log was read, and let folding go on."""
        read = [part for position in positions for part in (position.segment, position.end)]
        arguments = [self.prefix, LEASE_MS, token, len(read) // 2, *read, *(self.folds or ())]
        with self._asking():
            self._check(token, self._end(args=arguments))

    def size(self) -> dict[str, int]:
        """Members, events waiting to be folded, ids in the window (about), failed folds, bytes used."""
        with self._asking(), self._client.pipeline() as pipe:
            pipe.zcard(self._key("members"))
            pipe.hmget(self._key("marks"), "waiting", "failed")
            pipe.hgetall(self._key("hours"))
            pipe.time()
            members, (waiting, failed), hours, (now_s, _) = pipe.execute()
            used = self._client.info("memory")["used_memory"]
        first = (now_s - self._window_ms // 1_000) // 3_600
        ids = sum(int(n) for hour, n in hours.items() if int(hour) >= first)
        return {
            "members": members,
            "waiting": int(waiting or 0),
            "ids": ids,
            "failed_folds": int(failed or 0),
            "bytes": int(used),
        }

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _fold_members(self, member_ids: Sequence[str]) -> bool:
        """Fold what waits; whether anything was. Another process that was quicker leaves nothing to do."""
        self._register()
        folds, failed = self.folds or {}, 0
        with self._asking():
            with self._client.pipeline() as pipe:
                pipe.hmget(self._key("marks"), "erasures", "folds")
                for member_id in member_ids:
                    pipe.hmget(self._key("m:", member_id), "n", "r", *(f"v:{name}" for name in folds))
                    pipe.lrange(self._key("w:", member_id), 0, -1)
                (erasures, registered), *found = pipe.execute()
            if not member_ids or (registered or b"").decode() != _SEPARATOR.join(sorted(folds)):
                return False
            with self._client.pipeline(transaction=False) as pipe:
                for member_id, (version, data, *values), rows in zip(
                    member_ids, found[::2], found[1::2], strict=True
                ):
                    if not rows:
                        continue
                    lines = b"".join(rows)
                    try:
                        parts: list[Any] = ["r", msgspec.msgpack.encode(apply(_decode(data), lines))]
                    except Exception as problem:  # of one member: those of others are made
                        LOG.error("a record cannot be made (%s)", type(problem).__name__, exc_info=problem)
                        continue
                    for (name, fold), value in zip(folds.items(), values, strict=True):
                        parts += [f"v:{name}", applied(fold, member_id, value, lines)]
                        failed += parts[-1] == NOT_WHOLE != value
                    head = [self.prefix, member_id, len(rows), version or 0, erasures or 0, registered or b""]
                    self._fold(args=[*head, lines.count(b"\n"), *parts], client=pipe)
                done = any(pipe.execute()) if len(pipe) else False
            self._count_failed(failed)
            return done

    def _count_failed(self, n: int) -> None:
        if n:
            self._client.hincrby(self._key("marks"), "failed", n)

    def _arguments(self, token: int, row: Rebuilt, waiting: Sequence[bytes]) -> list[Any]:
        lines = without(row.lines, b"".join(waiting)) if self.folds else b""
        values: list[Any] = []
        for name, fold in (self.folds or {}).items():
            values += [f"v:{name}", applied(fold, row.member_id, None, lines) if lines else b""]
        record = b"" if row.record is None else msgspec.msgpack.encode(row.record)
        facts = b"" if row.member is None else msgspec.msgpack.encode(row.member)
        head = [self.prefix, LEASE_MS, token, row.member_id, len(waiting), self._window_ms, record, facts]
        return [*head, len(values) // 2, *values, *hashes(row.recent_ids)]

    def _between(self, after: str, upto: str | None) -> Iterator[str]:
        """Members of a range."""
        while page := self.member_ids(after, RANGE):
            for member_id in page:
                if upto is not None and member_id > upto:
                    return
                yield member_id
            after = page[-1]

    def _check(self, token: int, code: int) -> None:
        if code < 0:
            raise StorageError(
                f"{self.name}: the rebuild {token} was stopped, since a member was erased, another rebuild "
                f"began, or this one wrote nothing for {LEASE_MS // 1_000} s. What it has written is right. "
                "Run matinee rebuild-state again."
            )

    def _register(self) -> None:
        """Say once what is kept beside records."""
        if self._registered or self.folds is None:
            return
        names = sorted(self.folds)
        with self._asking():
            self._names(args=[self.prefix, _SEPARATOR.join(names), *names])
        self._registered = True

    def _forget_hours(self) -> None:
        with self._asking():
            first = (self._client.time()[0] - self._window_ms // 1_000) // 3_600
            old = [hour for hour in self._client.hkeys(self._key("hours")) if int(hour) < first]
            if old:
                self._client.hdel(self._key("hours"), *old)

    def _place(self, kind: str, key: str) -> tuple[bytes, str]:
        return self._key("v:", key.partition("\x1f")[0]), f"{kind}{_SEPARATOR}{key}"

    def _key(self, kind: str, rest: str | bytes = b"") -> bytes:
        return f"{self.prefix}{kind}".encode() + (rest.encode() if isinstance(rest, str) else rest)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        import redis

        began = time.monotonic()
        if not self._resting.admits(began):
            raise StorageError(
                f"{self.name}: the state server did not answer a moment ago and is left alone for up to "
                f"{LONGEST_S:g} s. Check that it runs; events that are in the log are taken in later."
            )
        try:
            yield
            self._resting.answered()
        except redis.RedisError as error:
            if isinstance(error, redis.ConnectionError | redis.TimeoutError):
                self._resting.failed(began, time.monotonic())
            else:
                self._resting.answered()
            raise StorageError(
                f"{self.name}: the state server did not do it ({type(error).__name__}: {error}). Check that "
                "it runs, can be reached and has memory left, or correct [serve] state; events that are in "
                "the log are taken in later."
            ) from error


def _decode(data: bytes | None) -> MemberRecord:
    return MemberRecord() if data is None else _RECORD.decode(data)
