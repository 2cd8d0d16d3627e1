"""DAGSTER_HOME of these settings: where Dagster keeps runs and events, with the project's instance settings in it."""

import json
from pathlib import Path

from filelock import FileLock

from dagster_project.failures import reported
from dagster_project.postgres import check_database, dagster_url
from renewable.atomic_write import replacing
from renewable.ctrl_c import interruptible
from renewable.notify import check_addresses
from renewable.settings import Settings, load_settings


def prepare_home(settings: Settings) -> Path:
    """Create the directory under the data directory with its databases, and refresh its dagster.yaml.

    Raises SettingsError when PostgreSQL is asked for and cannot be used, or alerts have an address that cannot be read.
    """
    if settings.postgres_url:
        check_database(settings.postgres_url)
    if settings.alert_urls:
        check_addresses(settings.alert_urls)
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
    # A JSON string is a YAML string, whatever the path or the password holds.
    if settings.postgres_url:
        url = json.dumps(dagster_url(settings.postgres_url))
        return f"{project}storage:\n  postgres:\n    postgres_url: {url}\n"
    events = json.dumps(str(settings.data_dir / "dagster" / "history" / "runs"))
    return (
        f"{project}event_log_storage:\n  module: dagster_project.event_storage\n"
        f"  class: BatchedSqliteEventLogStorage\n  config:\n    base_dir: {events}\n"
    )


def main() -> None:
    known: list[Settings] = []
    with interruptible(), reported(known):
        known.append(settings := load_settings())
        print(prepare_home(settings))


if __name__ == "__main__":
    main()
