"""Counter-based noise.

Hashes of (seed, name, channel, counter) and smooth Gaussian series built on them. No physics here.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

# Weyl increment and multipliers of SplitMix64 (Steele, Lea, Flood 2014).
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_LOW_HALF = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class Octave:
    """One band of a series: knots every `minutes`, `share` of the variance."""

    minutes: int
    share: float


@lru_cache(maxsize=8192)
def text_key(*parts: object) -> int:
    """64 bits from any words; equal on every machine."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def name_keys(seed: int, names: list[str]) -> Keys:
    """One key a name, for all streams of that name under `seed`."""
    return np.array([text_key(seed, name) for name in names], dtype=np.uint64)


def channel_keys(keys: Keys, *channel: object) -> Keys:
    """The keys of one channel of each name."""
    return _mixed(keys ^ np.uint64(text_key(*channel)))


def hashed(keys: Keys, counter: Ints) -> Keys:
    """64 uniform bits for each key and counter, broadcast against each other."""
    return _mixed(keys + counter.astype(np.uint64) * _STEP)


def uniform(bits: Keys) -> Floats:
    """Uniform on [0, 1) from 64 bits."""
    return np.asarray((bits >> np.uint64(11)).astype(np.int64) * 2.0**-53)


def gaussian(bits: Keys) -> Floats:
    """Standard normal from 64 bits: Box-Muller on the two halves, bounded at 6.7."""
    radius, angle = _polar(bits)
    return np.asarray(radius * np.cos(angle))


def gaussian_pair(bits: Keys) -> tuple[Floats, Floats]:
    """Two independent standard normals from the same 64 bits."""
    radius, angle = _polar(bits)
    return radius * np.cos(angle), radius * np.sin(angle)


def spline_weights(position: Floats) -> tuple[Ints, tuple[Floats, Floats, Floats, Floats]]:
    """The first of four knots and the cubic B-spline weights at `position`, in knot spacings.

    Weights are scaled to unit sum of squares: independent standard normals at the knots then give a variance
    of exactly one at every position, not only at the knots.
    """
    first = np.floor(position)
    f = position - first
    g = 1.0 - f
    f2, g2 = f * f, g * g
    w0, w3 = g2 * g, f2 * f
    w1 = f2 * (3.0 * f - 6.0) + 4.0
    w2 = g2 * (3.0 * g - 6.0) + 4.0
    scale = 1.0 / np.sqrt(w0 * w0 + w1 * w1 + w2 * w2 + w3 * w3)
    return first.astype(np.int64), (w0 * scale, w1 * scale, w2 * scale, w3 * scale)


def local_series(keys: Keys, channel: str, octaves: tuple[Octave, ...], minutes: Floats) -> Floats:
    """Gaussian series of independent rows, shape (keys, times), at minutes since 1970.

    Variance is the sum of shares.
    """
    total = np.zeros((len(keys), len(minutes)))
    for octave in octaves:
        first, weights = spline_weights(minutes / octave.minutes)
        start, count = int(first.min()), int(first.max() - first.min()) + 4
        rows = channel_keys(keys, channel, octave.minutes)
        knots = gaussian(hashed(rows[:, None], np.arange(start, start + count)[None, :]))
        knots *= np.sqrt(octave.share)
        for i, weight in enumerate(weights):
            total += knots.take(first - (start - i), axis=1) * weight
    return total


def white_bits(keys: Keys, channel: str, minutes: Floats) -> Keys:
    """64 independent bits for each row and time, shape (keys, times)."""
    counter = (minutes * 2.0).astype(np.int64)
    return hashed(channel_keys(keys, channel)[:, None], counter[None, :])


def _polar(bits: Keys) -> tuple[Floats, Floats]:
    high = (bits >> np.uint64(32)).astype(np.int64)
    low = (bits & _LOW_HALF).astype(np.int64)
    radius: Floats = np.sqrt(-2.0 * np.log((high + 0.5) * 2.0**-32))
    return radius, np.asarray(low * (2.0 * np.pi * 2.0**-32), dtype=np.float64)


def _mixed(state: Keys) -> Keys:
    x = (state ^ (state >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return np.asarray(x ^ (x >> np.uint64(31)))
