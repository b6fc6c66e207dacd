"""Calibration: do outcomes come as often, or as large, as the model in production predicted?"""

from __future__ import annotations

from matinee.platform.watch.monitor import Finding, Sign, not_measured
from matinee.platform.watch.rewarded import reward_name, rewarded, settled
from matinee.platform.watch.subject import Subject
from matinee.prove.stats.reliability import Bin, reliability

PREDICTION = "prediction"
"""Key of a decision's context: the reward that the decider expects of what it chose."""
PREDICTED = f"TRY_CAST(json_extract_string(context, '$.{PREDICTION}') AS DOUBLE)"
N_BINS = 10


class Calibration:
    """Predictions that deciders logged (`prediction` in the context) against the rewards that came.

    Decisions of the latest settled period in ten bins of equal size. An alert needs an error beyond
    `calibration` times the mean reward and beyond chance.
    """

    name = "calibration"
    sign: Sign = "early"

    def check(self, subject: Subject) -> list[Finding]:
        """One finding."""
        reward = reward_name(subject)
        if isinstance(reward, Finding):
            return [reward]
        period = settled(subject, subject.periods.now)
        logged = (
            f"(SELECT decision_id, unit_id, {PREDICTED} AS p, value FROM {rewarded(subject, reward)} "
            f"WHERE {period.sql()} AND {PREDICTED} IS NOT NULL)"
        )
        (units,) = subject.one(f"SELECT count(DISTINCT unit_id) FROM {logged}")
        if units < subject.config.fewest:
            return [
                not_measured(
                    f'{units} units with a logged "{PREDICTION}" and a settled reward, fewer than '
                    f"{subject.config.fewest}."
                )
            ]
        bins = subject.ask(
            "SELECT count(*), avg(p), avg(value), coalesce(var_samp(value - p), 0) FROM "
            f"(SELECT *, ntile({N_BINS}) OVER (ORDER BY p, hash(decision_id)) AS bin FROM {logged}) "
            "GROUP BY bin ORDER BY bin"
        )
        found = reliability([Bin(*one) for one in bins], p=subject.config.chance)
        if found.observed == 0:
            return [not_measured(f"no decision brought any {reward}: there is nothing to compare with.")]
        scale = abs(found.observed)
        error, most = found.error / scale, max(subject.config.calibration, found.by_chance / scale)
        text = (
            f"predictions are off by {error:.0%} of the mean {reward} ({found.observed:,.4g}), at most "
            f"{most:.0%}; on average they are {found.bias / scale:+.0%}."
        )
        if error <= most:
            return [Finding("ok", text, "", error, most)]
        return [Finding("alert", f"{text} Train again, or calibrate.", "", error, most)]


MONITOR = Calibration()
