"""The dbt project is parsed once for all fleets, and again when it changed."""

import os
import shutil
import time
from pathlib import Path

import pytest

from renewable.places import DBT_PROJECT
from renewable.settings import Settings
from renewable.transform import dbt_project
from renewable.transform.dbt_project import DbtError, ensure_manifest
from renewable.transform.parsed_project import read_parsed

pytestmark = pytest.mark.integration


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project that a test may change."""
    copy = tmp_path / "project"
    shutil.copytree(DBT_PROJECT, copy)
    monkeypatch.setattr(dbt_project, "DBT_PROJECT", copy)
    return copy


def test_a_second_fleet_finds_the_project_parsed_and_a_changed_project_is_parsed_again(
    settings: Settings, tmp_path: Path, project: Path
) -> None:
    first = ensure_manifest(settings)
    made_at = first.stat().st_mtime_ns
    other = settings.model_copy(update={"data_dir": tmp_path / "other fleet"})
    assert ensure_manifest(other) == first and first.stat().st_mtime_ns == made_at
    named = settings.model_copy(update={"warehouse": tmp_path / "north_sea.duckdb"})
    assert '"north_sea"' in ensure_manifest(named).read_text(), "names of relations begin with the database"
    model = project / "models" / "marts" / "mart_fleet_daily.sql"
    model.write_text(model.read_text() + "\n-- another\n")
    changed = ensure_manifest(settings)
    assert changed != first and "-- another" in changed.read_text()


def test_what_was_kept_is_what_dbt_parses(settings: Settings) -> None:
    kept = read_parsed(ensure_manifest(settings).parent)
    parsed = dbt_project.invoke_dbt(settings, ["parse"])
    for part in ("nodes", "sources", "macros", "unit_tests", "exposures", "groups"):
        ours, theirs = getattr(kept, part), getattr(parsed, part)
        assert ours.keys() == theirs.keys() and ours, part
        for name, node in ours.items():
            assert _told(node) == _told(theirs[name]), name
    assert kept.flat_graph.keys() == parsed.flat_graph.keys()
    assert (kept.parent_map, kept.child_map) == (parsed.parent_map, parsed.child_map)


def _told(node: object) -> dict[str, object]:
    return {key: value for key, value in node.to_dict().items() if key != "created_at"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("left", [0, 1000])
def test_a_kept_project_that_was_cut_short_is_parsed_anew(
    settings: Settings, tmp_path: Path, left: int
) -> None:
    settings = settings.model_copy(update={"cache_dir": tmp_path / "cache"})
    folder = ensure_manifest(settings).parent
    messages = folder / "partial_parse.msgpack"
    messages.write_bytes(messages.read_bytes()[:left])
    assert read_parsed(folder) is None and not folder.exists()
    assert read_parsed(ensure_manifest(settings).parent) is not None


def test_projects_that_nobody_used_for_a_month_go(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"cache_dir": tmp_path / "cache"})
    old, recent = (tmp_path / "cache" / "dbt" / name for name in ("old", "recent"))
    for folder, days in ((old, 31), (recent, 29)):
        folder.mkdir(parents=True)
        then = time.time() - days * 86400
        os.utime(folder, (then, then))
    ensure_manifest(settings)
    assert not old.exists() and recent.exists()
    used = ensure_manifest(settings).parent
    os.utime(used, (0, 0))
    ensure_manifest(settings)
    assert used.stat().st_mtime > time.time() - 3600, "a use counts, not the day of the parse"


def test_a_cache_that_cannot_be_written_is_one_of_the_fleet(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings = settings.model_copy(update={"cache_dir": tmp_path / "file"})
    assert settings.work_dir in ensure_manifest(settings).parents


def test_a_project_that_dbt_refuses_is_told_and_nothing_is_kept(
    settings: Settings, tmp_path: Path, project: Path
) -> None:
    settings = settings.model_copy(update={"cache_dir": tmp_path / "cache"})
    (project / "models" / "broken.sql").write_text("select * from {{ ref('nobody') }}")
    with pytest.raises(DbtError, match="nobody"):
        ensure_manifest(settings)
    assert not list((tmp_path / "cache" / "dbt").iterdir())
