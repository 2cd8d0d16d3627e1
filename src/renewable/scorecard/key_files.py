"""Which files of the answer key there are, and of which world they speak."""

from datetime import date
from pathlib import Path

from renewable.settings import Settings
from renewable.windows import Window


def answer_key(settings: Settings, window: Window | None = None) -> list[Path]:
    """Files of the answer key for the days of `window`, in order; none where the data are not simulated."""
    return _days(settings.data_dir / "truth", "truth_", window)


def span_key(settings: Settings, window: Window | None = None) -> list[Path]:
    """Files of the answer key by spans, likewise; none in the world `plain`."""
    return _days(settings.data_dir / "truth" / "conditions", "conditions_", window)


def world_of(settings: Settings) -> str:
    """The world of the fleet's data: `plain` where there is no key by spans, else the one of the settings.

    Settings that say `plain` were changed after the data were made; the goals of `field` are asked of such data.
    """
    if not span_key(settings):
        return "plain"
    return settings.world if settings.world != "plain" else "field"


def _days(folder: Path, prefix: str, window: Window | None) -> list[Path]:
    return [
        path
        for path in sorted(folder.glob(f"{prefix}*.parquet"))
        if not window or date.fromisoformat(path.stem.removeprefix(prefix)) in window
    ]
