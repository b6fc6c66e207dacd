"""Contract suite for policies that learn: subclass it for your own, and pytest checks what it promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from matinee.decide.batch import Batch
from matinee.decide.learning import LearningPolicy
from matinee.decide.question import Question
from matinee.errors import InputError, NotFoundError
from matinee.testing.bandits import Bandit
from matinee.testing.scorers import PICKLES
from matinee.types import Mask, stream


class LearningPolicyContract(ABC):
    """What every `LearningPolicy` promises, as tests.

    Attributes
    ----------
    draws : int
        Draws of the frequency test.
    tolerance : float
        By how much probabilities may differ after learning in portions instead of at once.
    turns : int
        Decisions after which the best of the actions has to be known.
    finds : float
        Least mean probability of the best action (0.6 against 0.2) over the last quarter of the turns.

    Examples
    --------
    In a test file of your own::

        class TestMyPolicy(LearningPolicyContract):
            def learning_policy(self) -> MyPolicy:
                return MyPolicy(ArmsBelief(Space(("a", "b", "c"), context=("tv",))))
    """

    draws: int = 500
    tolerance: float = 1e-6
    turns: int = 600
    finds: float = 0.6

    @abstractmethod
    def learning_policy(self) -> LearningPolicy:
        """Give a new policy that has learned nothing; at least three actions, or any."""

    def bandit(self) -> Bandit:
        """What it is tried on."""
        return Bandit(self.learning_policy().space)

    def taught(self, n: int = 80) -> LearningPolicy:
        """A policy that learned from n decisions."""
        policy = self.learning_policy()
        policy.update(self.bandit().batch(n))
        return policy

    def masks(self) -> Iterator[Mask]:
        """What may be permitted: all, most, some, one."""
        n = len(self.bandit().names)
        for keep in (range(n), range(1, n), (0, 2), (2,)):
            permitted = np.zeros(n, np.bool_)
            permitted[list(keep)] = True
            yield permitted

    def cases(self) -> Iterator[tuple[LearningPolicy, Question]]:
        """Policies that learned nothing, little and more, with several questions."""
        for policy in (self.learning_policy(), self.taught(3), self.taught()):
            for turn, permitted in enumerate(self.masks()):
                yield policy, self.bandit().question(10_000 + turn, permitted)

    def test_probabilities_sum_to_one_and_are_zero_where_not_permitted(self) -> None:
        for policy, asked in self.cases():
            p = policy.probabilities(asked)
            assert p.shape == asked.permitted.shape, f"shape is {p.shape}, expected {asked.permitted.shape}"
            assert p.dtype == np.float64, f"dtype is {p.dtype}, expected float64"
            assert np.isfinite(p).all(), f"probabilities are {p}, expected finite numbers"
            assert (p >= 0).all(), f"probabilities are {p}, expected 0 or more"
            assert abs(p.sum() - 1.0) < 1e-9, f"probabilities sum to {p.sum()}, expected 1"
            assert (p[~policy.eligible(asked)] == 0).all(), "an action that is not eligible has a probability"
            assert not (policy.eligible(asked) & ~asked.permitted).any(), "what is forbidden is eligible"

    def test_many_questions_are_answered_as_each_by_itself(self) -> None:
        policy = self.taught()
        asked = [self.bandit().question(10_000 + i, mask) for i, mask in enumerate(self.masks())]
        together = policy.probabilities_many(asked)
        for one, p in zip(asked, together, strict=True):
            assert np.allclose(policy.probabilities(one), p, atol=1e-9), "company changed an answer"
        assert policy.probabilities_many([]) == [], "no questions, expected no answers"

    def test_the_propensity_is_the_probability_of_the_action(self) -> None:
        for policy, asked in self.cases():
            p = policy.probabilities(asked)
            choice = policy.choose(asked, stream(0, asked.unit_id))
            assert asked.permitted[choice.action], f"action {choice.action} is not permitted"
            assert choice.propensity == p[choice.action], (
                f"propensity is {choice.propensity}, expected {p[choice.action]}"
            )

    def test_actions_come_as_often_as_the_probabilities_say(self) -> None:
        policy, asked, rng = self.taught(12), self.bandit().question(10_000), stream(1, "draws")
        p = policy.probabilities(asked)
        counts = np.bincount([policy.choose(asked, rng).action for _ in range(self.draws)], minlength=len(p))
        expected = p * self.draws
        assert (counts[p == 0] == 0).all(), "an action without a chance was chosen"
        often = expected >= 5
        chi2 = float((((counts - expected)[often]) ** 2 / expected[often]).sum())
        few = int(often.sum()) - 1
        assert chi2 <= few + 5.0 * np.sqrt(2.0 * max(few, 1)) + 10.0, (
            f"counts are {counts}, expected about {expected.round(1)}"
        )

    def test_the_same_stream_the_same_choice_in_any_order_of_units(self) -> None:
        policy = self.taught()
        turns = list(range(10_000, 10_012))

        def chosen(order: list[int]) -> dict[int, object]:
            asked = {turn: self.bandit().question(turn) for turn in order}
            return {t: policy.choose(q, stream(5, q.unit_id, q.at_us)) for t, q in asked.items()}

        assert chosen(turns) == chosen(turns[::-1]), "a choice depends on who was served before"

    def test_the_only_permitted_action_is_taken_without_a_draw(self) -> None:
        rng = stream(3)
        state = rng.bit_generator.state
        permitted = np.zeros(len(self.bandit().names), np.bool_)
        permitted[1] = True
        choice = self.taught().choose(self.bandit().question(10_000, permitted), rng)
        assert (choice.action, choice.propensity) == (1, 1.0), f"{choice}, expected action 1 for certain"
        assert rng.bit_generator.state == state, "a certain choice used up randomness"

    def test_asking_changes_nothing(self, tmp_path: Path) -> None:
        policy = self.taught()
        policy.save(tmp_path / "before")
        first = [p.copy() for p in self._answers(policy)]
        for turn in range(20):
            policy.choose(self.bandit().question(10_000 + turn), stream(turn))
        assert _same(first, self._answers(policy)), "asking changed the answers"
        policy.save(tmp_path / "after")
        assert _bytes(tmp_path / "before") == _bytes(tmp_path / "after"), "asking changed what is saved"

    def test_saved_and_loaded_it_answers_and_learns_the_same(self, tmp_path: Path) -> None:
        policy, other = self.taught(), self.learning_policy()
        policy.save(tmp_path / "policy")
        assert not [f for f in (tmp_path / "policy").rglob("*") if f.suffix in PICKLES], (
            "a pickle was written"
        )
        other.load(tmp_path / "policy")
        assert _same(self._answers(policy), self._answers(other)), "loading changed the answers"
        assert other.n_seen == policy.n_seen, f"n_seen is {other.n_seen}, expected {policy.n_seen}"
        more = self.bandit().batch(30, first=500)
        policy.update(more)
        other.update(more)
        assert _same(self._answers(policy), self._answers(other)), "it goes on learning in another way"

    def test_a_missing_or_foreign_file_is_refused_and_changes_nothing(self, tmp_path: Path) -> None:
        policy = self.taught()
        before = self._answers(policy)
        _refused(lambda: policy.load(tmp_path / "none"), "none", NotFoundError)
        policy.save(tmp_path / "policy")
        text = (tmp_path / "policy" / "config.json").read_text(encoding="utf-8")
        foreign = text.replace('"kind": "', '"kind": "other ')
        (tmp_path / "policy" / "config.json").write_text(foreign, encoding="utf-8")
        _refused(lambda: policy.load(tmp_path / "policy"), "kind")
        assert _same(before, self._answers(policy)), "a refused file changed the policy"

    def test_learning_in_portions_is_learning_at_once_and_refitting(self) -> None:
        whole = self.bandit().batch(90)
        at_once, portions, again = self.learning_policy(), self.learning_policy(), self.taught(13)
        at_once.update(whole)
        for part in (slice(0, 7), slice(7, 8), slice(8, 60), slice(60, 60), slice(60, 90)):
            portions.update(whole.rows(part))
        again.refit(whole)
        seen = [at_once.n_seen, portions.n_seen, again.n_seen]
        assert seen == [90] * 3, f"n_seen is {seen} after 90 decisions at once, in portions, refitted"
        for other in (portions, again):
            for p, q in zip(self._answers(at_once), self._answers(other), strict=True):
                assert np.abs(p - q).max() <= self.tolerance, f"{q}, expected {p} as learned at once"

    def test_it_learns_the_best_action(self) -> None:
        given = self.bandit().play(self.learning_policy(), self.turns)
        found = float(given[-self.turns // 4 :].mean())
        assert found >= self.finds, f"the best action has {found:.2f} in the end, expected {self.finds}"

    def test_bad_batches_are_named_refused_and_change_nothing(self) -> None:
        policy, good = self.taught(), self.bandit().batch(4, first=900)
        before, n_seen = self._answers(policy), policy.n_seen
        wide = np.zeros((4, good.context.shape[1] + 1))
        bad: list[tuple[str, Callable[[], Batch]]] = [
            ("propensity is 0", lambda: replace(good, propensity=np.array([0.5, 0.0, 0.5, 0.5]))),
            ("propensity is 1.5", lambda: replace(good, propensity=np.array([0.5, 1.5, 0.5, 0.5]))),
            ("propensity is nan", lambda: replace(good, propensity=np.array([0.5, np.nan, 0.5, 0.5]))),
            ("reward is nan", lambda: replace(good, reward=np.array([0, 0, np.nan, 0]))),
            ("reward_at_us is", lambda: replace(good, reward_at_us=good.at_us - 1)),
            ("an action of its eligible set", lambda: replace(good, eligible=[("x",)] * 4)),
            (f"expected {good.context.shape[1]}", lambda: replace(good, context=wide)),
        ]
        for words, make in bad:
            _refused(lambda make=make: policy.update(make()), words)  # type: ignore[misc]
        if policy.space.actions is not None:
            unknown = replace(good, names=("nobody", *good.names[1:]))
            _refused(lambda: policy.update(unknown), '"nobody"')
        _refused(lambda: policy.refit(good.rows(slice(0, 0))), "0 decisions")
        assert policy.n_seen == n_seen, f"n_seen is {policy.n_seen}, expected {n_seen}"
        assert _same(before, self._answers(policy)), "a refused batch changed the policy"

    def test_bad_questions_are_named_and_refused(self) -> None:
        policy, good = self.taught(), self.bandit().question(10_000)
        n = len(good.names)
        _refused(lambda: policy.probabilities(good.within(np.zeros(n, np.bool_))), "permitted")
        longer = np.zeros(len(good.context) + 1)
        _refused(lambda: policy.probabilities(replace(good, context=longer)), "context has")
        missing = np.full(len(good.context) + 1, np.nan)
        _refused(lambda: policy.probabilities(replace(good, context=missing)), "nan")
        wide = np.zeros((n, good.features.shape[1] + 1))
        _refused(lambda: policy.probabilities(replace(good, features=wide)), "features has")
        if policy.space.actions is not None:
            named = replace(good, names=("nobody", *good.names[1:]))
            _refused(lambda: policy.probabilities(named), '"nobody"')

    def _answers(self, policy: LearningPolicy) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
        asked = [self.bandit().question(10_000 + i, mask) for i, mask in enumerate(self.masks())]
        return policy.probabilities_many(asked)


def _same(first: list[np.ndarray[tuple[int], np.dtype[np.float64]]], second: object) -> bool:
    return all(np.array_equal(p, q) for p, q in zip(first, second, strict=True))  # type: ignore[call-overload]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def _refused(ask: Callable[[], object], words: str, kind: type[Exception] = InputError) -> None:
    """Refused, in words that say why."""
    said = "nothing: it was accepted"
    try:
        ask()
    except kind as error:
        said = str(error)
    assert words in said, f'refused with "{said}", expected a {kind.__name__} that says "{words}"'
