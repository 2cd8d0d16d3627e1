"""The `renewable` command as a user calls it, each step on temporary paths."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.integration


def _call(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command behind a proxy that every library would use. No command may call anybody."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("RENEWABLE_")}
    environment |= {"RENEWABLE_DATA_DIR": str(data_dir), **settings}
    # What a person allows elsewhere makes no difference.
    environment |= {"RUNTIME__DLTHUB_TELEMETRY": "true", "NO_PROXY": "", "no_proxy": ""}
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            environment |= {name: address, name.upper(): address}
        done = subprocess.run(
            [Path(sys.executable).parent / "renewable", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=data_dir,
        )
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()
            pytest.fail(f"{arguments} called somebody")
    return done


def test_every_step_works_by_hand(tmp_path: Path, fleet_dir: Path) -> None:
    fleet = {"RENEWABLE_FLEET_DIR": str(fleet_dir)}
    steps = [
        (["generate", "--start", "2025-01-01", "--end", "2025-01-03"], "6 files written"),
        (["ingest"], "4 of 4 files loaded, 4608 rows"),
        (["ingest"], "nothing new: all 4 files were loaded before"),
        (["transform"], "rebuilt 1 to 2 January 2025, both included"),
        (["transform"], "nothing stale"),
        (["publish"], "published mart_asset_daily"),
        (["summary"], "capacity"),
    ]
    for arguments, said in steps:
        done = _call(tmp_path, *arguments, **fleet)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout, arguments
    status = json.loads(_call(tmp_path, "status", "--json", **fleet).stdout)
    assert status["pending"] == [] and status["stale_days"] == []
    assert status["rows_loaded"] == {"generation": 2304, "weather": 2304}


def test_a_run_without_a_raw_file_says_where_it_looked_and_the_next_step(
    tmp_path: Path, fleet_dir: Path
) -> None:
    done = _call(tmp_path, "run", RENEWABLE_FLEET_DIR=str(fleet_dir), RENEWABLE_INPUT="files")
    assert done.returncode == 1
    assert f"error: {tmp_path / 'raw'} holds no raw file: put some there" in done.stderr
    assert "raw files: files come from outside" in done.stderr


def test_the_report_opens_once_there_is_one(tmp_path: Path, fleet_dir: Path) -> None:
    done = _call(tmp_path, "open", "--profile", "nowhere.env")
    assert done.returncode == 2 and "there is no file nowhere.env" in done.stderr
    done = _call(tmp_path, "open")
    assert done.returncode == 1 and "there is no report" in done.stderr


def test_a_made_up_fleet_is_simulated_broken_and_still_loads(tmp_path: Path) -> None:
    fleet = {"RENEWABLE_FLEET_DIR": str(tmp_path / "fleet")}
    steps = [
        (
            ["fleet", "--wind", "2", "--solar", "3", "--seed", "5", "--out", str(tmp_path / "fleet")],
            "5 assets at",
        ),
        (
            ["generate", "--start", "2025-02-01", "--end", "2025-02-08", "--events", "harsh", "--jobs", "2"],
            "21 files",
        ),
        (["inject-defects", "--start", "2025-02-01", "--end", "2025-02-08"], "conflicting_duplicates"),
        (["ingest"], "refused"),
        (
            [
                "generate",
                "--start",
                "2025-02-01",
                "--end",
                "2025-02-15",
                "--diagnose",
                str(tmp_path / "s.png"),
            ],
            "plots",
        ),
    ]
    for arguments, said in steps:
        done = _call(tmp_path, *arguments, **fleet)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout, (arguments, done.stdout)
    again = _call(tmp_path, "fleet", "--out", str(tmp_path / "fleet"))
    assert again.returncode == 2 and "--overwrite" in again.stderr
    defects = [json.loads(line) for line in (tmp_path / "truth" / "defects.jsonl").read_text().splitlines()]
    whole_files = {"wrong_type", "naive_timestamps", "extra_column", "missing_column", "truncated"}
    refused = json.loads(_call(tmp_path, "status", "--json", **fleet).stdout)["quarantined"]["files"]
    broken = {defect["file"] for defect in defects if defect["kind"] in whole_files}
    assert {name.rpartition("/")[2] for name in refused} == broken
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


def test_import_takes_a_mapping_file(tmp_path: Path) -> None:
    done = _call(tmp_path, "import", str(REPO / "examples/la_haute_borne/mapping.yaml"))
    assert done.returncode == 0, done.stderr
    assert "28 day files written" in done.stdout


def test_fleet_check_lists_every_fault_at_once_and_then_what_looks_like_a_slip(tmp_path: Path) -> None:
    shutil.copytree(REPO / "examples" / "wide_format", tmp_path / "fleet")
    registry = tmp_path / "fleet" / "assets.csv"
    whole = registry.read_text()
    assert "no faults" in _call(tmp_path, "fleet", "check", str(tmp_path / "fleet")).stdout
    registry.write_text(whole.replace("50.1,9.9", "9.9,150.1").replace(",25,180,", ",25,0,"))
    doubtful = _call(tmp_path, "fleet", "check", str(tmp_path / "fleet"))
    assert doubtful.returncode == 0
    assert "latitude and longitude swapped" in doubtful.stdout and "faces away" in doubtful.stdout
    registry.write_text(whole.replace("Europe/Berlin", "Berlin", 1).replace(",24,", ",-24,", 1))
    faulty = _call(tmp_path, "fleet", "check", str(tmp_path / "fleet"))
    assert faulty.returncode == 1
    assert "2 fault(s)" in faulty.stderr and "timezone" in faulty.stderr and "rated_power_kw" in faulty.stderr


def test_preview_tells_and_writes_nothing(tmp_path: Path) -> None:
    fleet = {"RENEWABLE_FLEET_DIR": str(REPO / "examples" / "nrel_rsf_ii")}
    text = (REPO / "examples" / "nrel_rsf_ii" / "mapping.yaml").read_text()
    wrong = text.replace('"-05:00"', '"-07:00"').replace("label: start", "label: end")
    export = REPO / "examples" / "nrel_rsf_ii" / "rsf-ii-2022-01.csv"
    (tmp_path / "mapping.yaml").write_text(wrong.replace("rsf-ii-2022-01.csv", str(export)))
    done = _call(tmp_path, "import", "--preview", str(tmp_path / "mapping.yaml"), **fleet)
    assert done.returncode == 0, done.stderr
    assert "while the sun is down" in done.stdout and "wrong time zone" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["mapping.yaml"]


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "said"),
    [
        (["status"], {"RENEWABLE_SEED": "x"}, 2, "RENEWABLE_SEED=x"),
        (["generate", "--start", "2025-01-02", "--end", "2025-01-01"], {}, 2, "is empty"),
        (["generate", "--days", "1", "--start", "2025-01-02", "--end", "2025-01-04"], {}, 2, "not both"),
        (["publish"], {}, 1, "run `renewable ingest` first"),
        (["transform"], {}, 1, "run `renewable ingest` first"),
        (["ingest"], {"RENEWABLE_FLEET_DIR": "/nowhere"}, 1, "/nowhere/assets.csv: no such file"),
        (["import"], {}, 2, "RENEWABLE_MAPPING"),
        (["--profile", "nowhere.env", "status"], {}, 2, "nowhere.env"),
    ],
)
def test_errors_say_what_is_at_fault(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], code: int, said: str
) -> None:
    done = _call(tmp_path, *arguments, **settings)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert said in done.stderr
