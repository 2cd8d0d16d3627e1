"""What commands of this package say when they cannot go on: one line and the next step, no traceback, no password.

Known causes have a sentence of their own; details of the others go to a file.
"""

import errno
import logging
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from renewable.errors import RenewableError, exit_code
from renewable.settings import Settings
from renewable.unforeseen import keep_details, report_unforeseen

_LITTLE_BYTES = 1_000_000
_MAYBE_FULL = re.compile(r"disk I/O error|unable to open database file")
_DISK_FULL = re.compile(r"disk is full|No space left on device|disk quota exceeded", re.IGNORECASE)


@contextmanager
def reported(known: Sequence[Settings]) -> Iterator[None]:
    """End the process with one line and its exit code whatever happens inside; `known` gets the settings."""
    # A log file that cannot be written is no reason for a traceback a line.
    logging.raiseExceptions = False
    try:
        yield
    except RenewableError as error:
        ended(f"error: {_of_full_disk(error, known[0] if known else None) or error}", exit_code(error))
    except Exception as error:
        ended(f"error: {sentence(error, known[0] if known else None)}", exit_code(error))


def ended(line: str, code: int) -> NoReturn:
    """End the process with a last line."""
    print(line, file=sys.stderr, flush=True)
    sys.exit(code)


def sentence(error: Exception, settings: Settings | None) -> str:
    """What happened and the next step; writes the details of what nobody foresaw to a file."""
    if full := _of_full_disk(error, settings):
        return full
    if settings and settings.postgres_url and any(_is_of_database(cause) for cause in _chain(error)):
        return (
            "RENEWABLE_POSTGRES_URL: the database of Dagster's history stopped answering. When it runs again, run this"
            " again: runs that it left behind are ended then. Details in"
            f" {keep_details(error, settings.work_dir, settings.secrets)}"
        )
    directory, hidden = (settings.work_dir, settings.secrets) if settings else (None, ())
    return report_unforeseen(error, directory, hidden=hidden)


def _of_full_disk(error: Exception, settings: Settings | None) -> str | None:
    chain = list(_chain(error))
    # SQLite calls it a disk I/O error in places.
    unsaid = any(_MAYBE_FULL.search(str(cause)) for cause in chain) and settings and not _has_space(settings)
    if not unsaid and not any(_is_full_disk(cause) for cause in chain):
        return None
    named = (cause.filename for cause in chain if isinstance(cause, OSError) and cause.filename)
    where = next(named, settings.data_dir if settings else "unknown")
    prune = " (`python -m dagster_project.prune --keep-days N` deletes old runs)" if settings else ""
    return (
        f"the disk is full ({where}): what was half done is undone by the next run. Free some space{prune} and run it"
        " again"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = set[int]()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _has_space(settings: Settings) -> bool:
    return settings.data_dir.exists() and shutil.disk_usage(settings.data_dir).free > _LITTLE_BYTES


def _is_full_disk(cause: BaseException) -> bool:
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    # SQLite and DuckDB have errors of their own
    return bool(_DISK_FULL.search(str(cause)))


def _is_of_database(cause: BaseException) -> bool:
    return type(cause).__module__.startswith(("sqlalchemy.", "psycopg2", "dagster_postgres."))
