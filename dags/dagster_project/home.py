"""DAGSTER_HOME of these settings: where Dagster keeps runs and events, with the project's instance settings in it."""

import shutil
import sys
from pathlib import Path

from renewable.errors import RenewableError
from renewable.settings import REPO, Settings, load_settings


def prepare_home(settings: Settings) -> Path:
    """Create the directory under the data directory and refresh its dagster.yaml."""
    home = settings.data_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPO / "dags" / "dagster.yaml", home / "dagster.yaml")
    return home


if __name__ == "__main__":
    try:
        print(prepare_home(load_settings()))
    except RenewableError as error:
        sys.exit(f"error: {error}")
