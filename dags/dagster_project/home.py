"""DAGSTER_HOME of these settings: where Dagster keeps runs and events, with the project's instance settings in it."""

import shutil
import sys
from pathlib import Path

from filelock import FileLock

from renewable.errors import RenewableError
from renewable.settings import Settings, load_settings


def prepare_home(settings: Settings) -> Path:
    """Create the directory under the data directory with its databases, and refresh its dagster.yaml."""
    home = settings.data_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("dagster.yaml"), home / "dagster.yaml")
    # Two processes that make the databases at the same time (daemon and webserver) leave them unusable for good.
    with FileLock(home / ".creation.lock"):
        if not (home / "schedules" / "schedules.db").exists():
            from dagster import DagsterInstance

            DagsterInstance.from_config(str(home)).dispose()
    return home


if __name__ == "__main__":
    try:
        print(prepare_home(load_settings()))
    except RenewableError as error:
        sys.exit(f"error: {error}")
