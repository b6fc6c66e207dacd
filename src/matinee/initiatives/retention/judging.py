"""Judges retention by a part of the randomised log that its models have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.initiatives.retention.churn import read_churn, tenure_curve, tenure_days
from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.features import accounts
from matinee.initiatives.retention.makers import BASELINE, OURS, Makers
from matinee.initiatives.retention.model import RetentionModel, fit_uplift
from matinee.initiatives.retention.offer_log import OfferLog, read_offer_log
from matinee.initiatives.retention.value import expected_cost, kept, realised
from matinee.learn.models.discrete_hazard import DiscreteHazard
from matinee.learn.models.dr_learner import doubly_robust
from matinee.learn.models.kaplan_meier import KaplanMeier
from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated, Evaluation, Figure, Metric
from matinee.prove.metrics.auuc import auuc
from matinee.prove.metrics.brier import brier
from matinee.prove.metrics.expected_calibration_error import expected_calibration_error, reliability
from matinee.prove.metrics.qini import qini
from matinee.prove.stats.bootstrap import bootstrap, draw
from matinee.prove.stats.holm import holm
from matinee.prove.stats.paired import paired_difference
from matinee.types import format_at

Matrix = NDArray[np.float64]
P_LEAVE = "Probability of leaving in the next period"
METRICS = [
    Metric("net_minor", "net value per account, minor units", digits=1),
    Metric("net_minor_snips", "the same by SNIPS", digits=1),
    Metric("qini", "Qini, 1/1000", digits=2),
    Metric("auuc", "AUUC, 1/1000", digits=2),
    Metric("offered", "share offered", digits=3),
    Metric("budget_used", "share of budget", better="lower", digits=2),
    Metric("brier", "Brier score", better="lower"),
    Metric("calibration_error", "calibration error", better="lower", digits=3),
]
BINS = 10
DRAWS = 400


@dataclass(frozen=True, slots=True)
class Trial:
    """Later decisions of the log, and what models of the earlier log say of them.

    Attributes
    ----------
    log : OfferLog
    model : RetentionModel
    config : RetentionConfig
    """

    log: OfferLog
    model: RetentionModel
    config: RetentionConfig

    @property
    def net(self) -> Matrix:
        """Doubly robust net value of each action in each decision, minor units, shape (n, n_actions)."""
        log, config = self.log, self.config
        stays = self.model.uplift.expected(log.x)
        guess = kept(config, log.price_minor)[:, None] * stays - expected_cost(config, stays, log.price_minor)
        came = realised(config, log.action, log.stayed, log.price_minor)
        return doubly_robust(guess, log.action, came, log.propensity)

    @property
    def effect(self) -> Matrix:
        """Doubly robust effect of each offer on staying, shape (n, n_actions): noisy, right on average."""
        log = self.log
        scores = doubly_robust(self.model.uplift.expected(log.x), log.action, log.stayed, log.propensity)
        return scores - scores[:, :1]

    def snips(self, p: Matrix) -> Matrix:
        """Numbers whose mean is the self-normalised estimate of a policy's net value, shape (n,)."""
        log = self.log
        weight = p[np.arange(len(log)), log.action] / log.propensity
        came = realised(self.config, log.action, log.stayed, log.price_minor)
        value = float(weight @ came) / max(float(weight.sum()), 1e-12)
        out: Matrix = value + weight * (came - value) / max(float(weight.mean()), 1e-12)
        return out


def judge(home: Home, at_us: int, config: RetentionConfig, *, cut: float, seed: int) -> Evaluated:
    """Cut the log, learn as of the cut, decide about the later decisions, and weigh them off-policy.

    Raises
    ------
    InputError
        Too little on either side of the cut, or as in reading the log.
    """
    with accounts(home, at_us, config) as con:
        log = read_offer_log(con, config, at_us)
    cut_us = int(np.quantile(log.at_us, cut, method="lower"))
    model, past, curve = learned(home, cut_us, config, seed=seed)
    later = log.after(cut_us)
    if len(later) < 2:
        raise InputError(
            f"retention: {len(later)} offers after {format_at(cut_us)} have a known end, expected some. "
            "Choose an earlier cut, as in --cut 0.6."
        )
    trial = Trial(later, model, config)
    return report(trial, Makers.of(model, config, past, later), cut_us=cut_us, n_past=len(past), curve=curve)


def learned(
    home: Home, at_us: int, config: RetentionConfig, *, seed: int
) -> tuple[RetentionModel, OfferLog, KaplanMeier]:
    """The model that would have been trained at a moment, what it learned from, and the tenure curve."""
    with accounts(home, at_us, config) as con:
        past = read_offer_log(con, config, at_us)
        rows = read_churn(con, config, at_us)
        curve = tenure_curve(con, at_us)
    churn = DiscreteHazard(seed=seed).fit(rows.x, rows.ended, rows.period)
    return RetentionModel(config.actions, churn, fit_uplift(past, config)), past, curve


def report(trial: Trial, makers: Makers, *, cut_us: int, n_past: int, curve: KaplanMeier) -> Evaluated:
    """Figures of every maker, differences to ours, groups, and how well leaving is foretold."""
    log, account = trial.log, trial.log.account
    net = trial.net
    value = {name: (p * net).sum(1) for name, p in makers.p.items()}
    figures = {name: _of_policy(trial, makers, name, value[name]) for name in makers.p}
    leaving = _of_leaving(trial, curve)
    figures[OURS] |= leaving["this model"]
    differences, p_values = {}, []
    for name in makers.p:
        if name == OURS:
            continue
        d = paired_difference(value[OURS], value[name], member=account)
        differences[name] = {"net_minor": d}
        p_values.append(d.p)
    corrected = dict(zip(differences, holm(p_values), strict=True))
    ids, number = np.unique(log.account_id, return_inverse=True)
    evaluation = Evaluation(
        initiative="retention",
        cut_us=cut_us,
        metrics=METRICS,
        ours=OURS,
        baseline=BASELINE,
        figures=figures,
        differences={
            name: {key: Figure(d.mean, d.low, d.high, d.n, corrected[name]) for key, d in found.items()}
            for name, found in differences.items()
        },
        groups=_groups(log, value[OURS]),
        apart={P_LEAVE: leaving},
        notes=[
            f"{len(log):,} decisions about {len(ids):,} accounts after {format_at(cut_us)}, weighed by the "
            f"propensities of the log; learned from {n_past:,} decisions whose end was known before.",
            f"Values count {trial.config.value_periods:g} periods of the price for an account that stays, "
            f"less the cost of the offer ({trial.config.currency}, doubly robust).",
        ],
        details=_details(trial, makers),
    )
    per_account = np.bincount(number, value[OURS]) / np.bincount(number)
    return Evaluated(evaluation, ids, per_account)


def _of_policy(trial: Trial, makers: Makers, name: str, value: Matrix) -> dict[str, Figure]:
    p, account = makers.p[name], trial.log.account
    budget = max(trial.config.budget_minor, 1e-9)
    found = {
        "net_minor": value,
        "net_minor_snips": trial.snips(p),
        "offered": 1.0 - p[:, 0],
        "budget_used": (p * makers.money.cost).sum(1) / budget,
    }
    if name in makers.scores:
        effect, score = trial.effect, makers.scores[name]
        offers = range(1, effect.shape[1])
        found["qini"] = 1000 * np.mean([qini(score[:, a], effect[:, a]) for a in offers], axis=0)
        found["auuc"] = 1000 * np.mean([auuc(score[:, a], effect[:, a]) for a in offers], axis=0)
    return {key: _figure(values, account) for key, values in found.items()}


def _of_leaving(trial: Trial, curve: KaplanMeier) -> dict[str, dict[str, Figure]]:
    """Error and calibration of the probability of leaving, beside two that know less."""
    log, config = trial.log, trial.config
    gone = log.stayed == 0
    said = {
        "this model": trial.model.p_leave(log.x),
        "Kaplan-Meier by tenure": curve.p_end(tenure_days(log.x), config.period_days),
        "one rate for all": np.full(len(log), trial.model.churn.base_),
    }
    return {
        name: {"brier": _figure(brier(p, gone), log.account), "calibration_error": _calibration(p, gone)}
        for name, p in said.items()
    }


def _calibration(p: Matrix, gone: NDArray[np.bool_]) -> Figure:
    """With a bootstrap interval, widened to hold the figure: resampling biases it upwards."""
    found = expected_calibration_error(p, gone, bins=BINS)
    again = [
        expected_calibration_error(p[rows], gone[rows], bins=BINS)
        for part in draw(len(p), DRAWS, 0)
        for rows in part
    ]
    low, high = np.quantile(again, [0.025, 0.975])
    return Figure(found, min(float(low), found), max(float(high), found), len(p))


def _groups(log: OfferLog, value: Matrix) -> dict[str, Figure]:
    out = {}
    for name in np.unique(log.territory):
        rows = log.territory == name
        out[f"territory={name or 'unknown'}"] = _figure(value[rows], log.account[rows])
    return out


def _details(trial: Trial, makers: Makers) -> dict[str, Any]:
    log, actions, p = trial.log, trial.config.actions, makers.p[OURS]
    effect = trial.effect
    found = reliability(trial.model.p_leave(log.x), log.stayed == 0, bins=BINS)
    return {
        "actions": {name: float(p[:, a].mean()) for a, name in enumerate(actions)},
        "offered_in_territory": {
            str(name): float(1 - p[log.territory == name, 0].mean()) for name in np.unique(log.territory)
        },
        "mean_effect_on_staying": {
            name: _figure(effect[:, a], log.account) for a, name in enumerate(actions) if a
        },
        "price_of_budget": makers.terms.price,
        "explore": makers.terms.explore,
        "baseline_offer": actions[makers.baseline_offer],
        "effective_sample_size": float(_weights(log, p).sum() ** 2 / (_weights(log, p) ** 2).sum()),
        "largest_weight": float(_weights(log, p).max()),
        "mean_weight": float(_weights(log, p).mean()),
        "left_out": dict(
            zip(("certain", "no offer of ours", "end not known"), log.left_out.tolist(), strict=True)
        ),
        "reliability": [
            {"said": s, "happened": h, "n": n}
            for s, h, n in zip(found.said.tolist(), found.happened.tolist(), found.n.tolist(), strict=True)
        ],
    }


def _weights(log: OfferLog, p: Matrix) -> Matrix:
    out: Matrix = p[np.arange(len(log)), log.action] / log.propensity
    return out


def _figure(values: Matrix, account: NDArray[np.int64]) -> Figure:
    e = bootstrap(values, member=account)
    return Figure(e.mean, min(e.low, e.mean), max(e.high, e.mean), e.n)
