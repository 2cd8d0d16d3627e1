"""Which files of the answer key there are, and of which world they speak."""

from datetime import date
from pathlib import Path

from renewable.settings import Settings
from renewable.windows import Window


def answer_key(settings: Settings, window: Window | None = None) -> list[Path]:
    """Files of the answer key for the days of `window`, in order; none where the data are not simulated."""
    files = sorted((settings.data_dir / "truth").glob("truth_*.parquet"))
    return [
        path for path in files if not window or date.fromisoformat(path.stem.removeprefix("truth_")) in window
    ]


def world_of(settings: Settings) -> str:
    """The world of the fleet's data: `plain` where there is no key by spans, else the one of the settings.

    Settings that say `plain` were changed after the data were made; the goals of `field` are asked of such data.
    """
    if not any((settings.data_dir / "truth" / "conditions").glob("conditions_*.parquet")):
        return "plain"
    return settings.world if settings.world != "plain" else "field"
