"""A step that fails begins with our sentence and the next step; Dagster's own words and the traceback come below."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from dagster_project.failures import sentence
from renewable.errors import RenewableError
from renewable.settings import Settings


@contextmanager
def told_plainly(settings: Settings) -> Iterator[None]:
    """Turn an error inside into a `dg.Failure` with one sentence; details of what nobody foresaw go to a file."""
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        said = str(error) if isinstance(error, RenewableError) else sentence(error, settings)
        metadata = {
            "what_happened": said,
            "error": type(error).__name__,
            "data_directory": str(settings.data_dir),
        }
        raise dg.Failure(said, metadata) from error
