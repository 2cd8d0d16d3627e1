"""What docs/readers tells people to run does run, on both databases; and its words are those of the tables."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from renewable.places import CHECKOUT as REPO
from renewable.published.publish_to import publish_to
from renewable.settings import Settings
from tests.integration.postgres_server import PASSWORD, USER, connect, postgres_server, server_program

pytestmark = pytest.mark.integration
READERS = Path(str(REPO)) / "docs" / "readers"
needs_postgres = pytest.mark.skipif(
    server_program("initdb") is None, reason="no PostgreSQL server is installed"
)


def _fences(language: str) -> dict[str, str]:
    found = {}
    for page in sorted(READERS.glob("*.md")):
        for number, text in enumerate(
            re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        ):
            found[f"{page.stem} {number}"] = text
    return found


def _cells() -> Iterator[str]:
    notebook = json.loads((READERS / "first_look.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        assert not cell.get("outputs"), "a notebook in the repository has no outputs"
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def _as_grafana_does(sql: str) -> str:
    """Macros and variables as Grafana's PostgreSQL data source writes them, for all time and both technologies."""
    written = re.sub(
        r"\$__timeFilter\((\w+)\)", r"\1 BETWEEN '2000-01-01T00:00:00Z' AND '2100-01-01T00:00:00Z'", sql
    )
    written = written.replace("${technology:sqlstring}", "'solar','wind'")
    assert "$" not in written, written
    return written


def _queries() -> dict[str, str]:
    dashboard = json.loads((READERS / "grafana-dashboard.json").read_text("utf-8"))
    panels = {panel["title"]: panel["targets"][0]["rawSql"] for panel in dashboard["panels"]}
    variables = {
        each["name"]: each["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"
    }
    return panels | variables


@pytest.fixture(scope="module")
def database(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with postgres_server(tmp_path_factory.mktemp("dashboards")) as place:
        publish_to(published, f"postgresql://{USER}@{place}", password=PASSWORD)
        connection = connect(place)
        with connection.cursor() as cursor:
            cursor.execute("set search_path to renewable")
            yield cursor
        connection.close()


@pytest.mark.parametrize("page", sorted(_fences("sql")))
def test_the_sql_on_the_pages_gives_rows_from_the_duckdb_file(published: Settings, page: str) -> None:
    path = published.published_dir / "fleet.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute(_fences("sql")[page]).fetchall()


@needs_postgres
@pytest.mark.parametrize("page", sorted(_fences("sql")))
def test_and_from_postgresql(database: Any, page: str) -> None:
    database.execute(_fences("sql")[page])
    assert database.fetchall()


@needs_postgres
@pytest.mark.parametrize("panel", sorted(_queries()))
def test_every_panel_of_the_grafana_dashboard_has_something_to_show(database: Any, panel: str) -> None:
    database.execute(_as_grafana_does(_queries()[panel]))
    rows = database.fetchall()
    assert rows and all(value is not None for value in rows[0])


def test_the_python_on_the_pages_and_the_notebook_run(
    published: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENEWABLE_DATA_DIR", str(published.data_dir))
    monkeypatch.setenv("RENEWABLE_FLEET_DIR", str(published.fleet_dir))
    monkeypatch.chdir(tmp_path)
    for page, text in _fences("python").items():
        exec(compile(text, page, "exec"), {})
    assert (tmp_path / "monthly.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    names: dict[str, Any] = {}
    for cell in _cells():
        exec(compile(cell, "first_look.ipynb", "exec"), names)
    assert names["by_month"].height and names["losses"].height and names["events"].height
    assert names["chart"].to_dict()["mark"]


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in READERS.glob("*.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text("utf-8")):
            assert (READERS / target).exists(), (page.name, target)
