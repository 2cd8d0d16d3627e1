"""Errors that a user can act on: each message names what is at fault and the next step."""


class RenewableError(Exception):
    """Base of all errors that are reported without a traceback."""


class SettingsError(RenewableError):
    """A setting is missing or wrong."""


class FleetError(RenewableError):
    """The fleet registry breaks its rules; the message lists every fault."""


class MappingError(RenewableError):
    """A mapping file, or the data it points at, cannot be used."""


class WindowError(RenewableError):
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
