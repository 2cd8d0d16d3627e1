"""dbt as analytics engineers call it: what is wrong is said in a sentence, and everything is described."""

import datetime
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
import yaml

from renewable.places import DBT_PROJECT
from renewable.transform.dbt_door import fault_of
from tests.dbt_macros import rendered

pytestmark = pytest.mark.unit
_MACRO = re.compile(r"\{%-?\s*(macro|test|materialization)\s+(\w+)\s*(.*?)\s*-?%\}", re.DOTALL)


class RefusedError(Exception):
    """What dbt's own raise_compiler_error raises."""


def _refuse(message: str) -> None:
    raise RefusedError(message)


def _has_window(**variables: Any) -> str:
    return rendered(
        "has_window",
        var=lambda name: variables.get(name),
        env_var=lambda _, default: default,
        modules=SimpleNamespace(re=re, datetime=datetime),
        exceptions=SimpleNamespace(raise_compiler_error=_refuse),
    )


def test_a_window_may_be_given_with_quotes_and_without() -> None:
    first, after = datetime.date(2025, 1, 1), datetime.date(2025, 2, 1)
    assert _has_window(window_start=str(first), window_end=str(after)) == "True"
    # As YAML reads them without quotes.
    assert _has_window(window_start=first, window_end=after) == "True"
    assert _has_window() == "False"


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("today", "2025-02-01", "window_start is today, which is no day"),
        ("2025-01-01", None, "window_end not given: give both"),
        (None, "2025-01-01", "window_start is not given and window_end 2025-01-01: give both"),
        ("2025-02-01", "2025-02-01", "the end after the start"),
    ],
)
def test_half_a_window_and_what_is_no_day_are_refused(start: str | None, end: str | None, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        _has_window(window_start=start, window_end=end)


def test_a_warehouse_that_dbt_cannot_work_on_is_named_with_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "wh.duckdb"
    assert re.search(f"no warehouse {path} yet: `renewable run`", fault_of(path) or "")
    assert not path.exists()
    with duckdb.connect(str(path)) as connection:
        assert "is open in" in (fault_of_in_another_process(path) or "")
        connection.execute("create schema raw")
    assert re.search("nothing is loaded into .* yet: run `renewable ingest`", fault_of(path) or "")
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table raw.load_log (file varchar)")
    assert fault_of(path) is None
    path.write_bytes(b"no database")
    assert "cannot be opened" in (fault_of(path) or "")


def fault_of_in_another_process(path: Path) -> str:
    import subprocess
    import sys

    program = "import sys; from pathlib import Path; from renewable.transform.dbt_door import fault_of;"
    done = subprocess.run(
        [sys.executable, "-c", f"{program} print(fault_of(Path(sys.argv[1])))", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_every_macro_and_every_argument_of_it_is_described() -> None:
    told = {
        macro["name"]: [
            argument["name"] for argument in macro.get("arguments", []) if argument["description"]
        ]
        for macro in yaml.safe_load((DBT_PROJECT / "macros" / "_macros.yml").read_text("utf-8"))["macros"]
        if macro["description"]
    }
    written = {}
    for file in [*DBT_PROJECT.glob("macros/*.sql"), *DBT_PROJECT.glob("tests/generic/*.sql")]:
        for kind, name, rest in _MACRO.findall(file.read_text("utf-8")):
            if kind == "materialization":
                engine = re.findall(r"adapter='(\w+)'", rest)[0]
                written[f"materialization_{name}_{engine}"] = list[str]()
            else:
                inside = re.sub(r"\[.*?\]|'[^']*'", "", rest.strip()[1:-1], flags=re.DOTALL)
                names = [each.partition("=")[0].strip() for each in inside.split(",")]
                written[f"test_{name}" if kind == "test" else name] = [each for each in names if each]
    assert told == written


def test_every_column_that_a_yml_lists_and_every_model_is_described() -> None:
    for file in (DBT_PROJECT / "models").rglob("*.yml"):
        for model in (yaml.safe_load(file.read_text("utf-8")) or {}).get("models") or []:
            assert model["description"], model["name"]
            lacking = [column["name"] for column in model.get("columns", []) if not column.get("description")]
            assert not lacking, (model["name"], lacking)


def test_each_mart_is_read_by_an_exposure_and_the_marts_are_all_that_they_read() -> None:
    exposures = yaml.safe_load((DBT_PROJECT / "models" / "_exposures.yml").read_text("utf-8"))["exposures"]
    read = {
        name for each in exposures for name in re.findall(r"ref\('(\w+)'\)", " ".join(each["depends_on"]))
    }
    assert read == {file.stem for file in (DBT_PROJECT / "models" / "marts").glob("*.sql")}
