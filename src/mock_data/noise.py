"""Counter-based noise: any value from (seed, asset, channel, time) alone, so days can be made in any order."""

import hashlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def stream_key(seed: int, *names: str) -> np.uint64:
    """A 64-bit key of one noise stream, the same on every machine."""
    digest = hashlib.blake2b("\x1f".join((str(seed), *names)).encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def uniform(key: np.uint64, counters: NDArray[np.int64]) -> Floats:
    """Uniform numbers in (0, 1), one a counter (SplitMix64 finalizer over key + counter)."""
    with np.errstate(over="ignore"):
        z = key + counters.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def smooth_noise(key: np.uint64, minutes: Floats, knot_minutes: float) -> Floats:
    """Continuous noise with mean 0 and variance 1 whose knots lie `knot_minutes` apart; `minutes` since the epoch."""
    position = minutes / knot_minutes
    knot = np.floor(position).astype(np.int64)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (position - knot))
    left, right = _bell(key, knot), _bell(key, knot + 1)
    blended: Floats = (1 - ramp) * left + ramp * right
    # Blending loses variance between the knots; dividing by the weights' norm gives it back.
    scaled: Floats = blended / np.hypot(1 - ramp, ramp)
    return scaled


def _bell(key: np.uint64, counters: NDArray[np.int64]) -> Floats:
    draws = [uniform(key ^ np.uint64(0xD1B54A32D192ED03 * (i + 1) % 2**64), counters) for i in range(4)]
    total: Floats = np.sum(draws, axis=0)
    bell: Floats = (total - 2.0) * np.sqrt(3.0)
    return bell


def octaves(key: np.uint64, minutes: Floats, shares: dict[float, float]) -> Floats:
    """Sum of smooth noises, `shares` maps knot spacing in minutes to its share of the variance (sum 1)."""
    total = np.zeros_like(minutes)
    for number, (knot_minutes, share) in enumerate(shares.items()):
        salted = key ^ np.uint64((number + 1) * 0xA24BAED4963EE407 % 2**64)
        total += np.sqrt(share) * smooth_noise(salted, minutes, knot_minutes)
    return total
