"""How long something takes: here, or in a process of its own with its memory."""

import multiprocessing
import resource
import time
from collections.abc import Callable

from renewable.settings import Settings


def timed(run: Callable[[], object]) -> float:
    """Seconds of `run`."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def in_child(run: Callable[[Settings], object], settings: Settings) -> tuple[float, float]:
    """(seconds of `run`, peak resident MiB) in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (run, settings))


def _measured(run: Callable[[Settings], object], settings: Settings) -> tuple[float, float]:
    return timed(lambda: run(settings)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
