"""What `import renewable` offers to notebooks and scripts."""

import subprocess
import sys
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pytest

import renewable
from renewable.errors import SettingsError
from renewable.published.reader import PublishedFleet, UnknownTableError

pytestmark = pytest.mark.unit


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A profile of a fleet with two published tables: one by months, one whole."""
    build = "20250401T000000000000Z-1"
    set_dir = tmp_path / "data" / "published" / "sets" / build
    folder = set_dir / "mart_asset_daily.parquet" / f"build_id={build}"
    folder.mkdir(parents=True)
    for month, days in (("2025-03", (30, 31)), ("2025-04", (1, 2))):
        number = int(month[-2:])
        frame = pl.DataFrame(
            {
                "asset_id": ["a", "a"],
                "date_local": [date(2025, number, day) for day in days],
                "energy_kwh": [1.0, 2.0],
            }
        )
        frame.write_parquet(folder / f"{month}.parquet")
    starts = [datetime(2025, 3, 31, 23, 59, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)]
    pl.DataFrame({"event_id": ["x", "y"], "start_utc": starts}).write_parquet(set_dir / "mart_events.parquet")
    (tmp_path / "data" / "published" / "current").symlink_to(f"sets/{build}")
    file = tmp_path / "profile.env"
    file.write_text("RENEWABLE_DATA_DIR=data\n", encoding="utf-8")
    return file


def test_a_table_comes_as_a_frame_with_its_build(profile: Path) -> None:
    fleet = renewable.open(profile)
    assert fleet.tables() == ["mart_asset_daily", "mart_events"]
    daily = fleet.table("mart_asset_daily")
    assert daily.height == 4 and daily["build_id"].unique().to_list() == [fleet.build_id] == [
        "20250401T000000000000Z-1"
    ]


def test_a_range_is_half_open_and_columns_are_those_asked_for(profile: Path) -> None:
    fleet = renewable.open(str(profile))
    daily = fleet.table(
        "mart_asset_daily", columns=["energy_kwh"], start=date(2025, 3, 31), end=date(2025, 4, 2)
    )
    assert daily.columns == ["energy_kwh"] and daily["energy_kwh"].to_list() == [2.0, 1.0]
    assert fleet.table("mart_events", start=date(2025, 4, 1))["event_id"].to_list() == ["y"]
    assert fleet.table("mart_events", end=date(2025, 4, 1))["event_id"].to_list() == ["x"]
    assert fleet.scan("mart_asset_daily").select(pl.len()).collect().item() == 4


def test_who_asks_for_what_is_not_there_is_told_what_is_near(profile: Path, tmp_path: Path) -> None:
    fleet = renewable.open(profile)
    with pytest.raises(
        UnknownTableError, match=r"no published table asset_daly; did you mean mart_asset_daily\?"
    ):
        fleet.table("asset_daly")
    with pytest.raises(UnknownTableError, match=r"mart_events has no column start; did you mean start_utc\?"):
        fleet.table("mart_events", columns=["start"])
    with pytest.raises(TypeError, match="start and end are days"):
        fleet.table("mart_events", start=datetime(2025, 4, 1, tzinfo=UTC))
    (tmp_path / "data" / "published").rename(tmp_path / "elsewhere")
    with pytest.raises(UnknownTableError, match=r"nothing is published under .* yet: `renewable run`"):
        renewable.open(profile).table("mart_events")
    with pytest.raises(SettingsError):
        renewable.open(tmp_path / "no.env")


def test_the_version_is_that_of_the_installed_package() -> None:
    assert renewable.__version__ == version("renewable")
    with pytest.raises(AttributeError, match="no attribute 'tables'"):
        _ = renewable.tables


def test_importing_it_imports_nothing_that_takes_time() -> None:
    program = (
        "import sys; before = set(sys.modules); import renewable; added = set(sys.modules) - before;"
        "print(sorted(name for name in added if name.partition('.')[0] not in sys.stdlib_module_names))"
    )
    assert _printed_by(program) == "['renewable']"


def test_the_status_is_read_without_what_only_a_load_needs() -> None:
    program = (
        "import sys; import renewable.operations.status;"
        "print({*sys.modules} & {'dlt', 'loaders.gate', 'pyarrow.compute'})"
    )
    assert _printed_by(program) == "set()"


def test_an_open_fleet_stays_with_its_set(profile: Path) -> None:
    fleet = renewable.open(profile)
    published = profile.parent / "data" / "published"
    (published / "current").unlink()
    assert isinstance(fleet, PublishedFleet) and fleet.table("mart_events").height == 2


def _printed_by(program: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()
