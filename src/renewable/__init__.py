"""Shared vocabulary of the pipeline, and what notebooks and scripts begin with: `renewable.open`.

    import renewable
    daily = renewable.open("my_fleet/profile.env").table("mart_asset_daily")

Importing it costs nothing: what a function needs is imported when it is called.
"""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from renewable.published.reader import PublishedFleet

    __version__: str

__all__ = ["__version__", "open"]


def open(profile: "str | PathLike[str] | None" = None) -> "PublishedFleet":
    """The published tables of a fleet, by its profile; without one those that the command `renewable` would read.

    Raises SettingsError when there is no such profile, or when a setting in it is wrong.
    """
    from renewable.published.reader import open_fleet

    return open_fleet(profile)


def __getattr__(name: str) -> str:
    """`__version__`, of the installed package; read when it is asked for, as every command begins here."""
    if name == "__version__":
        from importlib.metadata import version

        return version("renewable")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
