"""The registry on its way to dbt: the same values in the warehouse, and nothing of what people made is touched."""

import csv
import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.errors import FleetError
from renewable.fleet import load_fleet
from renewable.places import DBT_PROJECT
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.transform.dbt_project import ensure_manifest, invoke_dbt, registry_dir
from renewable.windows import ONE_DAY, Window

pytestmark = pytest.mark.integration
DAY = Window.of_day(date(2025, 11, 2))
EXTRA = ["order", "my note", "a int); drop schema raw cascade; --", ""]


def contents(*roots: Path, without: tuple[Path, ...] = ()) -> dict[str, str]:
    """Checksum of every file below `roots`."""

    def files(root: Path) -> Iterator[Path]:
        return (p for p in root.rglob("*") if p.is_file() and not set(without) & {p, *p.parents})

    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for root in roots for p in files(root)}


@pytest.fixture
def settings(tmp_path: Path, fleet_dir: Path) -> Settings:
    """A fleet folder inside the data directory, written by a person: blanks, odd ids, more columns, other files."""
    place = tmp_path / "x" / "scada" / "fleet"
    place.mkdir(parents=True)
    with (fleet_dir / "assets.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    at = {name: index for index, name in enumerate(header)}
    for row, asset_id in zip(rows, ["007", "1e5 ", "\u00a0true", "null"], strict=True):
        row[at["asset_id"]] = asset_id
        row[at["timezone"]] = "America/Havana " if asset_id == "007" else row[at["timezone"]] + " "
        row[at["asset_name"]] = "A, \"quoted\" name of 'mine' "
        row[at["turbine_model"]] += " " if row[at["turbine_model"]] else ""
    with (place / "assets.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([[*EXTRA, *header], *([*EXTRA, *row] for row in rows)])
    (place / "power_curves.csv").write_bytes((fleet_dir / "power_curves.csv").read_bytes())
    (place / "export.csv").write_bytes("Zeit;Leistung\r\n".encode("utf-16"))
    (place / "event_kinds.csv").write_text("a,a\n1\n")
    (tmp_path / "assets.csv").write_text("somebody's own")
    return Settings(data_dir=place.parent, fleet_dir=place, lock_wait_s=20)


def test_dbt_works_with_the_registry_as_python_reads_it_and_leaves_the_users_files_alone(
    settings: Settings, tmp_path: Path
) -> None:
    fleet = load_fleet(settings.fleet_dir)
    # The local day in the west ends in the next UTC day.
    generate(fleet, Window(DAY.start, DAY.end + ONE_DAY), data_dir=settings.data_dir, seed=1)
    ingest(settings)
    rooms = (settings.work_dir, settings.warehouse_path.parent, settings.published_dir)
    before = contents(tmp_path, DBT_PROJECT, without=rooms)
    transform(settings)
    assert contents(tmp_path, DBT_PROJECT, without=rooms) == before

    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        for name, frame in (("assets", fleet.assets), ("power_curves", fleet.power_curves)):
            order = ", ".join(frame.columns[:2])
            assert connection.sql(f"select * from seeds.{name} order by {order}").pl().equals(frame)
        energies = connection.sql("select asset_id, sum(energy_kwh) from marts.mart_asset_daily group by 1")
        found = dict(energies.fetchall())
        days = connection.sql(
            "select intervals_expected from marts.mart_asset_daily where asset_id = '007' and date_local = '2025-11-02'"
        ).fetchall()
    assert set(found) == {"007", "1e5", "true", "null"}
    assert all(energy is not None for energy in found.values())
    # The clock of Havana goes back to midnight that day.
    assert days == [(25 * 12,)]


def test_a_registry_with_faults_stops_before_dbt_and_names_them(settings: Settings) -> None:
    assets = settings.fleet_dir / "assets.csv"
    assets.write_text(assets.read_text("utf-8-sig").replace("2011-05-02", "02/05/11", 1))
    with pytest.raises(FleetError, match=r"row 4, commissioned_on: '02/05/11' is not a Date"):
        invoke_dbt(settings, ["build"])
    assert not registry_dir(settings).exists()


def test_no_file_that_dbt_knows_lies_outside_the_project(settings: Settings) -> None:
    """dbt writes what it ran to the same path below its target directory: a path with `..` would leave that, too."""
    manifest = json.loads(ensure_manifest(settings).read_text())
    paths = {Path(node["original_file_path"]) for node in manifest["nodes"].values()}
    assert len(paths) > 20
    assert not [path for path in paths if path.is_absolute() or ".." in path.parts]
    assert str(settings.fleet_dir) not in json.dumps(manifest)
