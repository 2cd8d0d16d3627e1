"""The fleets that are measured, in a directory that is thrown away."""

from datetime import date, timedelta
from pathlib import Path

from mock_data.fleet_maker import make_fleet, write_fleet
from mock_data.generate import generate
from renewable.fleet import load_fleet
from renewable.settings import Settings
from renewable.windows import Window

FIRST = date(2023, 1, 1)


def made_fleet(directory: Path, assets: int) -> Settings:
    """Settings of a fleet, half wind and half solar, without raw files."""
    settings = Settings(data_dir=directory / "data", fleet_dir=directory / "fleet")
    write_fleet(make_fleet(assets // 2, assets // 2, 1, interval_minutes=5), settings.fleet_dir)
    return settings


def generated(directory: Path, assets: int, days: int) -> Settings:
    """The same with the raw files of `days` from FIRST on."""
    settings = made_fleet(directory, assets)
    window = Window(FIRST, FIRST + timedelta(days=days))
    generate(load_fleet(settings.fleet_dir), window, data_dir=settings.data_dir, seed=1, jobs=2)
    return settings
