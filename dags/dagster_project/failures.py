"""What commands of this package say when they cannot go on: one line and the next step, no traceback, no password.

Known causes have a sentence of their own; details of the others go to a file.
"""

import errno
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from renewable.errors import RenewableError
from renewable.settings import Settings

_DISK_FULL = re.compile(r"disk is full|No space left on device|disk quota exceeded", re.IGNORECASE)


@contextmanager
def reported(known: Sequence[Settings]) -> Iterator[None]:
    """End the process with one line and a status other than 0 whatever happens inside; `known` gets the settings."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except RenewableError as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        sys.exit(f"error: {sentence(error, known[0] if known else None)}")


def sentence(error: Exception, settings: Settings | None) -> str:
    """What happened and the next step; writes the details of what nobody foresaw to a file."""
    data_dir = settings.data_dir if settings else None
    chain = list(_chain(error))
    if any(_is_full_disk(cause) for cause in chain):
        where = next(
            (cause.filename for cause in chain if isinstance(cause, OSError) and cause.filename), None
        )
        return (
            f"the disk is full ({where or data_dir}): what was half done is undone by the next run."
            f" Free some space{_old_history(settings)} and run it again"
        )
    if settings and settings.postgres_url and any(_is_of_database(cause) for cause in chain):
        return (
            "RENEWABLE_POSTGRES_URL: the database of Dagster's history stopped answering. When it runs again, run this"
            f" again: runs that it left behind are ended then. Details in {_keep(error, settings)}"
        )
    kept = _keep(error, settings)
    return f"{type(error).__name__}, which nobody foresaw; please report it with the details in {kept}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = set[int]()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _is_full_disk(cause: BaseException) -> bool:
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    # SQLite and DuckDB have errors of their own
    return bool(_DISK_FULL.search(str(cause)))


def _is_of_database(cause: BaseException) -> bool:
    return type(cause).__module__.startswith(("sqlalchemy.", "psycopg2", "dagster_postgres."))


def _old_history(settings: Settings | None) -> str:
    return " (`python -m dagster_project.prune --keep-days N` deletes old runs)" if settings else ""


def _keep(error: BaseException, settings: Settings | None) -> Path:
    name = f"unforeseen-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    text = "".join(traceback.format_exception(error))
    for hidden in (settings.postgres_url, *settings.alert_urls.split()) if settings else ():
        if hidden:
            text = text.replace(hidden, "***")
    last = Path(tempfile.gettempdir())
    for directory in [*([settings.work_dir] if settings else []), last]:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).touch(mode=0o600)
            (directory / name).write_text(text, encoding="utf-8")
            return directory / name
        except OSError:
            if directory == last:
                raise
    return last
