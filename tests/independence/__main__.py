"""Do the detections know the simulator? Each constant of a world x 1.5, one at a time: does an F1 move?

A detection that shares no number with the simulator finds as much in the changed world as before. An F1 may move by
.05, where there are 200 events of the kind. What moves more is listed with a physical reason in moves.csv beside this
file; a move that is not listed, and one that is listed and no longer seen, end the run with an error. A constant costs
a whole chain over half a year of 40 assets: all of them take hours (--part and --constant choose some).
"""

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from loaders.dlt_pipeline import ingest
from mock_data.fleet_maker import make_fleet, write_fleet
from mock_data.generate import generate
from mock_data.worlds import scalable
from renewable.fleet import load_fleet
from renewable.scorecard.score import Scorecard, score
from renewable.scorecard.spans import true_soiling
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.warehouse import exclusive_connection
from renewable.windows import Window

FACTOR = 1.5
LARGEST_MOVE = 0.05
# With fewer true events, before or after, a move says little.
ENOUGH_EVENTS = 200
# An asset-day is dirty when dirt takes more than this share of its light.
DIRTY = 0.02
MOVES = Path(__file__).with_name("moves.csv")
# A half year with a winter: ice is looked for on one side of it, dirt on the other.
FLEET = (20, 20, 1, 15)
WINDOW = Window(date(2024, 10, 1), date(2025, 4, 1))
SEED = 77


@dataclass(frozen=True)
class Found:
    """How well a kind was found: F1 of its intervals, None where nothing is there to find, and its true events."""

    f1: float | None
    events: int


@dataclass(frozen=True)
class Move:
    """What one constant does to one kind."""

    constant: str
    kind: str
    before: Found
    after: Found

    @property
    def size(self) -> float | None:
        """F1 after less F1 before; None where either is not known or rests on too few events."""
        if self.before.f1 is None or self.after.f1 is None:
            return None
        if min(self.before.events, self.after.events) < ENOUGH_EVENTS:
            return None
        return self.after.f1 - self.before.f1

    @property
    def is_large(self) -> bool:
        """Whether it is more than independence allows."""
        return self.size is not None and abs(self.size) > LARGEST_MOVE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the constants that are asked for; 0 when each large move is listed."""
    parser = argparse.ArgumentParser(prog="python -m tests.independence", description=__doc__)
    parser.add_argument("--world", default="field", choices=("field", "rough"))
    parser.add_argument("--constant", action="append", help="this constant only; may be given several times")
    parser.add_argument("--part", type=int, default=1, help="every n-th constant only")
    parser.add_argument("--seed", type=int, default=0, help="which n-th")
    asked = parser.parse_args(arguments)
    names = asked.constant or [
        name for at, name in enumerate(scalable()) if at % asked.part == asked.seed % asked.part
    ]
    unknown = sorted(set(names) - set(scalable()))
    if unknown:
        print(f"worlds.toml has no constant {', '.join(unknown)}", file=sys.stderr)
        return 2
    before = _measured(asked.world, {})
    print("F1 and true events:", ", ".join(f"{kind} {told(was)}" for kind, was in before.items()), flush=True)
    moves: list[Move] = []
    for name in names:
        began = time.monotonic()
        after = _measured(asked.world, {name: FACTOR})
        new = moves_of(name, before, after)
        print(line(name, new, time.monotonic() - began), flush=True)
        moves += new
    listed = {
        (constant, kind): reason
        for (world, constant, kind), reason in read_moves(MOVES.read_text("utf-8")).items()
        if world == asked.world and constant in names
    }
    faults = judge(moves, listed)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def found(card: Scorecard) -> dict[str, Found]:
    """F1 and true events by kind that has intervals of its own."""
    return {
        kind.kind: Found(f1(kind.precision, kind.recall), kind.true_events)
        for kind in card.kinds
        if kind.true_intervals or kind.found_intervals
    }


def found_dirt(true: pl.DataFrame, daily: pl.DataFrame) -> Found:
    """Dirt has no intervals of its own: its F1 is that of asset-days that lose more than DIRTY.

    Both frames have asset_id, date_local and soiling_ratio; a ratio that is not known tells no dirt.
    """
    both = true.join(daily, on=["asset_id", "date_local"], suffix="_found").select(
        (pl.col("soiling_ratio") < 1.0 - DIRTY).alias("true"),
        (pl.col("soiling_ratio_found") < 1.0 - DIRTY).fill_null(False).alias("found"),
    )
    is_true, is_found = int(both["true"].sum()), int(both["found"].sum())
    agreeing = int((both["true"] & both["found"]).sum())
    precision = agreeing / is_found if is_found else None
    return Found(f1(precision, agreeing / is_true if is_true else None), is_true)


def f1(precision: float | None, recall: float | None) -> float | None:
    """The harmonic mean of precision and recall; 0 where nothing was found or nothing of it was true."""
    if recall is None:
        return None
    if not precision or not recall:
        return 0.0
    return 2.0 * precision * recall / (precision + recall)


def moves_of(constant: str, before: Mapping[str, Found], after: Mapping[str, Found]) -> list[Move]:
    """A move a kind that was there before and after."""
    return [Move(constant, kind, was, after[kind]) for kind, was in before.items() if kind in after]


def judge(moves: Sequence[Move], listed: Mapping[tuple[str, str], str]) -> list[str]:
    """What is wrong: large moves that are not listed, listed ones without a reason or that are large no more."""
    large = {(move.constant, move.kind): move for move in moves if move.is_large}
    faults = [
        f"{move.kind} moves by {move.size:+.3f} with {move.constant}: a number that the detection shares?"
        for key, move in large.items()
        if key not in listed
    ]
    for (constant, kind), reason in listed.items():
        if not reason:
            faults.append(f"{MOVES.name} gives no reason for {constant}, {kind}")
        if (constant, kind) not in large:
            faults.append(f"{MOVES.name} lists {constant}, {kind}, which does not move any more")
    return faults


def read_moves(text: str) -> dict[tuple[str, str, str], str]:
    """Reasons by world, constant and kind."""
    rows = csv.DictReader(text.splitlines())
    return {(row["world"], row["constant"], row["kind"]): row["reason"].strip() for row in rows}


def line(constant: str, moves: Sequence[Move], seconds: float) -> str:
    """The moves of one constant in a line; kinds with too few events are left out."""
    told = ", ".join(f"{move.kind} {move.size:+.3f}" for move in moves if move.size is not None)
    return f"{constant:<34} {seconds:4.0f} s  {told or 'too few events'}"


def told(was: Found) -> str:
    """F1 and events, for people."""
    return f"{'unknown' if was.f1 is None else format(was.f1, '.3f')} of {was.events}"


def _measured(world: str, scale: Mapping[str, float]) -> dict[str, Found]:
    """The whole chain in a directory that is thrown away."""
    with tempfile.TemporaryDirectory() as directory:
        fleet_dir = Path(directory) / "fleet"
        write_fleet(make_fleet(*FLEET), fleet_dir)
        settings = Settings(data_dir=Path(directory) / "data", fleet_dir=fleet_dir)
        generate(
            load_fleet(fleet_dir),
            WINDOW,
            data_dir=settings.data_dir,
            seed=SEED,
            profile="harsh",
            world=world,
            scale=scale,
        )
        ingest(settings)
        transform(settings)
        measured = found(score(settings))
        true = true_soiling(settings, load_fleet(fleet_dir).assets.select("asset_id", "timezone"))
        with exclusive_connection(settings.warehouse_path, settings.lock_wait_s) as connection:
            daily = connection.sql(
                "select asset_id, date_local, soiling_ratio from marts.mart_asset_daily"
            ).pl()
    return measured | {"soiling": found_dirt(true, daily)}


if __name__ == "__main__":
    sys.exit(main())
