"""Each example's README is a walk-through: its commands run as written, and its figures come out."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import polars as pl
import pytest

from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.integration
COMMAND = re.compile(r"^\.venv/bin/(renewable .*?)\s*(?:#.*)?$", re.MULTILINE)


def walk(example: str, data_dir: Path) -> str:
    """Run the commands of an example's README; everything that they printed."""
    commands = COMMAND.findall((REPO / "examples" / example / "README.md").read_text(encoding="utf-8"))
    assert len(commands) >= 5
    said = []
    for command in commands:
        done = subprocess.run(
            [
                str(REPO / ".venv" / "bin" / part) if part == "renewable" else part
                for part in shlex.split(command)
            ],
            cwd=REPO,
            env=os.environ | {"RENEWABLE_DATA_DIR": str(data_dir)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (command, done.stderr)
        said.append(done.stdout)
    return "\n".join(said)


def test_la_haute_borne_recovers_the_pairs_of_the_clock_change(tmp_path: Path) -> None:
    said = walk("la_haute_borne", tmp_path)
    assert "24 stamps of a repeated hour given to the skipped or the second one" in said
    log = pl.read_parquet(tmp_path / "published" / "load_log.parquet")
    assert (log["rows_in"].sum(), log["rows_quarantined"].sum()) == (2 * 8064, 0)
    (quoted,) = re.findall(r"^ la_haute_borne (.*)$", (REPO / "README.md").read_text("utf-8"), re.MULTILINE)
    assert " ".join(quoted.split()) in " ".join(said.split()), "README shows other figures"


def test_nrel_rsf_ii_is_lit_by_day_only(tmp_path: Path) -> None:
    said = walk("nrel_rsf_ii", tmp_path)
    assert "nothing suspicious" in said
    daily = pl.read_parquet(tmp_path / "published" / "mart_asset_daily.parquet")
    assert daily["energy_kwh"].sum() == pytest.approx(_plain_energy_kwh(), rel=1e-9)


def _plain_energy_kwh() -> float:
    rows = pl.read_csv(REPO / "examples" / "nrel_rsf_ii" / "rsf-ii-2022-01.csv")
    return float(rows["ac_power_kw_1137"].sum()) / 4


def test_the_wide_format_gives_the_sums_that_its_readme_states(tmp_path: Path) -> None:
    walk("wide_format", tmp_path)
    daily = pl.read_parquet(tmp_path / "published" / "mart_asset_daily.parquet")
    energy = dict(daily.group_by("asset_id").agg(pl.col("energy_kwh").sum()).iter_rows())
    assert energy == pytest.approx({"plant-a": 235.0, "plant-b": 120.0})
    weather = pl.read_parquet(tmp_path / "raw" / "weather" / "*.parquet")
    assert weather["poa_irradiance_wm2"].to_list() == pytest.approx([600.0] * 96)
    assert weather["air_temperature_c"].to_list() == pytest.approx([20.0] * 96)
