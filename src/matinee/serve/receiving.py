"""Takes the body of a request as events, hands them to the writer, and says what became of each."""

from __future__ import annotations

from matinee.observe.erasure.erased import refusal
from matinee.observe.events.schema import Rejected
from matinee.serve.bodies import BodyLimits, Parsed, parse
from matinee.serve.schemas import EventsReply, RejectedEvent
from matinee.serve.services import Services


class Receiver:
    """Events in, for one process.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        config = services.config
        self.limits = BodyLimits(int(config.max_body_mb * 1_000_000), config.max_batch, config.max_depth)
        count = services.metrics.events
        self._accepted, self._duplicate, self._rejected = (
            count.labels(outcome) for outcome in ("accepted", "duplicate", "rejected")
        )

    async def receive(self, body: bytes, content_type: str, content_encoding: str) -> EventsReply:
        """Take events in; returns when the accepted ones are on disk and every process knows them.

        Raises
        ------
        BodyError
            The body as a whole cannot be read.
        FullError
            Too many events wait for the disk.
        StorageError
            They could not be written; none of them counts.
        """
        parsed = parse(
            body,
            content_type=content_type,
            content_encoding=content_encoding,
            latest_us=self.services.clock.latest_us,
            limits=self.limits,
        )
        if len(self.services.erased):
            self._refuse_erased(parsed)
        new = await self.services.ingestor.offer_async(parsed.events, n_bytes=parsed.n_bytes)
        accepted = sum(new)
        duplicate = len(new) - accepted
        if accepted:
            self._accepted.inc(accepted)
        if duplicate:
            self._duplicate.inc(duplicate)
        if parsed.rejected:
            self._rejected.inc(len(parsed.rejected))
        rejected = sorted(parsed.rejected, key=lambda one: one.index)
        return EventsReply(accepted, duplicate, [RejectedEvent(one.index, one.error) for one in rejected])

    def _refuse_erased(self, parsed: Parsed) -> None:
        """Move events of people who were erased to the rejected ones."""
        refuses = self.services.erased.refuses
        bad = {one.index for one in parsed.rejected}
        places = (n for n in range(len(parsed.events) + len(bad)) if n not in bad)
        kept = []
        for index, (event, at_us) in zip(places, parsed.events, strict=True):
            if refuses(event.member_id):
                error = refusal(type(event).__name__.lower(), event.event_id)
                parsed.rejected.append(Rejected(index, str(error)))
            else:
                kept.append((event, at_us))
        parsed.events = kept
