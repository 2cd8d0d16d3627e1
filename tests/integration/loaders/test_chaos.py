"""The short, deterministic part of the chaos suite (`make chaos` plays it at length)."""

import random

import pytest

from loaders.dlt_pipeline import ingest
from renewable.fleet import Fleet
from renewable.settings import Settings
from tests.integration.chaos import World, die, differences

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "stage",
    [
        "while a quarantine file is written",
        "between delete and insert",
        "after the log is replaced, before the commit",
        "after the commit of one table",
    ],
)
def test_after_a_kill_the_next_run_makes_the_warehouse_equal_to_its_files(
    settings: Settings, fleet: Fleet, stage: str
) -> None:
    world = World(settings, fleet, random.Random(stage))
    world.change()
    while not list(settings.raw_dir.rglob("*__late.parquet")):
        world.change()
    assert die(settings, stage)
    ingest(settings)
    assert differences(settings, settings.data_dir.with_name("once")) == []
