"""dlt calls its vendor unless the environment forbids it before the import; the commands are tested with a proxy."""

import os

import pytest

import loaders
from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.unit


def test_dlt_is_imported_only_where_its_telemetry_is_off() -> None:
    importers = {
        path.relative_to(REPO)
        for path in [*(REPO / "src").rglob("*.py"), *(REPO / "dags").rglob("*.py")]
        if any(line.strip().startswith(("import dlt", "from dlt")) for line in path.read_text().splitlines())
    }
    assert {path.parts[:2] for path in importers} == {("src", loaders.__name__)}
    assert os.environ["RUNTIME__DLTHUB_TELEMETRY"] == "false"
