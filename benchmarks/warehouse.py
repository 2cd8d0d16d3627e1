"""What the journal of a build costs. The chain and one more day of it: chain.py."""

import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import median
from unittest.mock import patch

from benchmarks.fleet import FIRST, generated
from benchmarks.table import row
from benchmarks.timing import timed
from loaders.dlt_pipeline import ingest
from renewable.transform import build
from renewable.transform.build import transform
from renewable.windows import Window

DAYS, ASSETS = 60, 40
REBUILDS = 3


def main() -> None:
    rebuild_and_its_journal()


def rebuild_and_its_journal() -> None:
    """A window in which all rows are replaced, with the journal that could undo it and without."""
    with tempfile.TemporaryDirectory() as directory:
        settings = generated(Path(directory), ASSETS, DAYS)
        ingest(settings)
        transform(settings, full=True)
        window = Window(FIRST, FIRST + timedelta(days=DAYS))
        print(f"{ASSETS} assets, {DAYS} days built again; medians of {REBUILDS}, in process\n")
        row("step", "s", "reference", "s", "ratio")
        found = list[tuple[float, float]]()
        for _ in range(REBUILDS):
            with_journal = timed(lambda: transform(settings, window))
            with patch.object(build, "ENVIRONMENT", {}):
                found.append((with_journal, timed(lambda: transform(settings, window))))
        row("with the journal", median(w for w, _ in found), "without", median(w for _, w in found))
