"""What is worked out once for all fleets of a user, in folders that may be deleted at any time."""

import os
from pathlib import Path

from renewable.settings import Settings


def shared_folder(settings: Settings, name: str) -> Path:
    """The folder of that name, made where it is not there; the fleet's own one where the shared one cannot be written.

    A name in it says what a file depends on, so that none is ever out of date.
    """
    shared = settings.shared_dir / name
    try:
        shared.mkdir(parents=True, exist_ok=True)
        if os.access(shared, os.W_OK):
            return shared
    except OSError:
        # A service often has no home that it may write to.
        pass
    own = settings.work_dir / "cache" / name
    own.mkdir(parents=True, exist_ok=True)
    return own
