"""The difference of a mean or a ratio between two arms, adjusted for what the units did before."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from matinee.errors import InputError
from matinee.prove.stats.moments import Moments


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A difference between two arms with what is needed for any interval or test of it.

    Attributes
    ----------
    value : float
        Treated minus control; if `relative`, divided by control (0.05: five percent more).
    error : float, 0 or more
        Standard error of `value`.
    base : float
        Control's value (adjusted as the difference is).
    treated : float
        Treated arm's value.
    n_treated, n_control : int
        Units.
    degrees : float
        Welch's degrees of freedom.
    reduction : float
        Share of the difference's variance that the adjustment removed; 0 without one.
    relative : bool
    bend, tilt : float
        How the error grows with the assumed lift, see `interval`; 0 if not relative.
    """

    value: float
    error: float
    base: float
    treated: float
    n_treated: int
    n_control: int
    degrees: float
    reduction: float = 0.0
    relative: bool = False
    bend: float = 0.0
    tilt: float = 0.0

    def z_against(self, value: float = 0.0) -> float:
        """Distance from an assumed true value, in standard errors if that were true.

        For a relative difference this is the test of the linear hypothesis treated = (1 + value) * control,
        so against 0 it is the same as for the absolute difference.
        """
        apart = self.value - value
        variance = self.error**2 - 2 * apart * self.tilt + apart**2 * self.bend
        if variance <= 0:
            return 0.0 if apart == 0 else math.copysign(math.inf, apart)
        return apart / math.sqrt(variance)

    @property
    def z(self) -> float:
        """`z_against(0)`."""
        return self.z_against(0.0)

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference at a single look, by Student's t with Welch's degrees."""
        return float(2 * student.sf(abs(self.z), self.degrees))

    def multiplier(self, alpha: float = 0.05) -> float:
        """Standard errors on each side of an interval at a single look, by Student's t."""
        if not 0 < alpha < 1:
            raise InputError(f"Estimate: alpha is {alpha}, expected between 0 and 1. Give 0.05.")
        return float(student.isf(alpha / 2, self.degrees))

    def interval(self, multiplier: float) -> tuple[float, float]:
        """All true values that lie within `multiplier` standard errors of what was seen.

        Parameters
        ----------
        multiplier : float, above 0
            `self.multiplier(alpha)` for a single look; the bound of a look in a spending plan; or the
            multiplier of a confidence sequence. An interval contains 0 exactly when |z| is at most that.

        Returns
        -------
        low, high : float
            Both infinite when a relative difference cannot be bounded, because the control's value itself is
            not further than that from 0.

        Notes
        -----
        Relative: Fieller's interval, the lifts r for which treated - (1 + r) control is not further than
        `multiplier` standard errors from 0. For each fixed r that is a difference of means, so whatever the
        multiplier guarantees for means (also over many looks) holds for the lift. The interval of the
        logarithm of the ratio is nearly the same, but it can say "above 0" while the test of the difference
        does not, and it does not exist when an arm's value is not positive, as money can be.

        References
        ----------
        Fieller (1954), Some problems in interval estimation, JRSS B 16(2), 175.
        """
        if not multiplier > 0:
            raise InputError(f"Estimate: multiplier is {multiplier}, expected above 0.")
        if math.isinf(multiplier):
            return -math.inf, math.inf
        square = multiplier**2
        rest = 1 - square * self.bend
        if rest <= 0:
            return -math.inf, math.inf
        half = multiplier * math.sqrt(square * self.tilt**2 + self.error**2 * rest)
        return self.value + (square * self.tilt - half) / rest, self.value + (
            square * self.tilt + half
        ) / rest


def cuped_theta(*arms: Moments) -> float:
    """How much of a difference in the covariate is taken off the outcome: pooled over arms.

    Returns
    -------
    float
        0 when the covariate does not vary, or an arm has none of it.

    Notes
    -----
    The sum over arms of cov(y, x) / n divided by that of var(x) / n, where y and x are linearised for ratios:
    of all values it makes the estimated variance of the difference least, so an adjustment never costs
    precision. With arms of equal size it is the slope of the analysis of covariance. Being a function of all
    arms at once, it cannot prefer one.

    References
    ----------
    Deng, Xu, Kohavi, Walker (2013), Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data, WSDM, doi:10.1145/2433396.2433413, equation 4. Linearised values: Budylin, Drutsa,
    Katsev, Tsoy (2018), Consistent transformation of ratio metrics, WSDM, doi:10.1145/3159652.3159699.
    """
    if not all(arm.c for arm in arms):  # a ratio of nothing: there is no difference to take off
        return 0.0
    (_, shared), (_, spread) = np.sum([linearised(arm)[1] / arm.n for arm in arms], axis=0)
    return float(shared / spread) if spread > 0 else 0.0


def linearised(arm: Moments) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Value of the outcome and of the covariate, shape (2,), and the covariance between units, shape (2, 2).

    For a ratio the covariance is that of (y - R d) / mean(d), which behaves as a mean does.

    Raises
    ------
    InputError
        Denominators sum to 0, or fewer than two units.
    """
    _, d, _, c = arm.means
    if d == 0:
        raise InputError(
            f"difference: the denominators of {arm.n} units sum to 0, expected another sum. "
            "Nothing of what the ratio counts has happened in this arm."
        )
    ratio = arm.y / arm.d
    before = arm.x / arm.c if c else 0.0
    gradient = np.zeros((2, 4))
    gradient[0, :2] = 1 / d, -ratio / d
    if c:
        gradient[1, 2:] = 1 / c, -before / c
    covariance = gradient @ arm.covariance @ gradient.T
    return np.array([ratio, before]), covariance


def difference(
    treated: Moments,
    control: Moments,
    *,
    adjust: bool = True,
    relative: bool = False,
    theta: float | None = None,
) -> Estimate:
    """Treated minus control, for a mean or a ratio of sums, by the delta method.

    Parameters
    ----------
    adjust : bool, default True
        Use the covariate (CUPED). Without one in the moments nothing changes.
    relative : bool, default False
        As a share of control.
    theta : float, optional
        Instead of `cuped_theta(treated, control)`: of all arms of an experiment, or fixed in advance.

    Raises
    ------
    InputError
        An arm has fewer than two units, its denominators sum to 0, or control is 0 and `relative` is wanted.

    Notes
    -----
    A ratio sum(y) / sum(d) behaves as the mean of (y - R d) / mean(d), and so does the covariate's. The
    adjusted difference is (R_t - R_c) - theta (Q_t - Q_c), where Q is the covariate's mean or ratio; each
    arm's own adjusted value moves towards the common Q, weighted by units. All variances, and the covariance
    of difference and control which the relative difference needs, follow from these linear forms.

    References
    ----------
    Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics, KDD,
    doi:10.1145/3219819.3219919.

    Examples
    --------
    >>> seen = difference(Moments.of([3.0, 5.0, 4.0, 8.0]), Moments.of([1.0, 2.0, 3.0, 2.0]))
    >>> seen.value, round(seen.error, 4), seen.base
    (3.0, 1.1547, 2.0)
    """
    points, shares = [], []
    for arm in (treated, control):
        point, covariance = linearised(arm)
        points.append(point)
        shares.append(covariance / arm.n)
    used = 0.0
    if adjust:
        used = cuped_theta(treated, control) if theta is None else theta
    weight = treated.n / (treated.n + control.n)
    before = points[0][1] - points[1][1]
    # What each arm's (y, x) adds to the difference, and to control's value.
    to_difference = (np.array([1.0, -used]), np.array([-1.0, used]))
    to_base = (np.array([0.0, used * weight]), np.array([1.0, -used * weight]))
    value = float(points[0][0] - points[1][0] - used * before)
    base = float(points[1][0] + used * weight * before)
    variance = _joint(to_difference, shares, to_difference)
    parts = [float(a @ share @ a) for a, share in zip(to_difference, shares, strict=True)]
    plain = float(shares[0][0, 0] + shares[1][0, 0])
    found = Estimate(
        value=value,
        error=math.sqrt(max(variance, 0.0)),
        base=base,
        treated=base + value,
        n_treated=treated.n,
        n_control=control.n,
        degrees=_degrees(parts, (treated.n, control.n)),
        reduction=1 - variance / plain if used and plain > 0 else 0.0,
    )
    if not relative:
        return found
    return _relative(found, _joint(to_base, shares, to_base), _joint(to_difference, shares, to_base))


def _relative(found: Estimate, base_variance: float, shared: float) -> Estimate:
    """The same as a share of control; `shared` is the covariance of difference and control."""
    if found.base == 0:
        raise InputError(
            "difference: control's value is 0, expected another one for a relative difference. "
            "Read the absolute one."
        )
    lift = found.value / found.base
    bend = base_variance / found.base**2
    tilt = lift * bend - shared / found.base**2
    variance = (found.error / found.base) ** 2 - 2 * lift * shared / found.base**2 + lift**2 * bend
    return msgspec.structs.replace(
        found, value=lift, error=math.sqrt(max(variance, 0.0)), relative=True, bend=bend, tilt=tilt
    )


def _joint(
    a: tuple[NDArray[np.float64], ...],
    shares: list[NDArray[np.float64]],
    b: tuple[NDArray[np.float64], ...],
) -> float:
    """Covariance of two linear forms of both arms' means."""
    return float(sum(left @ share @ right for left, share, right in zip(a, shares, b, strict=True)))


def _degrees(parts: list[float], n: tuple[int, int]) -> float:
    """Welch and Satterthwaite's degrees of freedom of a sum of two variances of means."""
    below = sum(part * part / (size - 1) for part, size in zip(parts, n, strict=True))
    return sum(parts) ** 2 / below if below > 0 else float(n[0] + n[1] - 2)
