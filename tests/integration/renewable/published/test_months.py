"""Marts that grow with every day are published as a file a month: what no build changed is not written again."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.places import DBT_PROJECT
from renewable.published.publish import publish, published_set, read_published
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.transform.marts import mart_names, month_columns
from renewable.windows import Window

pytestmark = pytest.mark.integration
SPRING = Window(date(2025, 3, 25), date(2025, 5, 13))
# The soiling of a day looks a month ahead: a late day changes April, but not March.
LATE = date(2025, 5, 8)


def _files(published: Path) -> dict[tuple[str, str], int]:
    """(mart, file) of every month -> the file's number on the disk."""
    found = published.glob("*.parquet/build_id=*/*.parquet")
    return {(path.parent.parent.name, path.stem): path.stat().st_ino for path in found}


def _tables(settings: Settings) -> dict[str, pl.DataFrame | None]:
    return {name: read_published(settings, name) for name in mart_names(DBT_PROJECT)}


def test_unchanged_months_are_taken_over_and_the_set_is_the_one_written_anew(
    settings: Settings, fleet: Fleet
) -> None:
    generate(fleet, SPRING, data_dir=settings.data_dir, seed=5, profile="harsh")
    ingest(settings)
    transform(settings)
    publish(settings)
    first, before = _files(published_set(settings)), published_set(settings)
    assert {mart.removesuffix(".parquet") for mart, _ in first} == month_columns(DBT_PROJECT).keys()
    assert {month for mart, month in first if mart == "mart_losses_daily.parquet"} == {
        "2025-03",
        "2025-04",
        "2025-05",
    }

    # A file that broke since is no file to take over.
    broken = ("mart_fleet_daily.parquet", "2025-03")
    next(before.glob(f"{broken[0]}/build_id=*/{broken[1]}.parquet")).write_bytes(b"PAR1 half a file")
    path = RawFileName("generation", LATE).path_under(settings.raw_dir)
    pl.read_parquet(path).with_columns(pl.col("active_power_kw") * 0.5).write_parquet(path)
    ingest(settings)
    transform(settings)
    publish(settings)
    second = _files(published_set(settings))
    assert published_set(settings) != before and second.keys() == first.keys()
    kept = {key for key, number in second.items() if number == first[key]}
    of_march = {(mart, month) for mart, month in first if month == "2025-03"}
    assert {key for key in kept if key[1] != "2025-04"} == of_march - {broken}
    assert ("mart_asset_daily.parquet", "2025-04") not in kept
    incremental = _tables(settings)
    builds = {frame["build_id"].unique().item() for frame in incremental.values() if frame is not None}
    assert builds == {published_set(settings).name}

    # A set that the books do not know is no set to take anything over from.
    strange = published_set(settings).with_name("20200101T000000000000Z-1")
    published_set(settings).rename(strange)
    (settings.published_dir / "current").unlink()
    (settings.published_dir / "current").symlink_to(f"sets/{strange.name}")
    publish(settings)
    third = _files(published_set(settings))
    assert third.keys() == second.keys() and not {*third.values()} & {*second.values()}

    # Neither is one that is gone.
    shutil.rmtree(settings.published_dir / "sets")
    (settings.published_dir / "current").unlink()
    publish(settings)
    anew = _tables(settings)
    assert anew.keys() == incremental.keys()
    for name, frame in anew.items():
        other = incremental[name]
        assert frame is not None and other is not None and frame.equals(other), name
