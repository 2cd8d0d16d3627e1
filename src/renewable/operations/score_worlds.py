"""Simulates fleets in worlds, runs the whole chain on each and compares, in directories that are thrown away."""

import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl

from loaders.dlt_pipeline import ingest
from mock_data.events import check_profile
from mock_data.fleet_maker import make_fleet, write_fleet
from mock_data.generate import generate
from mock_data.worlds import check_world
from renewable.errors import UsageError
from renewable.fleet import INTERVALS_MINUTES, load_fleet
from renewable.scorecard.combine import LineScore, line_scores
from renewable.scorecard.judge import Judged, all_of, judge
from renewable.scorecard.key_files import world_of
from renewable.scorecard.lines import lines
from renewable.scorecard.warehouse_frames import read_frames
from renewable.scorecard.world_card import WorldCard, WorldPlan, run_seed
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.windows import Window

# What a run costs on two quiet cores: by itself, and for each million rows.
_SECONDS_A_RUN = 8.0
_SECONDS_A_MILLION_ROWS = 50.0
Report = Callable[[str], None]
LineScores = tuple[LineScore, ...]


def check_plan(plan: WorldPlan) -> None:
    """Raises UsageError for a plan that cannot be run."""
    for world in plan.worlds:
        check_world(world)
    check_profile(plan.events)
    wrong = [step for step in plan.steps_minutes if step not in INTERVALS_MINUTES]
    if wrong:
        raise UsageError(
            f"--steps {', '.join(map(str, wrong))}: intervals are of {', '.join(map(str, INTERVALS_MINUTES))} minutes"
        )
    for name, numbers in (("worlds", plan.worlds), ("seeds", plan.seeds), ("steps", plan.steps_minutes)):
        if not numbers:
            raise UsageError(f"--{name} names none")
        if len(set(numbers)) < len(numbers):
            raise UsageError(f"--{name} names one twice, whose events would count twice; name each once")
    if plan.wind + plan.solar == 0:
        raise UsageError("--wind and --solar are both 0: there is nothing to simulate")


def likely_seconds(plan: WorldPlan) -> float:
    """About how long it takes, in seconds on two quiet cores."""
    rows = sum((plan.wind + plan.solar) * plan.days * 1440 / step for _, _, step in plan.runs)
    return len(plan.runs) * _SECONDS_A_RUN + rows / 1e6 * _SECONDS_A_MILLION_ROWS


def score_own(
    settings: Settings, window: Window | None = None, *, report: Report | None = None
) -> LineScores:
    """The same scores of the days of `window` (default: all) of the own simulated fleet, which has to be built."""
    return line_scores(world_of(settings), _judged(settings, window, report), lines())


def score_worlds(plan: WorldPlan, settings: Settings, *, report: Report | None = None) -> WorldCard:
    """Run all of `plan`; of `settings` only what speaks of the machine counts, nothing of its fleet is read or written.

    Raises UsageError for a plan that cannot be run.
    """
    check_plan(plan)
    say = report or (lambda _: None)
    say(f"{len(plan.runs)} runs: {plan.sentence}; about {_told(likely_seconds(plan))} on two quiet cores")
    began = time.monotonic()
    found: list[Judged] = []
    for number, (world, seed, step) in enumerate(plan.runs, start=1):
        found.append(_run(plan, settings, world, run_seed(seed, step), step).marked(world, step))
        left = (time.monotonic() - began) / number * (len(plan.runs) - number)
        say(f"{number}/{len(plan.runs)} {world}, seed {seed}, {step} minutes; about {_told(left)} left")
    return combined(plan, all_of(found))


def combined(plan: WorldPlan, judged: Judged) -> WorldCard:
    """Scores of all runs, which are marked by world and step."""
    compared = lines()

    def scores_of(world: str, steps: Sequence[int]) -> LineScores:
        chosen = (pl.col("world") == world) & pl.col("step").is_in(steps)
        of_runs = [frame.filter(chosen) for frame in (judged.blocks, judged.dirt, judged.exposure)]
        return line_scores(world, Judged(*of_runs), compared)

    scores = [score for world in plan.worlds for score in scores_of(world, plan.steps_minutes)]
    by_step = [
        (step, score)
        for world in plan.worlds
        for step in plan.steps_minutes
        for score in scores_of(world, [step])
    ]
    return WorldCard(plan, tuple(scores), tuple(by_step))


def _run(plan: WorldPlan, settings: Settings, world: str, seed: int, step: int) -> Judged:
    with tempfile.TemporaryDirectory(prefix="renewable-score-") as directory:
        fleet_dir = Path(directory) / "fleet"
        write_fleet(make_fleet(plan.wind, plan.solar, seed, step), fleet_dir)
        own = settings.model_copy(
            update={
                "data_dir": Path(directory) / "data",
                "fleet_dir": fleet_dir,
                "warehouse": None,
                "input": "simulator",
                "mapping": None,
                "first_day": None,
                "world": world,
                "seed": seed,
                "events": plan.events,
            }
        )
        window = Window(plan.first_day, plan.first_day + timedelta(days=plan.days))
        generate(
            load_fleet(fleet_dir),
            window,
            data_dir=own.data_dir,
            seed=seed,
            profile=plan.events,
            world=world,
        )
        ingest(own)
        transform(own)
        return _judged(own, None, None)


def _judged(settings: Settings, window: Window | None, report: Report | None) -> Judged:
    return all_of(judge(frames, lines()) for frames in read_frames(settings, window, report=report))


def _told(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
