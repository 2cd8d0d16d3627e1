"""Laws of deliveries for what reaches over days: gaps of counters, events, rows that hold; however files are cut."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from renewable.importers.asset_facts import AssetFacts
from renewable.importers.convert import import_files
from renewable.raw_files import raw_file_names

pytestmark = pytest.mark.unit
START = datetime(2024, 3, 30, 12, tzinfo=UTC)
CLOCK = {"column": "time", "format": "%Y-%m-%d %H:%M", "zone": "Europe/London", "missing_hour": "set_aside"}
LOG = {
    "source": {"files": "logs/*.csv"},
    "timestamp": CLOCK | {"ambiguous_hour": "earliest"},
    "asset": {"constant": "T1"},
    "events": {
        "end": "end",
        "code": "code",
        "states": {"F": "fault", "S": "standby"},
        "without_end": "lasts",
    },
}


def mapping_of(clock: dict[str, Any], counter: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": {"files": "inbox/*.csv"},
        "timestamp": {"column": "time", "format": "%Y-%m-%d %H:%M", "zone": "UTC"} | clock,
        "asset": {"constant": "T1"},
        "weather": {"wind_speed_ms": {"column": "wind", "unit": "m/s"}},
        "generation": {"active_power_kw": {"column": "total", "unit": "kWh", "counter": counter}},
        "also": [LOG],
    }


def delivered(
    place: Path, files: dict[str, Sequence[str]], mapping: dict[str, Any], *, one_by_one: bool
) -> dict[str, bytes]:
    for folder in ("inbox", "logs"):
        (place / folder).mkdir(parents=True)
    (place / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    headers = {"inbox": "time,wind,total", "logs": "time,end,code"}
    for number, (name, lines) in enumerate(files.items()):
        (place / name).write_text("\n".join([headers[name.split("/")[0]], *lines]) + "\n")
        # A mapping reads its own files and those of its log: both have to be there.
        if (one_by_one and number > 0) or number == len(files) - 1:
            import_files(place / "mapping.yaml", place / "raw", None, {"T1": 30})
    return {name: (place / "raw" / name).read_bytes() for name in raw_file_names(place / "raw")}


@settings(max_examples=2, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 200), min_size=1, max_size=2),
    seed=st.integers(0, 1000),
    clock=st.sampled_from([{"interval_minutes": 30}, {"holds_minutes": 40}]),
    resets=st.sampled_from(["never", "daily"]),
)
def test_files_one_by_one_give_the_raw_files_of_one_file(
    cuts: list[int], seed: int, clock: dict[str, Any], resets: str
) -> None:
    drawn, lines, total = random.Random(seed), list[str](), 100.0
    away = sorted(drawn.sample(range(120), 4))
    for step in range(120):
        at = START + timedelta(minutes=30 * step)
        total = 0.0 if resets == "daily" and at.hour == at.minute == 0 else total + drawn.randint(0, 40) / 10
        if away[0] <= step < away[1] or away[2] <= step < away[3] or drawn.random() < 0.1:
            continue
        shown = total + 1000 if drawn.random() < 0.03 else total
        lines.append(f"{at:%Y-%m-%d %H:%M},{drawn.randint(0, 9)},{shown:.1f}")
    borders = sorted({0, len(lines), *(cut % len(lines) for cut in cuts)})
    parts = {f"inbox/{a:04d}.csv": lines[a:b] for a, b in pairwise(borders)}
    log = ["2024-03-31 10:00,2024-04-02 09:00,F", "2024-04-04 10:00,,S"]
    by = mapping_of(clock, {"resets": resets})
    with TemporaryDirectory() as place:
        whole = delivered(
            Path(place) / "whole", {"logs/l.csv": log, "inbox/all.csv": lines}, by, one_by_one=False
        )
        cut = delivered(Path(place) / "cut", {"logs/l.csv": log, **parts}, by, one_by_one=True)
    assert cut == whole


def test_an_event_that_a_later_log_ends_and_a_gap_that_a_later_file_closes_change_the_days_between(
    tmp_path: Path,
) -> None:
    by = mapping_of({"interval_minutes": 30}, {"resets": "never"})
    days = [START + timedelta(days=day) for day in range(4)]
    wind = [f"{day + timedelta(minutes=m):%Y-%m-%d %H:%M},5," for day in days for m in (60, 90)]
    files = {
        "logs/1.csv": ["2024-03-30 12:00,,F"],
        "inbox/1.csv": [f"{days[0]:%Y-%m-%d %H:%M},5,10.0", *wind],
        "logs/2.csv": ["2024-03-30 12:00,2024-04-01 00:00,F"],
        "inbox/2.csv": [f"{days[3] + timedelta(hours=2):%Y-%m-%d %H:%M},5,84.0"],
    }
    delivered(tmp_path, files, by, one_by_one=True)
    found = pl.concat(pl.read_parquet(p) for p in sorted((tmp_path / "raw").glob("generation/*.parquet")))
    told = found.drop_nulls("gap_energy_kwh")
    assert told["gap_energy_kwh"].sum() == pytest.approx(74.0)
    assert told["timestamp"].dt.date().n_unique() == 4
    assert set(found.drop_nulls("operating_state")["timestamp"].dt.day()) <= {30, 31}


def test_the_registrys_zone_and_rated_power_hold_for_deliveries_and_their_change_makes_the_days_anew(
    tmp_path: Path,
) -> None:
    by = mapping_of({"interval_minutes": 30}, {"resets": "never", "largest_power_kw": "rated"})
    by["also"] = []
    lines = [
        f"{START + timedelta(hours=h):%Y-%m-%d %H:%M},5,{total}" for h, total in ((0, 0), (10, 20), (11, 900))
    ]
    for folder in ("inbox", "raw"):
        (tmp_path / folder).mkdir()
    (tmp_path / "inbox" / "x.csv").write_text("\n".join(["time,wind,total", *lines]) + "\n")
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(by))
    found = {}
    for zone in ("UTC", "Asia/Tokyo"):
        row = {"asset_id": "T1", "interval_minutes": 30, "timezone": zone, "rated_power_kw": 5.0}
        import_files(
            tmp_path / "mapping.yaml", tmp_path / "raw", None, AssetFacts.of_registry(pl.DataFrame(row))
        )
        rows = pl.concat(pl.read_parquet(p) for p in sorted((tmp_path / "raw").glob("generation/*.parquet")))
        found[zone] = rows.drop_nulls("gap_energy_kwh").select("timestamp", "gap_energy_kwh").rows()
    # 12:00 to 22:00 UTC, which is midnight over in Tokyo at 15:00.
    assert found == {
        "UTC": [(START + timedelta(hours=9.5), pytest.approx(20.0))],
        "Asia/Tokyo": [
            (START + timedelta(hours=2.5), pytest.approx(6.0)),
            (START + timedelta(hours=9.5), pytest.approx(14.0)),
        ],
    }


def test_a_glitch_that_a_later_file_takes_back_is_mended_in_all_the_gap_before_it(tmp_path: Path) -> None:
    by = mapping_of({"interval_minutes": 30}, {"resets": "never"})
    by["also"] = []
    lines = [
        f"{START + timedelta(days=day, minutes=m):%Y-%m-%d %H:%M},5,{total}"
        for day, m, total in ((0, 0, 10), (0, 30, 11), (9, 0, 5000), (9, 30, 20), (9, 60, 21))
    ]
    whole = delivered(tmp_path / "whole", {"inbox/1.csv": lines}, by, one_by_one=False)
    files = {"logs/none.csv": [], "inbox/1.csv": lines[:3], "inbox/2.csv": lines[3:]}
    assert delivered(tmp_path / "cut", files, by, one_by_one=True) == whole
    assert len(whole) == 12


def test_a_log_that_is_exported_whole_again_makes_only_the_days_of_new_events_anew(tmp_path: Path) -> None:
    by = mapping_of({"interval_minutes": 30}, {"resets": "never"})
    days = [START + timedelta(days=day) for day in range(6)]
    old = [f"{day:%Y-%m-%d %H:%M},{day + timedelta(hours=2):%Y-%m-%d %H:%M},F" for day in days[:4]]
    new = [*old, f"{days[4]:%Y-%m-%d %H:%M},{days[4] + timedelta(hours=2):%Y-%m-%d %H:%M},F"]
    wind = [f"{day + timedelta(minutes=m):%Y-%m-%d %H:%M},5,1" for day in days for m in (0, 30)]
    delivered(tmp_path, {"logs/1.csv": old, "inbox/1.csv": wind}, by, one_by_one=False)
    (tmp_path / "logs" / "2.csv").write_text("\n".join(["time,end,code", *new]) + "\n")
    summary = import_files(tmp_path / "mapping.yaml", tmp_path / "raw", None, {"T1": 30})
    assert (summary.files_written, summary.files_unchanged) == (1, 0)
    found = pl.concat(pl.read_parquet(p) for p in sorted((tmp_path / "raw").glob("generation/*.parquet")))
    assert found.drop_nulls("operating_state")["timestamp"].dt.date().n_unique() == 5


def test_rows_of_an_asset_that_the_registry_lacks_are_told_when_they_are_imported(tmp_path: Path) -> None:
    for folder in ("inbox", "raw"):
        (tmp_path / folder).mkdir()
    (tmp_path / "inbox" / "x.csv").write_text("time,wind,total\n2025-01-01 00:00,5,0\n2025-01-01 00:30,6,1\n")
    by = mapping_of({"interval_minutes": 30}, {"resets": "never"}) | {"also": []}
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(by))
    row = {"asset_id": "T2", "interval_minutes": 30, "timezone": "UTC", "rated_power_kw": 5.0}
    found = import_files(
        tmp_path / "mapping.yaml", tmp_path / "raw", None, AssetFacts.of_registry(pl.DataFrame(row))
    )
    assert (
        "rows of assets that the registry does not have, which the gate will quarantine (T1)"
        in found.sentence
    )
    known = AssetFacts.of_registry(pl.DataFrame(row | {"asset_id": "T1"}))
    assert "quarantine" not in import_files(tmp_path / "mapping.yaml", tmp_path / "raw", None, known).sentence
