"""Errors that a user can act on: each message names what is at fault and the next step.

One rule for exit codes, for every command: 0 done, 1 the data or a step has a fault that is told, 2 wrong use (an
argument or a setting), 130 interrupted.
"""

DONE, FAULT, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


class RenewableError(Exception):
    """Base of all errors that are reported without a traceback."""


class UsageError(RenewableError):
    """An argument is wrong."""


class SettingsError(UsageError):
    """A setting is missing or wrong."""


class FleetError(RenewableError):
    """The fleet registry breaks its rules; the message lists every fault."""


class MappingError(RenewableError):
    """A mapping file, or the data it points at, cannot be used."""


class WindowError(UsageError):
    """A range of days is empty or malformed."""


class WarehouseBusyError(RenewableError):
    """Another process held the warehouse for longer than the wait allowed."""


class WarehouseError(RenewableError):
    """What lies in the warehouse's place cannot be used; `what` names the file and its fault without the next step."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(f"{what}. {next_step}")
        self.what = what


class PipelineError(RenewableError):
    """A step of the pipeline failed; the message says which and where its log lies."""


class NothingToScoreError(PipelineError):
    """Nothing that was built has an answer key beside it."""


def exit_code(error: BaseException) -> int:
    """The code with which a command ends for `error`."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return WRONG_USE if isinstance(error, UsageError) else FAULT
