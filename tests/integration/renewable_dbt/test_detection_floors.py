"""Detections on two simulated winter months stay as good as they are: one switched off, or spoilt, shows here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet, load_fleet
from renewable.places import CHECKOUT as REPO
from renewable.scorecard.score import Scorecard, score
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.windows import Window

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Floor:
    """Least precision and recall of a kind's intervals; most error of its lost energy, found less true by the true."""

    precision: float
    recall: float
    energy_error: float


@dataclass(frozen=True)
class SoilingFloor:
    """Most mean error of a day's soiling ratio, and of the energy that dirt took, where they are told.

    `unknown_share`: most of the days on which dirt takes more than 1 % that may be left without a ratio. A fleet's
    first month has hardly any: nobody has seen a wash yet, and the energy of ten days says nothing (None).
    """

    ratio_error: float
    energy_error: float | None
    unknown_share: float


# Their controllers report nothing: what happens to these has to be seen by power and weather alone.
SILENT_SITES = ("prairie-ridge", "masseria-sole")
# Each seed plays a month of the same fleet; one after the other, so that one build makes both.
MONTHS = {42: Window(date(2024, 12, 5), date(2025, 1, 4)), 52: Window(date(2025, 1, 4), date(2025, 2, 3))}
# What was measured, less 0.02 to 0.04, or more where it is an error. The simulator gives the same bits each time: only
# a change of the models or of the simulator moves it. The seeds were chosen by the answer key alone, for months
# in which each kind happens often. Where few events make a poor share, as with derating under seed 52, the floor says
# what is, not what is hoped for: the goals are those of the scorecard. A change that makes one kind worse for the
# sake of others lowers its floor here and says so.
FLOORS = {
    # Half of the calm or night before and after a stop counts as its part: recall in `field` rose by 0.04 for it.
    (42, "downtime"): Floor(0.94, 0.84, 0.03),
    (42, "curtailment"): Floor(0.97, 0.91, 0.05),
    # Ice that is told badly until a turbine's own share is known costs recall here, and false ice elsewhere less.
    (42, "icing"): Floor(0.87, 0.83, 0.04),
    (42, "snow"): Floor(0.97, 0.78, 0.09),
    # A derating is told after a step that is seen, and for a week at most. Without, the floor of recall was 0.60
    # here, and precision in `field` 0.2 instead of 0.7.
    (42, "derating"): Floor(0.95, 0.37, 0.70),
    (52, "downtime"): Floor(0.76, 0.71, 0.13),
    (52, "curtailment"): Floor(0.97, 0.82, 0.05),
    (52, "icing"): Floor(0.64, 0.93, 0.09),
    (52, "snow"): Floor(0.87, 0.92, 0.13),
    (52, "derating"): Floor(0.96, 0.34, 0.64),
}
# In hindsight the first month is told, too, by days under snow that say less.
SOILING_FLOORS = {42: SoilingFloor(0.022, None, 1.0), 52: SoilingFloor(0.010, 0.15, 0.33)}


def test_no_kind_of_event_is_found_worse_than_it_was(tmp_path: Path) -> None:
    fleet = _winter_fleet()
    fleet.assets.write_csv(tmp_path / "assets.csv")
    fleet.power_curves.write_csv(tmp_path / "power_curves.csv")
    settings = Settings(data_dir=tmp_path / "data", fleet_dir=tmp_path)
    for seed, month in MONTHS.items():
        generate(fleet, month, data_dir=settings.data_dir, seed=seed, profile="harsh")
    _silence(settings.data_dir / "raw" / "generation")
    ingest(settings)
    transform(settings)
    missed = []
    for seed, month in MONTHS.items():
        card = score(settings, month)
        assert card.assets == fleet.assets.height
        missed += [f"seed {seed}: {fault}" for fault in _below_floor(seed, card)]
    assert not missed, "\n".join(missed)


def _silence(directory: Path) -> None:
    """Take what the controllers of SILENT_SITES report out of the raw files of generation."""
    is_silent = pl.any_horizontal(pl.col("asset_id").str.starts_with(site) for site in SILENT_SITES)
    for path in directory.glob("*.parquet"):
        told = pl.when(~is_silent).then(pl.col("operating_state", "curtailment_limit_kw"))
        pl.read_parquet(path).with_columns(told).write_parquet(path)


def _below_floor(seed: int, card: Scorecard) -> Iterator[str]:
    """A line for each measure that does not reach its floor; one that nobody can tell does not."""
    by_kind = {found.kind: found for found in card.kinds}
    for (of_seed, kind), floor in FLOORS.items():
        if of_seed != seed:
            continue
        found = by_kind[kind]
        assert found.true_intervals > 200 and found.true_events >= 7, f"seed {seed} has too little {kind}"
        for measure, reached, least in (
            ("precision", found.precision, floor.precision),
            ("recall", found.recall, floor.recall),
        ):
            if reached is None or reached < least:
                yield f"{kind}: {measure} is {_told(reached)}, at least {least} is asked"
        yield from _beyond(f"{kind}: lost energy", found.energy_error, floor.energy_error)
    soiling = SOILING_FLOORS[seed]
    yield from _beyond("soiling: ratio", card.soiling.mean_absolute_error, soiling.ratio_error)
    yield from _beyond("soiling: share of days unknown", card.soiling.unknown_share, soiling.unknown_share)
    if soiling.energy_error is not None:
        yield from _beyond("soiling: lost energy", by_kind["soiling"].energy_error, soiling.energy_error)


def _beyond(what: str, error: float | None, most: float) -> Iterator[str]:
    if error is None or abs(error) > most:
        yield f"{what} is wrong by {_told(error)}, at most {most} is asked"


def _told(measure: float | None) -> str:
    return "unknown" if measure is None else f"{measure:.3f}"


def _winter_fleet() -> Fleet:
    """Twelve assets by the quarter hour: six turbines in frost, three plants in snow, three where it is summer."""
    whole = load_fleet(REPO / "dbt" / "renewable_dbt" / "seeds")
    chosen = whole.assets.filter(
        pl.col("site_id").is_in(["prairie_ridge", "cairn_rigg", "masseria_sole"])
        | pl.col("asset_id").is_in(["campo-claro-s-01", "campo-claro-s-02", "campo-claro-s-03"])
    )
    bavaria = {
        "latitude_deg": pl.col("latitude_deg") + 7.45,
        "longitude_deg": pl.col("longitude_deg") - 5.72,
        "elevation_m": pl.lit(520),
        "timezone": pl.lit("Europe/Berlin"),
    }
    new_south_wales = {
        "latitude_deg": pl.col("latitude_deg") - 72.5,
        "longitude_deg": pl.col("longitude_deg") + 151.2,
        "elevation_m": pl.lit(300),
        "timezone": pl.lit("Australia/Sydney"),
        "azimuth_deg": pl.lit(0),
    }
    for site, moved in (("masseria_sole", bavaria), ("campo_claro", new_south_wales)):
        chosen = chosen.with_columns(
            pl.when(pl.col("site_id") == site)
            .then(there)
            .otherwise(pl.col(name))
            .cast(chosen.schema[name])
            .alias(name)
            for name, there in moved.items()
        )
    quarter_hour = pl.lit(15).cast(chosen.schema["interval_minutes"]).alias("interval_minutes")
    return Fleet(chosen.with_columns(quarter_hour), whole.power_curves)
