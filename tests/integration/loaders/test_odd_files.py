"""One odd file, folder or record costs itself alone: everything else loads, and every command goes on."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from loaders import pending
from loaders.dlt_pipeline import ingest
from loaders.load_log import pending_files, read_load_log
from loaders.quarantine import list_quarantine, read_quarantine, show_quarantined
from renewable.cli.main import app
from renewable.contract import RawTable, polars_schema
from renewable.operations.pending_work import find_work
from renewable.operations.status import read_status
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from tests.integration.warehouse_tables import tables

pytestmark = pytest.mark.integration
DAY = date(2025, 1, 1)
ASSETS = ("nordermarsch-w-01", "campo-claro-s-01")


def rows_of(table: RawTable, day: date, assets: tuple[str, ...] = ASSETS, **values: object) -> pl.DataFrame:
    """Four hourly rows of each asset; channels are null but for `values`."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    stamps = [midnight + timedelta(hours=hour) for hour in range(4)]
    schema = polars_schema(table)
    keys = [(asset, stamp) for asset in assets for stamp in stamps]
    frame = pl.DataFrame(keys, schema=["asset_id", "timestamp"], orient="row")
    channels = [pl.lit(values.get(name), dtype).alias(name) for name, dtype in schema.items()]
    return frame.with_columns(channels[2:]).select(schema.names()).cast(schema)


def deliver(settings: Settings, table: RawTable, day: date, frame: pl.DataFrame | None = None) -> Path:
    path = RawFileName(table, day).path_under(settings.raw_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    (rows_of(table, day) if frame is None else frame).write_parquet(path)
    return path


def _deny(monkeypatch: pytest.MonkeyPatch, *names: str, errno: int = 13) -> None:
    """What a system does that refuses reading; whoever runs the tests may be allowed everything."""
    from loaders import gate

    opened = pending.opened

    def denied(path: Path) -> Any:
        if path.name in names:
            raise OSError(errno, os.strerror(errno), str(path))
        return opened(path)

    for module in (pending, gate):
        monkeypatch.setattr(module, "opened", denied)


def test_files_with_strange_names_cost_themselves_alone(settings: Settings) -> None:
    deliver(settings, "weather", DAY)
    raw = settings.raw_dir
    content = (raw / "weather" / f"weather_{DAY}.parquet").read_bytes()
    names = [
        b"weather/" + b"n" * 247 + b".parquet",
        b"weather/" + "ü".encode() * 124 + b".csv",
        b"weather/weather_2025-01-02\xff.parquet",
        b"weather/weather_2025-01-02\\xff.parquet",
        b"\xfe\xff/weather_2025-01-02.parquet",
        b"weather/weather_2025-01-02.parquet\nweather_2025-01-03.parquet",
        b"weather/weather_'2025'-\"01\"-*?[a].parquet",
        b"weather/weather_9999-12-31.parquet",
        b"generation_0001-01-01.parquet",
        # The second one lies in a directory that has the name of the first one's record.
        b"weather/x",
        b"weather/x.reason.json/y",
        b"/".join([b"d" * 200] * 8) + b"/weather_2025-01-02.parquet",
    ]
    # A path that just fits here; that of its record is longer.
    deep = b"/".join([b"e" * 200] * 19)
    names.append(deep + b"/" + b"f" * min(200, 4060 - len(os.fsencode(raw)) - len(deep)) + b"/" + b"g" * 20)
    for name in names:
        place = Path(os.fsdecode(os.fsencode(raw) + b"/" + name))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    summary = ingest(settings)
    assert (summary.files_loaded, summary.rows_loaded) == (1, 8)
    assert len(summary.files_refused) == len(names) == len(read_quarantine(settings.quarantine_dir).files)
    assert "outside 1970-01-01" in summary.files_refused["weather/weather_9999-12-31.parquet"]
    json.dumps(summary.files_refused, ensure_ascii=False).encode()
    assert set(read_load_log(settings)["file"]) >= set(summary.files_refused)
    for name in summary.files_refused:
        record, *_ = show_quarantined(settings.quarantine_dir, name)
        assert record is not None and record["file"] == name
    assert ingest(settings).sentence.startswith("nothing new")
    runner = CliRunner(env={"RENEWABLE_DATA_DIR": str(settings.data_dir)})
    for command in (["quarantine", "list"], ["quarantine", "list", "--json"], ["status", "--files"]):
        assert runner.invoke(app, command, catch_exceptions=False).exit_code == 0
    assert find_work(settings, 0.0).states.keys() == {DAY}, "only the build is missing"
    for name in names:
        Path(os.fsdecode(os.fsencode(raw) + b"/" + name)).unlink()
    assert len(ingest(settings).files_removed) == len(names)
    assert read_quarantine(settings.quarantine_dir).files == {}
    assert read_load_log(settings).height == 1


def test_strange_things_in_the_quarantine_stop_nothing(settings: Settings) -> None:
    quarantine = settings.quarantine_dir
    deliver(settings, "weather", DAY, rows_of("weather", DAY, ("nobody",)))
    (settings.raw_dir / "weather" / "notes.txt").write_text("no data")
    (quarantine / "files" / "weather" / "notes.txt.reason.json" / "mine").mkdir(parents=True)
    (quarantine / "files" / "x.reason.json").mkdir()
    (quarantine / "files" / "no.reason.json").write_bytes(b"\xff no JSON")
    (quarantine / "files" / "list.reason.json").write_text("[1]")
    (quarantine / "rows" / f"weather_{DAY}.parquet").mkdir(parents=True)
    (quarantine / "values").mkdir()
    (quarantine / "values" / f"generation_{DAY}.parquet").write_bytes(b"PAR1 broken")
    pl.DataFrame({"a": [1]}).write_parquet(quarantine / "values" / f"weather_{DAY}.parquet")
    found = read_quarantine(quarantine)
    assert "files/no.reason.json" in found.files and "files/list.reason.json" in found.files
    assert f"values/generation_{DAY}.parquet" in found.files
    summary = ingest(settings)
    assert summary.rows_quarantined == 4 and set(summary.files_refused) == {"weather/notes.txt"}
    found = read_quarantine(quarantine)
    assert found.rows == {"unknown_asset": 4} and "weather/notes.txt" in found.files
    assert list(quarantine.rglob("mine")), "what a person put there is kept"
    assert read_status(settings).quarantined == found
    assert list_quarantine(quarantine).height == 5


def test_a_file_that_cannot_be_read_is_refused_until_it_can(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table in ("weather", "generation"):
        deliver(settings, table, DAY)  # type: ignore[arg-type]
    part = settings.raw_dir / "weather" / f"weather_{DAY}__broken-disk.parquet"
    rows_of("weather", DAY, ("mesa-dorada-s-01",)).write_parquet(part)
    stray = settings.raw_dir / "stray.parquet"
    stray.write_bytes(b"x")
    with monkeypatch.context() as denied:
        _deny(denied, part.name, stray.name, errno=5)
        summary = ingest(settings)
        assert "Input/output error" in summary.files_refused[f"weather/{part.name}"]
        assert summary.rows_loaded == 16 and summary.files_refused.keys() == {
            f"weather/{part.name}",
            "stray.parquet",
        }
        assert pending_files(settings).files == [] and ingest(settings).files_loaded == 0
    assert set(pending_files(settings).files) == {part, stray}
    assert ingest(settings).rows_loaded == 12
    assert tables(settings.warehouse_path)["raw.weather"].height == 12
    with monkeypatch.context() as denied:
        _deny(denied, part.name)
        part.touch()
        assert "Permission denied" in ingest(settings).files_refused[f"weather/{part.name}"]
        assert tables(settings.warehouse_path)["raw.weather"].height == 8


def test_a_file_that_vanishes_before_it_is_judged_costs_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loaders import dlt_pipeline

    deliver(settings, "weather", DAY)
    gone = [deliver(settings, "generation", DAY), settings.raw_dir / "stray"]
    gone[1].write_bytes(b"x")
    find = dlt_pipeline.find_pending

    def found_and_gone(*arguments: Any, **options: Any) -> Any:
        found = find(*arguments, **options)
        for path in gone:
            path.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(dlt_pipeline, "find_pending", found_and_gone)
    summary = ingest(settings)
    assert (summary.files_loaded, dict(summary.files_refused)) == (1, {})
    assert summary.files_in_motion == (f"generation/generation_{DAY}.parquet",)
    assert read_load_log(settings)["file"].to_list() == [f"weather/weather_{DAY}.parquet"]


def test_a_missing_folder_is_told_and_its_rows_stay(settings: Settings) -> None:
    days = [DAY + timedelta(days=number) for number in range(2)]
    for day in days:
        deliver(settings, "weather", day)
        deliver(settings, "generation", day)
    ingest(settings)
    (settings.raw_dir / "weather").rename(settings.data_dir / "unmounted")
    deliver(settings, "generation", days[0], rows_of("generation", days[0], active_power_kw=7.0))
    environment = {"RENEWABLE_DATA_DIR": str(settings.data_dir)} | {
        "RENEWABLE_FLEET_DIR": str(settings.fleet_dir)
    }
    runner = CliRunner(env=environment)
    first = runner.invoke(app, ["ingest"], catch_exceptions=False)
    assert first.exit_code == 1
    (line,) = [line for line in first.stdout.splitlines() if "held back" in line]
    assert f"{settings.raw_dir / 'weather'} is missing" in line and "2 files" in line
    assert "--allow-removal" in line
    found = tables(settings.warehouse_path)
    assert found["raw.weather"].height == 16 and 7.0 in found["raw.generation"]["active_power_kw"]
    assert pending_files(settings).held_back[0].files == tuple(
        f"weather/weather_{day}.parquet" for day in days
    )
    assert not any(
        "removed" in state for states in find_work(settings, 0.0).states.values() for state in states
    )
    assert runner.invoke(app, ["ingest"], catch_exceptions=False).exit_code == 1, "as long as it is so"
    meant = runner.invoke(app, ["ingest", "--allow-removal"], catch_exceptions=False)
    assert meant.exit_code == 0 and "2 files removed" in meant.stdout
    assert tables(settings.warehouse_path)["raw.weather"].is_empty()
    (settings.data_dir / "unmounted").rename(settings.raw_dir / "weather")
    assert runner.invoke(app, ["ingest"], catch_exceptions=False).exit_code == 0
    assert tables(settings.warehouse_path)["raw.weather"].height == 16


def test_files_of_all_kinds_of_types_load_together_as_canonical_ones(settings: Settings) -> None:
    kinds: list[dict[str, pl.DataType]] = [
        {"timestamp": pl.Datetime("ms", "UTC")},
        {"timestamp": pl.Datetime("ns", "Europe/Paris"), "active_power_kw": pl.Float32()},
        {"asset_id": pl.Categorical(), "active_power_kw": pl.Int64(), "curtailment_limit_kw": pl.Null()},
        {"active_power_kw": pl.Decimal(9, 2), "operating_state": pl.Null()},
        {},
    ]
    frames = {}
    for number, kind in enumerate(kinds):
        day = DAY + timedelta(days=number)
        frames[day] = rows_of("generation", day, active_power_kw=number + 1.0)
        other = frames[day].with_columns(
            pl.col(name).dt.convert_time_zone(dtype.time_zone or "UTC").cast(dtype)
            if isinstance(dtype, pl.Datetime)
            else pl.col(name).cast(dtype)
            for name, dtype in kind.items()
        )
        deliver(settings, "generation", day, other)
    summary = ingest(settings)
    assert dict(summary.files_refused) == {}
    found = tables(settings.warehouse_path)["raw.generation"]
    assert found.equals(pl.concat(frames.values()).sort(found.columns))
