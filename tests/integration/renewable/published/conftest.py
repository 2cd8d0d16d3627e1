"""A fleet whose tables are published, over the end of a month."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.published.publish import publish
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.windows import Window


@pytest.fixture(scope="package")
def published(tmp_path_factory: pytest.TempPathFactory, fleet: Fleet, fleet_dir: Path) -> Settings:
    """Settings of a published fleet. Tests that change it work on a copy of its directory."""
    home = tmp_path_factory.mktemp("published")
    settings = Settings(data_dir=home / "data", fleet_dir=fleet_dir, lock_wait_s=20)
    days = Window(date(2025, 3, 30), date(2025, 4, 3))
    generate(fleet, days, data_dir=settings.data_dir, seed=5, profile="harsh")
    ingest(settings)
    transform(settings)
    publish(settings)
    return settings


@pytest.fixture
def own_published(published: Settings, tmp_path: Path) -> Settings:
    """The same on a copy that only this test has, moved from where it was published."""
    shutil.copytree(published.data_dir, tmp_path / "data", symlinks=True)
    return published.model_copy(update={"data_dir": tmp_path / "data"})
