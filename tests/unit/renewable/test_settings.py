"""Settings: each is checked, named when it is wrong, and listed in the example."""

from pathlib import Path

import duckdb
import pytest

from renewable import places
from renewable.errors import SettingsError
from renewable.places import CHECKOUT as REPO
from renewable.settings import Settings, load_settings

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
    assert (settings.seed, settings.data_dir) == (6, tmp_path / "data" / "elsewhere")


def test_paths_count_from_the_file_that_names_them_else_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "fleet.env"
    profile.write_text("RENEWABLE_DATA_DIR=../data\nRENEWABLE_FLEET_DIR=.\nRENEWABLE_WAREHOUSE=~/w.duckdb\n")
    monkeypatch.setenv("RENEWABLE_MAPPING", "north.yaml")
    settings = load_settings(profile)
    assert (settings.data_dir, settings.fleet_dir) == (tmp_path.parent / "data", tmp_path)
    assert settings.warehouse == Path.home() / "w.duckdb"
    assert settings.mapping == REPO / "north.yaml"
    # Outside of a checkout.
    monkeypatch.setattr(places, "CHECKOUT", None)
    monkeypatch.chdir(tmp_path)
    assert load_settings(profile).mapping == tmp_path / "north.yaml"
    monkeypatch.setenv("RENEWABLE_DATA_DIR", "")
    assert load_settings(profile).data_dir == tmp_path.parent / "data"


def test_a_profile_whose_paths_count_from_the_root_is_told_what_to_write(tmp_path: Path) -> None:
    profile = tmp_path / "fleet.env"
    profile.write_text("RENEWABLE_FLEET_DIR=examples/wide_format\n")
    with pytest.raises(
        SettingsError, match=r"RENEWABLE_FLEET_DIR=examples/wide_format counts from the folder"
    ) as told:
        load_settings(profile)
    written = str(told.value).rpartition("Write ")[2]
    profile.write_text(f"RENEWABLE_FLEET_DIR={written}\n")
    assert load_settings(profile).fleet_dir == REPO / "examples" / "wide_format"


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
    fleet_dir = tmp_path / "dbt" / "renewable_dbt" / "seeds"
    fleet_dir.mkdir(parents=True)
    assert load_settings(uncommented) == Settings(data_dir=tmp_path / "data", fleet_dir=fleet_dir)
    assert Settings().fleet_dir == REPO / fleet_dir.relative_to(tmp_path)
    assert Settings().data_dir == REPO / "data"
    assert Settings().world == "field"


def test_an_unknown_setting_is_told_which_one_may_be_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "fleet.env"
    profile.write_text("RENEWABLE_DATADIR=data\n")
    with pytest.raises(SettingsError, match=r"RENEWABLE_DATADIR; did you mean RENEWABLE_DATA_DIR\?"):
        load_settings(profile)
    monkeypatch.setenv("RENEWABLE_SED", "3")
    with pytest.raises(SettingsError, match=r"RENEWABLE_SED; did you mean RENEWABLE_SEED"):
        load_settings()
    monkeypatch.delenv("RENEWABLE_SED")
    profile.write_text("RENEWABLE_QWERTZ=1\n")
    with pytest.raises(SettingsError, match=r"setting RENEWABLE_QWERTZ; .env.example"):
        load_settings(profile)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALERT_URLS", "json://one.example two.example", "address 2 names no service"),
        ("ALERT_URLS", "s3cret", "address 1 names no service"),
        ("POSTGRES_URL", "mysql://user:s3cret@host/db", "begins with postgresql://"),
        ("POSTGRES_URL", "user:s3cret@host/db", "begins with postgresql://"),
        ("SPARK_REMOTE", "host:15002/;token=s3cret", "looks like sc://host:15002"),
    ],
)
def test_an_address_of_the_wrong_form_is_refused_and_not_shown(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"RENEWABLE_{name}", value)
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings()
    assert f"RENEWABLE_{name}" in str(caught.value) and "s3cret" not in str(caught.value)


def test_a_cluster_is_an_engine_only_where_its_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().engine == "duckdb"
    monkeypatch.setenv("RENEWABLE_ENGINE", "spark")
    with pytest.raises(SettingsError, match="needs RENEWABLE_SPARK_REMOTE"):
        load_settings()
    monkeypatch.setenv("RENEWABLE_SPARK_REMOTE", "sc://host/;token=s3cret")
    settings = load_settings()
    assert settings.landing_dir == settings.data_dir / "spark"
    assert "s3cret" not in repr(settings) and settings.spark_remote in settings.secrets


@pytest.mark.parametrize(
    ("limit", "mib"),
    [("512MiB", 512), ("1.5GiB", 1536), ("2 GiB", 2048), ("1048576KiB", 1024), ("1TiB", 2**20)],
)
def test_the_memory_limit_is_understood_as_duckdb_does(limit: str, mib: int) -> None:
    assert Settings(duckdb_memory_limit=limit).duckdb_memory_bytes == mib * 2**20
    in_thousands = limit.replace("i", "")
    with duckdb.connect() as connection:
        connection.execute("set memory_limit = $limit", {"limit": in_thousands})
        (told,) = connection.execute("select current_setting('memory_limit')").fetchone() or ("",)
        # With one digit, cut off.
        number, unit = told.split()
    ours = Settings(duckdb_memory_limit=in_thousands).duckdb_memory_bytes / 1024 ** (
        "KMGT".index(unit[0]) + 1
    )
    assert float(number) <= ours < float(number) + 0.1
