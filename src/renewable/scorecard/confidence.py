"""How sure a share is, by the number of events behind it."""

import math

import numpy as np
import polars as pl

# Standard normal quantile of a two-sided interval of 95 %.
_Z = 1.959963984540054
_LEVEL = (0.025, 0.975)
_RESAMPLES = 400
_SEED = 20250101
Interval = tuple[float, float]


def wilson(successes: float, trials: float) -> Interval | None:
    """Wilson's score interval of 95 % of `successes` in `trials`; None without trials (Wilson, JASA 22, 1927)."""
    if trials <= 0:
        return None
    share = successes / trials
    centre = (share + _Z**2 / (2 * trials)) / (1 + _Z**2 / trials)
    half = _Z / (1 + _Z**2 / trials) * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_number(weights: pl.Series) -> float:
    """Of how many equal parts a sum is as sure as of these: Kish's (sum w)² / sum w²; 0 where all are 0."""
    squares = float((weights * weights).sum() or 0.0)
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def resampled_ratio(part: pl.Series, whole: pl.Series) -> Interval | None:
    """Interval of 95 % of sum(part) / sum(whole) by the bootstrap: whole rows are drawn anew, the same each time.

    A row is what comes together, such as an event of an asset with all its intervals. None where `whole` is zero
    throughout or where there is one row only.
    """
    known = (whole != 0) | (part != 0)
    parts, wholes = part.filter(known).to_numpy(), whole.filter(known).to_numpy()
    if len(wholes) < 2 or not wholes.any():
        return None
    draws = np.random.default_rng(_SEED).multinomial(
        len(wholes), np.full(len(wholes), 1 / len(wholes)), size=_RESAMPLES
    )
    below = draws @ wholes
    ratios = (draws @ parts)[below != 0] / below[below != 0]
    low, high = np.quantile(ratios, _LEVEL)
    return float(low), float(high)


def share_interval(part: pl.Series, whole: pl.Series) -> Interval | None:
    """As resampled_ratio, of shares of time; Wilson's with Kish's number of rows where all agree or there is one."""
    total = float(whole.sum())
    if total <= 0.0:
        return None
    drawn = resampled_ratio(part, whole)
    if drawn is not None and drawn[0] < drawn[1]:
        return drawn
    number = effective_number(whole)
    return wilson(float(part.sum()) / total * number, number)


def rate_interval(count: float) -> Interval:
    """Interval of 95 % of the expectation of a count (Wilson and Hilferty's approximation of Garwood's for Poisson)."""

    def bound(number: float, z: float) -> float:
        return float(number * max(0.0, 1 - 1 / (9 * number) + z / (3 * math.sqrt(number))) ** 3)

    return bound(count, -_Z) if count else 0.0, bound(count + 1, _Z)
