"""Imports that are killed with SIGKILL at any moment: the next one ends with the files of one that nobody killed."""

import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from renewable.importers.ledger import store_of
from tests.unit.renewable.importers.test_deliveries import INTERVALS, START, Plant, Row

pytestmark = pytest.mark.integration
KILLS = 6
_IMPORT = (
    "import sys; from pathlib import Path; from renewable.importers.convert import import_files;"
    f" print('ready', flush=True); import_files(Path(sys.argv[1]), Path(sys.argv[2]), None, {INTERVALS!r})"
)


def _deliver(plant: Plant, days: int = 40) -> None:
    rows: list[Row] = [
        (START + timedelta(minutes=10 * step), unit, step % 25 / 2, 10.0 * step)
        for step in range(days * 144)
        for unit in INTERVALS
    ]
    for number in range(4):
        plant.deliver(rows[number * len(rows) // 4 : (number + 1) * len(rows) // 4 + 20], f"{number}.csv")


def test_killed_imports_are_made_up_for(tmp_path: Path) -> None:
    clean, killed = Plant(tmp_path / "clean"), Plant(tmp_path / "killed")
    for plant in (clean, killed):
        _deliver(plant)
    started = time.monotonic()
    clean.run()
    took_s, drawn, kills = time.monotonic() - started, random.Random(3), 0
    command = [sys.executable, "-c", _IMPORT, str(killed.mapping_path), str(killed.raw)]
    for _ in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            time.sleep(drawn.uniform(0.0, took_s))
            process.kill()
        kills += process.returncode == -9
    assert kills, "none was killed at work"
    (killed.raw / "weather").mkdir(parents=True, exist_ok=True)
    (killed.raw / "weather" / ".weather_2024-04-01.parquet.99.tmp").write_bytes(b"half a file")
    killed.run()
    assert killed.files == clean.files
    left = {path.name for path in store_of(killed.raw).rglob("*")}
    assert left == {path.name for path in store_of(clean.raw).rglob("*")}
    assert not list(killed.raw.rglob(".*")), "no file in the making is left"
