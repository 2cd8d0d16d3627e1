"""Laws of the shared vocabulary: windows, names, settings, registry."""

import itertools
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewable.atomic_write import write_parquet_atomic
from renewable.contract import RawTable
from renewable.errors import FleetError, SettingsError, WindowError
from renewable.fleet import load_fleet
from renewable.raw_files import RawFileName, parse_raw_file_name
from renewable.settings import REPO, Settings, load_settings
from renewable.windows import Window, contiguous_windows, requested_window
from tests.conftest import SEEDS

pytestmark = pytest.mark.unit
DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))


@given(st.sets(DAYS, max_size=40))
def test_contiguous_windows_hold_exactly_the_days_they_were_made_of(days: set[date]) -> None:
    windows = list(contiguous_windows(days))
    assert [day for window in windows for day in window.days] == sorted(days)
    assert all(left.end < right.start for left, right in itertools.pairwise(windows))


@given(DAYS, st.integers(1, 400))
def test_a_window_is_half_open(start: date, length: int) -> None:
    window = Window(start, start + timedelta(days=length))
    assert window.start in window and window.end not in window
    assert len(window.days) == length


def test_an_empty_window_is_refused_with_its_ends() -> None:
    with pytest.raises(WindowError, match="2025-01-02 to 2025-01-02"):
        Window(date(2025, 1, 2), date(2025, 1, 2))


def test_days_counts_whole_days_before_today() -> None:
    today = date(2025, 5, 1)
    assert requested_window(None, None, 2, today=today) == Window(date(2025, 4, 29), today)
    assert requested_window(None, None, None, today=today) is None
    with pytest.raises(WindowError, match="not both"):
        requested_window(today, None, 3, today=today)


@given(
    st.sampled_from(["weather", "generation"]),
    DAYS,
    st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,10}", fullmatch=True),
)
def test_a_raw_file_name_parses_back_to_itself(table: RawTable, day: date, part: str | None) -> None:
    name = RawFileName(table, day, part)
    assert parse_raw_file_name(str(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "weather.parquet",
        "weather_2025-02-30.parquet",
        "wind_2025-01-01.parquet",
        "weather_2025-01-01.csv",
        "weather_2025-1-1.parquet",
        "weather_2025-01-01__.parquet",
        "weather_2025-01-01.parquet.bak",
    ],
)
def test_other_names_do_not_parse(name: str) -> None:
    assert parse_raw_file_name(name) is None


def test_a_failed_write_leaves_the_old_file_and_no_scrap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weather_2025-01-01.parquet"
    write_parquet_atomic(pl.DataFrame({"a": [1]}), path)

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("renewable.atomic_write.os.fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        write_parquet_atomic(pl.DataFrame({"a": [2]}), path)
    assert pl.read_parquet(path)["a"].to_list() == [1]
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RENEWABLE_SEED", "many", "RENEWABLE_SEED=many"),
        ("RENEWABLE_INPUT", "guess", "RENEWABLE_INPUT=guess"),
        ("RENEWABLE_FIRST_DAY", "2025-13-01", "RENEWABLE_FIRST_DAY=2025-13-01"),
        ("RENEWABLE_DUCKDB_MEMORY_LIMIT", "lots", "RENEWABLE_DUCKDB_MEMORY_LIMIT=lots"),
        ("RENEWABLE_SEDE", "1", "unknown setting RENEWABLE_SEDE"),
        ("RENEWABLE_INPUT", "mapping", "needs RENEWABLE_MAPPING"),
        ("RENEWABLE_PROFILE", "nowhere.env", "nowhere.env"),
    ],
)
def test_a_wrong_setting_fails_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().seed = 3  # type: ignore[misc]


def test_the_environment_wins_over_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "fleet.env"
    profile.write_text("RENEWABLE_SEED=5\nRENEWABLE_DATA_DIR=data/elsewhere\n")
    monkeypatch.setenv("RENEWABLE_SEED", "6")
    settings = load_settings(profile)
    assert (settings.seed, settings.data_dir) == (6, REPO / "data" / "elsewhere")


def test_the_env_example_lists_every_setting_with_its_default(tmp_path: Path) -> None:
    text = (REPO / ".env.example").read_text()
    for name in Settings.model_fields:
        assert f"RENEWABLE_{name.upper()}=" in text, name
    uncommented = tmp_path / "all.env"
    uncommented.write_text(
        "\n".join(
            line.removeprefix("# ") for line in text.splitlines() if "RENEWABLE_" in line and "=" in line
        )
    )
    assert load_settings(uncommented) == Settings()


def test_the_seed_fleet_is_ten_and_ten() -> None:
    fleet = load_fleet(SEEDS)
    assert fleet.technology("wind").height == fleet.technology("solar").height == 10


def test_a_broken_registry_is_one_error_with_every_fault(tmp_path: Path) -> None:
    text = (SEEDS / "assets.csv").read_text()
    text = (
        text.replace("Europe/Rome", "Europe/Rom", 1)
        .replace("N117/2400", "N118", 1)
        .replace(",1000,2012", ",much,2012", 1)
    )
    (tmp_path / "assets.csv").write_text(text)
    with pytest.raises(FleetError) as raised:
        load_fleet(tmp_path)
    said = str(raised.value)
    for fault in ("'Europe/Rom'", "'much' is not a Float64", "row 12", "power_curves.csv: no such file"):
        assert fault in said
    (tmp_path / "power_curves.csv").write_text((SEEDS / "power_curves.csv").read_text())
    with pytest.raises(FleetError, match="'N118' has no curve"):
        load_fleet(tmp_path)


def test_an_asset_named_twice_is_a_fault(tmp_path: Path) -> None:
    lines = (SEEDS / "assets.csv").read_text().splitlines()
    (tmp_path / "assets.csv").write_text("\n".join([*lines, lines[1]]))
    (tmp_path / "power_curves.csv").write_text((SEEDS / "power_curves.csv").read_text())
    with pytest.raises(FleetError, match="primary_key"):
        load_fleet(tmp_path)
