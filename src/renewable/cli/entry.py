"""Where `renewable` begins: Ctrl-C is heard from the first moment on, before anything slow is imported."""

import os
import signal
import sys

from renewable.ctrl_c import ends_at_once, interruptible
from renewable.errors import INTERRUPTED


def process() -> None:
    """`main` as a process of its own: what it ended with stands, also for a signal while Python tidies up."""
    try:
        main()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def main() -> None:
    """Run the command of `sys.argv` and end the process with its exit code."""
    with interruptible() as interruption:
        from renewable.cli.main import run_command

        code = run_command(sys.argv[1:], interruption)
        if interruption.is_asked or code == INTERRUPTED:
            interruption.end()
        if ends_at_once.is_set() and isinstance(code, int):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        sys.exit(code)
