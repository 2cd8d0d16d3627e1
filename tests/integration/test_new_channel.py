"""A channel is added in one place of Python and one line of dbt, in a copy of the project; the chain follows."""

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.places import CHECKOUT as REPO
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.warehouse import connect
from renewable.windows import Window

pytestmark = pytest.mark.integration
BEFORE, AFTER, CHANNEL = date(2025, 1, 10), date(2025, 1, 11), "hail_size_cm"
IN_PYTHON = (
    "src/renewable/contract/schemas.py",
    "\n\nclass GenerationSchema",
    f'    {CHANNEL} = _channel("cm", 0, 500, "size of the hail", since=99)\n',
)
IN_DBT = (
    "dbt/renewable_dbt/models/staging/_sources.yml",
    "      - name: generation\n",
    f"          - {{ name: {CHANNEL} }}\n",
)
# What a person does with the code that has the channel, beside a warehouse that the code before made.
NEWER = """
import sys
from datetime import date
from mock_data.generate import generate
from renewable.fleet import load_fleet
from renewable.operations.upgrade import upgrade
from renewable.published.dictionary import data_dictionary
from renewable.places import CHECKOUT as REPO
from renewable.settings import load_settings
from renewable.places import DBT_PROJECT
from renewable.windows import Window

settings = load_settings()
assert str(REPO) == sys.argv[1], REPO
fleet, day = load_fleet(settings.fleet_dir), date.fromisoformat(sys.argv[2])
generate(fleet, Window.of_day(day), data_dir=settings.data_dir, seed=3)
for sentence in upgrade(settings):
    print(sentence)
(settings.data_dir / "dictionary.md").write_text(data_dictionary(DBT_PROJECT))
"""


def test_a_channel_added_to_the_contract_and_to_the_sources_goes_through_the_whole_chain(
    settings: Settings, fleet: Fleet, tmp_path: Path
) -> None:
    generate(fleet, Window.of_day(BEFORE), data_dir=settings.data_dir, seed=3)
    ingest(settings)
    project = tmp_path / "project"
    for part in ("src", "dbt"):
        shutil.copytree(
            REPO / part, project / part, ignore=shutil.ignore_patterns("target", "logs", "__pycache__")
        )
    for file, place, line in (IN_PYTHON, IN_DBT):
        _insert(project / file, place, line)

    told = _run(settings, project, NEWER, str(project), str(AFTER))

    raw = pl.read_parquet(RawFileName("weather", AFTER).path_under(settings.raw_dir))
    assert raw.columns[-1] == CHANNEL and raw[CHANNEL].null_count() == raw.height
    old = pl.read_parquet(RawFileName("weather", BEFORE).path_under(settings.raw_dir))
    assert CHANNEL not in old.columns, "an older file loads as it is"
    with connect(settings.warehouse_path, read_only=True) as connection:
        loaded = connection.sql(f"select count(*), count({CHANNEL}) from raw.weather").fetchall()
        flags = connection.sql(
            f"select distinct {CHANNEL}_flag from intermediate.int_interval_performance"
        ).fetchall()
    assert loaded == [(old.height + raw.height, 0)], told
    assert flags == [("missing",)]
    quality = pl.read_parquet(settings.published_dir / "current" / "mart_data_quality_daily.parquet")
    ours = quality.filter(pl.col("channel") == CHANNEL)
    assert set(ours["asset_id"]) == set(fleet.asset_ids)
    assert {BEFORE, AFTER} <= set(ours["date_local"])
    assert (ours["readings_missing"] == ours["readings_expected"]).all()
    assert f"| {CHANNEL} | double | Size of the hail" in (settings.data_dir / "dictionary.md").read_text()


def _insert(path: Path, place: str, line: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(place) == 1, f"{path} changed: this test puts its line before {place!r}"
    path.write_text(text.replace(place, line + place))


def _run(settings: Settings, project: Path, script: str, *arguments: str) -> str:
    """Standard output of `script`, run by the code of `project`."""
    environment = os.environ | {
        "PYTHONPATH": str(project / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RENEWABLE_DATA_DIR": str(settings.data_dir),
        "RENEWABLE_FLEET_DIR": str(settings.fleet_dir),
    }
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
