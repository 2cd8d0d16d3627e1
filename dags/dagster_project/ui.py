"""`make ui`: web server and daemon over one code server, until Ctrl-C; code can be loaded again from the UI.

`dg dev` does the same with a web server that anybody's page can command. Nearly all is imported late: Ctrl-C is heard
from the first moment on.
"""

from typing import TYPE_CHECKING

from renewable.ctrl_c import interruptible

if TYPE_CHECKING:
    from renewable.settings import Settings

_CLOSED = "the Dagster UI is closed; runs that are at work go on"


def main() -> None:
    with interruptible(_end_children, _CLOSED):
        _serve()


def _end_children() -> None:
    from dagster_project.ui_services import end_children

    end_children()


def _serve() -> None:
    import argparse
    import os

    from dagster_project.failures import reported
    from dagster_project.interrupts import end_like_ctrl_c
    from renewable.settings import load_settings

    end_like_ctrl_c()
    parser = argparse.ArgumentParser(description="The Dagster UI and its daemon, on this machine only.")
    parser.add_argument("--port", type=int, default=3000)
    known: list[Settings] = []
    with reported(known):
        options = parser.parse_args()
        known.append(settings := load_settings())
        check_port(options.port)
        from dagster_project.home import prepare_home
        from dagster_project.ui_services import serve

        os.environ |= {"DAGSTER_HOME": str(prepare_home(settings)), "DAGSTER_IS_DEV_CLI": "1"}
        address = f"http://127.0.0.1:{options.port}"
        serve(options.port, f"Dagster UI of {settings.data_dir}: {address}, Ctrl-C ends it")


def check_port(port: int) -> None:
    """Raises UsageError where another program listens on `port` of this machine."""
    import socket

    from renewable.errors import UsageError

    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"port {port} cannot be used: {error}. End the program that has it, or take another port:"
                " `renewable ui --port N`, `make ui PORT=N`"
            ) from error


if __name__ == "__main__":
    main()
