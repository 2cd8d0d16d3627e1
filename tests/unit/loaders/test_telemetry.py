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
    assert importers
    for path in importers:
        if path.parts[:2] != ("src", loaders.__name__):
            lines = [line.strip() for line in (REPO / path).read_text().splitlines()]
            first = next(n for n, line in enumerate(lines) if line.startswith(("import dlt", "from dlt")))
            assert any(line.startswith("import loaders") for line in lines[:first]), path
    assert os.environ["RUNTIME__DLTHUB_TELEMETRY"] == "false"
