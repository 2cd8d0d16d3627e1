"""The folder that a fleet begins with: what is uncommented in it is a registry."""

from pathlib import Path

import pytest

from renewable.contract import Technology
from renewable.errors import FleetError, SettingsError
from renewable.fleet import load_fleet
from renewable.operations.new_fleet import fleet_folder, write_folder
from renewable.settings import load_settings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("technologies", [("wind",), ("solar",), ("wind", "solar")])
def test_its_example_rows_are_a_registry_once_they_are_uncommented(
    tmp_path: Path, technologies: tuple[Technology, ...]
) -> None:
    write_folder(fleet_folder(technologies, None), tmp_path)
    with pytest.raises(FleetError, match="lists no asset"):
        load_fleet(tmp_path)
    assets = tmp_path / "assets.csv"
    assets.write_text(assets.read_text().replace("# ", ""))
    curves = tmp_path / "power_curves.csv"
    assert curves.exists() == ("wind" in technologies)
    fleet = load_fleet(tmp_path)
    assert tuple(fleet.assets.sort("technology", descending=True)["technology"]) == technologies
    if technologies == ("solar",):
        assert "hub_height_m" not in assets.read_text()
        assert fleet.power_curves.is_empty()


def test_a_wind_turbine_needs_the_columns_of_wind_and_a_curve(tmp_path: Path) -> None:
    write_folder(fleet_folder(("wind",), None), tmp_path)
    assets = tmp_path / "assets.csv"
    text = assets.read_text().replace("# ", "")
    assets.write_text(text.replace("hub_height_m", "hub_height"))
    (tmp_path / "power_curves.csv").unlink()
    with pytest.raises(
        FleetError, match=r"(?s)missing column\(s\) hub_height_m.*power_curves.csv: no such file"
    ):
        load_fleet(tmp_path)


def test_its_profile_is_about_the_folder_itself(tmp_path: Path) -> None:
    write_folder(fleet_folder(("solar",), "source: {files: export.csv}\n"), tmp_path)
    settings = load_settings(tmp_path / "profile.env")
    assert (settings.data_dir, settings.fleet_dir) == (tmp_path / "data", tmp_path)
    assert settings.input == "mapping" and settings.mapping == tmp_path / "mapping.yaml"


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "assets.csv").write_text("mine")
    assert {path.name for path in write_folder(fleet_folder(("solar",), None), tmp_path)} == {"profile.env"}
    assert (tmp_path / "assets.csv").read_text() == "mine"
    with pytest.raises(SettingsError, match="is a fleet's already"):
        write_folder(fleet_folder(("solar",), None), tmp_path)


def test_a_curve_may_be_called_by_a_sign_that_begins_remarks_elsewhere(tmp_path: Path) -> None:
    write_folder(fleet_folder(("wind",), None), tmp_path)
    for name in ("assets.csv", "power_curves.csv"):
        text = (tmp_path / name).read_text().replace("# ", "").replace("MM92/2050", "#1")
        (tmp_path / name).write_text(text)
    assert set(load_fleet(tmp_path).power_curves["turbine_model"]) == {"#1"}
