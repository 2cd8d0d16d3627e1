"""Runs over deliveries: what comes is imported whatever days it holds, and those days flow through."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import yaml

from dagster_project.daily_run import run_daily_job
from dagster_project.definitions import build_definitions
from dagster_project.file_sensor import RAW_FILE_SENSOR
from renewable.operations.status import read_status
from renewable.published.publish import read_published
from renewable.settings import Settings
from renewable.windows import Window

pytestmark = pytest.mark.integration
ASSET = "nordermarsch-w-01"
FIRST, SECOND = date(2025, 3, 1), date(2025, 3, 2)


def _deliver(path: Path, minutes: int, hours: range) -> None:
    start = datetime(2025, 3, 1, tzinfo=UTC)
    stamps = [start + timedelta(minutes=m) for m in range(hours.start * 60, hours.stop * 60, minutes)]
    path.write_text("\n".join(["t,kw", *(f"{at:%Y-%m-%d %H:%M},100" for at in stamps), ""]), encoding="utf-8")


def _energy_kwh(settings: Settings) -> dict[date, float]:
    daily = read_published(settings, "mart_asset_daily")
    assert daily is not None
    own = daily.filter(pl.col("asset_id") == ASSET)
    return dict(own.select("date_local", "energy_kwh").drop_nulls().iter_rows())


def test_rows_that_a_later_export_fills_in_arrive_with_the_run_of_that_day(
    settings: Settings, tmp_path: Path
) -> None:
    assets = pl.read_csv(settings.fleet_dir / "assets.csv").filter(pl.col("asset_id") == ASSET)
    minutes, zone = assets.select("interval_minutes", "timezone").row(0)
    mapping, export = tmp_path / "mapping.yaml", tmp_path / "export.csv"
    mapping.write_text(
        yaml.safe_dump(
            {
                "source": {"files": "export*.csv"},
                "timestamp": {"column": "t", "format": "%Y-%m-%d %H:%M", "zone": zone},
                "asset": {"constant": ASSET},
                "generation": {"active_power_kw": {"column": "kw", "unit": "kW"}},
            }
        )
    )
    settings = settings.model_copy(update={"input": "mapping", "mapping": mapping, "settle_s": 0.0})
    with dg.DagsterInstance.ephemeral() as instance:
        definitions = build_definitions(settings)

        def tick() -> list[dg.RunRequest]:
            sensor = definitions.resolve_sensor_def(RAW_FILE_SENSOR)
            repository = definitions.get_repository_def()
            with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
                return list(sensor.evaluate_tick(context).run_requests or [])

        _deliver(export, minutes, range(12))
        (request,) = tick()
        assert request.job_name == "daily"
        assert run_daily_job(settings, Window.of_day(FIRST), instance).success
        assert _energy_kwh(settings) == {FIRST: pytest.approx(1200.0)}
        assert tick() == []
        # The day after the export has the rest of the day before, too.
        _deliver(export, minutes, range(36))
        (tmp_path / "export of another kind.csv").write_text("no,columns\nof,ours\n", encoding="utf-8")
        assert len(tick()) == 1
        assert run_daily_job(settings, Window.of_day(SECOND), instance).success
        tags = [run.tags.get("renewable/deliveries_set_aside") for run in instance.get_runs()]
        assert tags == ["1", None], "the later run comes first"
        assert _energy_kwh(settings) == {FIRST: pytest.approx(2400.0), SECOND: pytest.approx(1200.0)}
        assert tick() == []
    status = read_status(settings)
    assert not status.pending and not status.stale
    assert [each.content.file for each in status.deliveries.deliveries] == ["export.csv"] * 2
