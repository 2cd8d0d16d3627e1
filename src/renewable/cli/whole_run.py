"""`renewable run`: raw files, ingest, models, published tables and report, for what is new."""

from collections.abc import Callable
from datetime import datetime, timedelta

from renewable.cli.steps import Report, Step
from renewable.errors import PipelineError
from renewable.settings import Settings
from renewable.windows import Window

# The simulator has to be told which days; without a word these many whole days.
SIMULATED_DAYS = 14


def run_all(
    settings: Settings,
    window: Window | None,
    now: datetime,
    do: Callable[[str, Step], str],
) -> tuple[str, ...]:
    """Do all steps, for the days of `window` or for all that is new; returns the files that could not be loaded.

    Raises what the steps raise, and PipelineError where no raw file is there at all.
    """
    from loaders.dlt_pipeline import ingest
    from renewable.contract import TABLES
    from renewable.operations.raw_input import deliver_raw_files
    from renewable.published.publish import publish
    from renewable.report.build import write_report
    from renewable.transform.build import transform

    today = now.date()
    asked = window or Window(today - timedelta(days=SIMULATED_DAYS), today)
    held_back: list[str] = []

    def load(say: Report) -> str:
        summary = ingest(settings, window, report=say)
        held_back.extend(held.sentence for held in summary.held_back)
        if window is None and not (summary.files_seen or summary.files_removed):
            step = {"mapping": "`renewable import --preview` says what the deliveries give"}.get(
                settings.input, "put some there, as docs/how-to/raw-files.md describes"
            )
            raise PipelineError(f"{settings.raw_dir} holds no raw file: {step}")
        return summary.sentence

    do("raw files", lambda say: deliver_raw_files(settings, asked, TABLES, report=say))
    do("ingest", load)
    do("models", lambda say: transform(settings, report=say, progress=say.progress).sentence)
    do("publish", lambda say: publish(settings, report=say, progress=say.progress).sentence)
    do("report", lambda say: write_report(settings, now=now, report=say, progress=say.progress).sentence)
    return tuple(held_back)
