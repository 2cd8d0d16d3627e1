"""Writes the report: reads the inputs, lays all pages beside the old ones, then swaps the folders."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib import resources
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from renewable.atomic_write import write_text_atomic
from renewable.report.charts import chart_specs
from renewable.report.inputs import read_inputs
from renewable.report.pages.every_page import report_pages
from renewable.report.period import PERIOD_DAYS
from renewable.settings import Settings
from renewable.shared_cache import shared_folder

_EXPORTED = "window.vega = vega; window.vegaLite = vegaLite; window.vegaEmbed = vegaEmbed;"


@dataclass(frozen=True)
class ReportSummary:
    """The first page, how many pages there are, and their bytes without the shared scripts."""

    index: Path
    pages: int
    bytes_of_pages: int

    @property
    def sentence(self) -> str:
        """One line for people."""
        return f"{self.pages} pages, {self.bytes_of_pages / 1e6:.1f} MB, in {self.index.parent}; open {self.index}"


def write_report(
    settings: Settings,
    *,
    now: datetime,
    days: int = PERIOD_DAYS,
    report: Callable[[str], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> ReportSummary:
    """Write `data/report` from the published tables, as of `now`, about the last `days` whole days.

    A reader never sees half a report: it is built in a folder of its own, which then takes the name of the old one.
    Raises PipelineError when nothing is published yet.
    """
    inputs = read_inputs(settings)
    target = settings.report_page.parent
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.work_dir / "report.lock", timeout=settings.lock_wait_s):
        building = settings.work_dir / f"report.{os.getpid()}"
        shutil.rmtree(building, ignore_errors=True)
        try:
            _write_assets(settings, building / "assets")
            sizes = []
            for path, html in report_pages(inputs, now, days):
                content = html.encode()
                _write(building / path, content)
                sizes.append(len(content))
                if progress:
                    progress(f"{len(sizes)} pages, {path}")
                if report and len(sizes) % 100 == 0:
                    report(f"{len(sizes)} pages written")
            _swap(building, target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return ReportSummary(settings.report_page, len(sizes), sum(sizes))


def _write_assets(settings: Settings, folder: Path) -> None:
    specs = json.dumps(chart_specs(), ensure_ascii=False, separators=(",", ":"))
    _write(folder / "vega.js", _vega(settings))
    _write(folder / "charts.js", f"window.reportCharts = {specs};\n".encode())
    for name in ("report.css", "report.js"):
        _write(folder / name, resources.files("renewable.report").joinpath("assets", name).read_bytes())


def _vega(settings: Settings) -> bytes:
    """The scripts that draw the charts; to put them together takes seconds, so they are kept."""
    key = sha256(f"{version('vl-convert-python')} {_EXPORTED}".encode()).hexdigest()[:16]
    kept = shared_folder(settings, "report") / f"vega-{key}.js"
    if not kept.exists():
        import vl_convert

        write_text_atomic(vl_convert.javascript_bundle(_EXPORTED), kept)
    return kept.read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _swap(new: Path, target: Path) -> None:
    old = new.with_name(f"{new.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
