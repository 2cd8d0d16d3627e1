"""DAGSTER_HOME of these settings: where Dagster keeps runs and events, with the project's instance settings in it."""

import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from renewable.atomic_write import replacing
from renewable.errors import RenewableError, SettingsError
from renewable.settings import Settings, load_settings


def prepare_home(settings: Settings) -> Path:
    """Create the directory under the data directory with its databases, and refresh its dagster.yaml.

    Raises SettingsError when PostgreSQL is asked for and its package is not installed.
    """
    home = settings.data_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    # Two processes that make the databases at the same time (daemon and webserver) leave them unusable for good.
    with FileLock(home / ".creation.lock"):
        with replacing(home / "dagster.yaml") as temporary:
            # It may hold a password.
            temporary.touch(mode=0o600)
            temporary.write_text(instance_yaml(settings), encoding="utf-8")
        if settings.postgres_url or not (home / "schedules" / "schedules.db").exists():
            from dagster import DagsterInstance

            DagsterInstance.from_config(str(home)).dispose()
    return home


def instance_yaml(settings: Settings) -> str:
    """The project's instance settings, with PostgreSQL for runs, events and schedules where settings name it."""
    project = Path(__file__).with_name("dagster.yaml").read_text(encoding="utf-8")
    if not settings.postgres_url:
        return project
    if find_spec("dagster_postgres") is None:
        raise SettingsError(
            "RENEWABLE_POSTGRES_URL is set, and dagster-postgres is not installed: it comes with the extra `postgres`"
        )
    # SQLAlchemy takes a URL without a driver for psycopg 3, dagster-postgres brings psycopg2.
    url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", settings.postgres_url)
    # A JSON string is a YAML string, whatever the password holds.
    return f"{project}storage:\n  postgres:\n    postgres_url: {json.dumps(url)}\n"


if __name__ == "__main__":
    try:
        print(prepare_home(load_settings()))
    except RenewableError as error:
        sys.exit(f"error: {error}")
