"""Laws of the suspicions about amounts: units and scales that are wrong are found, those that are right are not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from renewable.importers.evidence import STAMPS_SCHEMA, Evidence
from renewable.importers.mapping import load_mapping
from renewable.importers.suspicious_neighbours import suspicious_neighbours
from renewable.importers.suspicious_values import suspicious_values

pytestmark = pytest.mark.unit

START = datetime(2024, 3, 1, tzinfo=UTC)


def wind(hours: int, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Shares of rated power of a site, hour by hour: gusts that last some hours, from calm to storm."""
    random = np.random.default_rng(seed)
    smooth = np.convolve(random.normal(size=hours + 8), np.ones(8) / 8, mode="same")[:hours]
    return np.clip(0.5 + 1.5 * smooth, 0.0, 1.0)


def evidence(place: Path, shares: dict[str, Any], minutes: int = 60, **channels: Any) -> Evidence:
    """Assets of one site, 100 kW each, with hourly power as shares of it; further channels of all of them."""
    path = place / "mapping.yaml"
    content = {
        "source": {"files": "*.csv"},
        "timestamp": {"column": "t", "format": "%Y-%m-%d %H:%M", "zone": "UTC", "interval_minutes": minutes},
        "asset": {"column": "a"},
        "generation": {
            "active_power_kw": {"column": "P [kW]", "unit": "kW"},
            **{name: {"column": name} for name in channels},
        },
    }
    path.write_text(yaml.safe_dump(content))
    frames = [
        pl.DataFrame(
            {
                "asset_id": name,
                "timestamp": [START + timedelta(hours=n) for n in range(len(share))],
                "active_power_kw": np.asarray(share, dtype=float) * 100.0,
            }
        ).with_columns(pl.lit(value).alias(channel) for channel, value in channels.items())
        for name, share in shares.items()
    ]
    rows = pl.concat(frames).with_columns(
        pl.col("timestamp").cast(STAMPS_SCHEMA["timestamp"]), pl.col("active_power_kw").fill_nan(None)
    )
    assets = pl.DataFrame(
        [
            {
                "asset_id": name,
                "site_id": "s",
                "technology": "wind",
                "interval_minutes": 60,
                "rated_power_kw": 100.0,
            }
            for name in shares
        ]
    )
    stamps = rows.select(
        pl.lit(0, pl.Int64).alias("part"), "asset_id", pl.col("asset_id").alias("name"), "timestamp"
    )
    csv = rows.filter(pl.col("asset_id") == next(iter(shares))).select(
        t=pl.col("timestamp").dt.strftime("%Y-%m-%d %H:%M"), a="asset_id", P=pl.col("active_power_kw")
    )
    csv.rename({"P": "P [kW]"}).write_csv(place / "one.csv")
    mapping = load_mapping(path)
    return Evidence(mapping, path, {"generation": rows.lazy()}, stamps, assets, START)


@pytest.mark.parametrize("factor", [10, 60, 1000])
def test_power_of_a_wrong_scale_is_told_with_its_factor_and_line(tmp_path: Path, factor: int) -> None:
    power = wind(24 * 10)
    assert not list(suspicious_values(evidence(tmp_path, {"a": power})))
    (high,) = suspicious_values(evidence(tmp_path, {"a": power * factor}))
    assert f"as if {factor} times too large" in high
    assert "generation.active_power_kw.unit, line" in high
    (low,) = suspicious_values(evidence(tmp_path, {"a": power / factor}))
    assert f"as if {factor} times too small" in low


def test_a_calm_week_is_no_wrong_unit(tmp_path: Path) -> None:
    assert not list(suspicious_values(evidence(tmp_path, {"a": wind(24 * 7) * 0.2})))
    assert not list(suspicious_values(evidence(tmp_path, {"a": np.zeros(24 * 7)})))
    standby = np.tile([0.0, 0.0005, 0.0006], 56)
    assert not list(suspicious_values(evidence(tmp_path, {"a": standby})))


def test_a_column_without_a_value_is_told(tmp_path: Path) -> None:
    (told,) = suspicious_values(evidence(tmp_path, {"a": wind(48)}, operating_state=None))
    assert "generation.operating_state has no value in any of 48 rows" in told
    assert "generation.operating_state.column, line" in told


def test_an_asset_whose_column_is_empty_is_told(tmp_path: Path) -> None:
    (told,) = suspicious_values(evidence(tmp_path, {"a": wind(48), "b": [np.nan] * 48}))
    assert "no value at all of b" in told and "generation.active_power_kw.column" in told


@pytest.mark.parametrize(
    ("name", "factor", "doubted"),
    [
        ("E [kWh]", 1.0, False),
        ("E [Wh]", 1000.0, False),
        ("E [kWh]", 1.5, True),
        ("E [Wh]", 1.0, True),
        ("Energy", 1.0, False),
        ("Energy", 0.9, True),
    ],
)
def test_an_energy_column_must_say_the_energy_of_the_power(
    tmp_path: Path, name: str, factor: float, doubted: bool
) -> None:
    seen = evidence(tmp_path, {"a": wind(24 * 10)}, minutes=15)
    rows = pl.read_csv(tmp_path / "one.csv")
    rows.with_columns((pl.col("P [kW]") * factor / 4).alias(name)).write_csv(tmp_path / "one.csv")
    told = list(suspicious_values(seen))
    assert bool(told) == doubted
    assert all(name in each and "generation.active_power_kw.column, line" in each for each in told)


def neighbours(shift: int = 0, factor: float = 1.0) -> dict[str, Any]:
    """Three turbines in the same wind; the clock of the last one is late by some hours."""
    site, random = wind(24 * 8 + 20), np.random.default_rng(5)
    own = {name: np.clip(site + random.normal(0, 0.05, site.size), 0, 1) for name in ("a", "b", "c")}
    own["c"] = np.roll(own["c"], shift) * factor
    return {name: share[10:-10] for name, share in own.items()}


def test_a_turbine_whose_clock_is_not_its_neighbours_is_told(tmp_path: Path) -> None:
    assert not list(suspicious_neighbours(evidence(tmp_path, neighbours())))
    for shift, words in (
        (2, "c: its power runs 120 minutes behind"),
        (-7, "c: its power runs 420 minutes ahead of"),
    ):
        told = list(suspicious_neighbours(evidence(tmp_path, neighbours(shift))))
        assert len(told) == 1 and told[0].startswith(words) and "timestamp.zone, line" in told[0]


def test_of_two_turbines_with_different_clocks_both_are_named(tmp_path: Path) -> None:
    pair = {name: share for name, share in neighbours(3).items() if name != "b"}
    (told,) = suspicious_neighbours(evidence(tmp_path, pair))
    assert told.startswith("a: its power runs 180 minutes ahead of that of c")


def test_a_turbine_of_another_scale_than_its_neighbours_is_told(tmp_path: Path) -> None:
    told = list(suspicious_neighbours(evidence(tmp_path, neighbours(factor=0.1))))
    assert [each for each in told if each.startswith("c: its power is about 1/10 of")]


def test_turbines_in_winds_of_their_own_tell_nothing_of_clocks(tmp_path: Path) -> None:
    alone = {name: wind(24 * 8, seed) for seed, name in enumerate("abc")}
    assert not list(suspicious_neighbours(evidence(tmp_path, alone)))
