"""Dagster's web server behind the guard; takes the arguments of `dagster-webserver`."""

from typing import Any

import dagster_webserver.cli
from dagster_webserver.app import create_app_from_workspace_process_context

from dagster_project.failures import reported
from dagster_project.web_guard import WebGuard
from renewable.ctrl_c import interruptible
from renewable.settings import Settings, load_settings


def main() -> None:
    known: list[Settings] = []
    with interruptible(), reported(known):
        known.append(settings := load_settings())

    def guarded(*arguments: Any, **options: Any) -> WebGuard:
        app = create_app_from_workspace_process_context(*arguments, **options)
        return WebGuard(app, settings.further_ui_hosts)

    # The command makes its app by this name and has no option for what stands before it.
    command: Any = dagster_webserver.cli
    command.create_app_from_workspace_process_context = guarded
    command.main()


if __name__ == "__main__":
    main()
