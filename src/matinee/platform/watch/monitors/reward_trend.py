"""Reward trend: do decisions still bring what they brought?"""

from __future__ import annotations

from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.periods import Period
from matinee.platform.watch.rewarded import reward_name, rewarded, settled
from matinee.platform.watch.subject import Subject
from matinee.prove.stats.welch import Sample, welch_difference


class RewardTrend:
    """Mean reward per decision, latest period against the days before it; a decision without one counts 0.

    Both periods are so old that every reward is known. An alert needs a loss of `reward_drop` that is no
    chance. What changed may be the members, the season or the catalogue: only an experiment says what a
    policy is worth.

    Notes
    -----
    The spread is that of units, not of decisions: the mean is a ratio of sums over units, linearised
    (Cochran 1977, Sampling techniques, section 6.3).
    """

    name = "reward_trend"
    sign: Sign = "harm"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding."""
        reward = reward_name(subject)
        if isinstance(reward, Finding):
            return [reward]
        now = self._sample(subject, reward, settled(subject, subject.periods.now))
        before = self._sample(subject, reward, settled(subject, subject.periods.before))
        if now is None or before is None:
            fewest = subject.config.fewest
            return [not_measured(f"{reward}: fewer than {fewest} units with settled decisions in a period.")]
        most = subject.config.reward_drop
        if before.mean <= 0:
            return [not_measured(f"{reward}: its mean was {before.mean:.4g}, a share of it says nothing.")]
        loss = 1 - now.mean / before.mean
        _, high = welch_difference(now, before, p=2 * subject.config.chance)
        text = (
            f"{reward} per decision is {now.mean:,.4g}, {before.mean:,.4g} before; a loss of at most "
            f"{most:.0%} is expected."
        )
        if loss > most and high < 0:
            return [Finding("alert", f"{text} Look at what was released and at the inputs.", "", loss, most)]
        return [Finding("ok", text, "", loss, most)]

    def _sample(self, subject: Subject, reward: str, period: Period) -> Sample | None:
        n, decisions, total, squares, cross, values = subject.one(
            "SELECT count(*), sum(n)::DOUBLE, sum(v), sum(n * n)::DOUBLE, sum(n * v), sum(v * v) FROM ("
            f"SELECT unit_id, count(*) AS n, sum(value) AS v FROM {rewarded(subject, reward)} "
            f"WHERE {period.sql()} GROUP BY unit_id)"
        )
        if n < subject.config.fewest:
            return None
        mean = total / decisions
        spread = max(values - 2 * mean * cross + mean * mean * squares, 0.0)
        return Sample(n, mean, spread / (n - 1) / (decisions / n) ** 2)


MONITOR = RewardTrend()
