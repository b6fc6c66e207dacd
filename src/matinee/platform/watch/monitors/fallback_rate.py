"""Fallback rate: how often could the model not answer?"""

from __future__ import annotations

from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.rewarded import MADE, NO_DECISIONS
from matinee.platform.watch.subject import DECISIONS, Subject
from matinee.prove.stats.rates import rate_interval


class FallbackRate:
    """Share of the decisions of the latest period that the fallback made, with its most frequent reason."""

    name = "fallback_rate"
    sign: Sign = "harm"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding."""
        if not subject.rows[DECISIONS]:
            return [not_measured(NO_DECISIONS)]
        now, most = subject.periods.now.sql(), subject.config.fallbacks
        why = "json_extract_string(context, '$.fallback_reason')"
        n, fallbacks, reason = subject.one(
            f"SELECT count(*), count(*) FILTER (fallback), mode({why}) FILTER (fallback) "
            f"FROM {MADE} WHERE {now}"
        )
        if n < subject.config.fewest:
            return [
                not_measured(f"{n:,} decisions in the latest period, fewer than {subject.config.fewest}.")
            ]
        share = fallbacks / n
        text = f"the fallback made {share:.2%} of {n:,} decisions, at most {most:.2%}."
        low, _ = rate_interval(fallbacks, n, p=2 * subject.config.chance)
        if share > most and low > most:
            text += f" Most frequent reason: {reason or 'not logged'}."
            return [Finding("alert", text, "", share, most)]
        return [Finding("ok", text, "", share, most)]


MONITOR = FallbackRate()
