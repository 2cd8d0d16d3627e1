"""Each preset reads a file of our own in its shape. tests/presets/NAME holds that file and what comes out of it.

`assets.csv` is the registry, `answers.yaml` a part of the choice that answers each question of the draft, in order, and
`mapping.expected.csv` what was worked out by hand.
"""

import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml
from benchmarks.drafts import answered

from renewable.importers.asset_facts import AssetFacts
from renewable.importers.convert import import_files
from renewable.importers.draft import draft_mapping
from renewable.importers.expected import check_mapping, expected_path
from renewable.importers.mapping import load_mapping
from renewable.importers.preset import presets, recognised

pytestmark = pytest.mark.integration
SAMPLES = Path(__file__).parents[3] / "presets"
NAMES = [preset.name for preset in presets()]
NO_EXPORT = ("assets.csv", "answers.yaml", "mapping.expected.csv")


def exports(name: str, folder: Path = SAMPLES) -> list[Path]:
    return sorted(path for path in (folder / name).iterdir() if path.name not in NO_EXPORT)


def brought(name: str, place: Path) -> tuple[str, AssetFacts]:
    """The sample in a directory of its own, and the draft that is made of it."""
    shutil.copytree(SAMPLES / name, place / name)
    assets = pl.read_csv(place / name / "assets.csv", infer_schema_length=None)
    return draft_mapping(exports(name, place), assets), AssetFacts.of_registry(assets)


def ready(name: str, place: Path) -> tuple[Path, AssetFacts]:
    """The mapping with its questions answered, beside the sample and what is expected of it."""
    draft, known = brought(name, place)
    answers = place / name / "answers.yaml"
    left = yaml.safe_load(answers.read_text()) if answers.exists() else []

    def choose(_: str, choices: list[str]) -> int:
        assert left, f"answers.yaml has no answer to {choices}"
        wanted = left.pop(0)
        fitting = [place for place, choice in enumerate(choices) if wanted in choice]
        assert len(fitting) == 1, f"{wanted!r} is in {len(fitting)} of {choices}"
        return fitting[0]

    mapping = place / name / "mapping.yaml"
    mapping.write_text(answered(draft, choose))
    assert not left
    return mapping, known


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_gives_what_was_worked_out_by_hand(tmp_path: Path, name: str) -> None:
    checked = check_mapping(*ready(name, tmp_path))
    assert checked.cells
    assert not checked.differences


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_writes_no_other_rows_than_the_expected_ones(tmp_path: Path, name: str) -> None:
    mapping, known = ready(name, tmp_path)
    import_files(mapping, tmp_path / "raw", None, known)
    made = {
        row
        for path in (tmp_path / "raw").rglob("*.parquet")
        for row in pl.read_parquet(path).select("asset_id", "timestamp").iter_rows()
    }
    wanted = pl.read_csv(expected_path(mapping), infer_schema=False)
    stamps = wanted["timestamp"].str.to_datetime("%Y-%m-%dT%H:%M%#z", time_unit="us", time_zone="UTC")
    assert made == set(zip(wanted["asset_id"], stamps, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_each_choice_of_a_preset_makes_it_a_mapping(tmp_path: Path, name: str) -> None:
    draft, _ = brought(name, tmp_path)
    mapping = tmp_path / "mapping.yaml"
    for number in (0, 1, 40):
        mapping.write_text(answered(draft, lambda _, choices, at=number: min(at, len(choices) - 1)))
        load_mapping(mapping)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_recognised_by_its_own_files_only(name: str) -> None:
    for path in exports(name):
        found = recognised(path)
        assert found is not None, f"{path.name} is not recognised"
        assert found.name == name


def test_each_preset_has_a_sample() -> None:
    assert sorted(path.name for path in SAMPLES.iterdir()) == NAMES


def test_the_guide_lists_each_preset_and_what_was_seen_of_it() -> None:
    guide = (Path(__file__).parents[4] / "examples" / "MAPPING.md").read_text()
    listed = guide.partition("### Presets")[2].partition("\n## ")[0]
    rows = [line for line in listed.splitlines() if line.startswith("| ")][1:]
    assert rows == [f"| {each.name} | {each.system} | {each.seen} |" for each in presets()]
