"""Settings: each is checked, named when it is wrong, and listed in the example."""

from pathlib import Path

import pytest

from renewable.errors import SettingsError
from renewable.settings import REPO, Settings, load_settings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RENEWABLE_SEED", "many", "RENEWABLE_SEED=many"),
        ("RENEWABLE_INPUT", "guess", "RENEWABLE_INPUT=guess"),
        ("RENEWABLE_FIRST_DAY", "2025-13-01", "RENEWABLE_FIRST_DAY=2025-13-01"),
        ("RENEWABLE_DUCKDB_MEMORY_LIMIT", "lots", "RENEWABLE_DUCKDB_MEMORY_LIMIT=lots"),
        ("RENEWABLE_SEDE", "1", "unknown setting RENEWABLE_SEDE"),
        ("RENEWABLE_INPUT", "mapping", "needs RENEWABLE_MAPPING"),
        ("RENEWABLE_PROFILE", "nowhere.env", "nowhere.env"),
    ],
)
def test_a_wrong_setting_fails_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().seed = 3  # type: ignore[misc]


def test_the_environment_wins_over_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "fleet.env"
    profile.write_text("RENEWABLE_SEED=5\nRENEWABLE_DATA_DIR=data/elsewhere\n")
    monkeypatch.setenv("RENEWABLE_SEED", "6")
    settings = load_settings(profile)
    assert (settings.seed, settings.data_dir) == (6, REPO / "data" / "elsewhere")


def test_the_env_example_lists_every_setting_with_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RENEWABLE_WORLD")
    text = (REPO / ".env.example").read_text()
    for name in Settings.model_fields:
        assert f"RENEWABLE_{name.upper()}=" in text, name
    uncommented = tmp_path / "all.env"
    uncommented.write_text(
        "\n".join(
            line.removeprefix("# ") for line in text.splitlines() if "RENEWABLE_" in line and "=" in line
        )
    )
    assert load_settings(uncommented) == Settings()
    assert Settings().world == "field"
