"""Reading back what the pipeline wrote itself for readers: it may be cut off or gone by the time it is read."""

from pathlib import Path

import polars as pl

from renewable.errors import PipelineError


def read_own_parquet(path: Path, next_step: str) -> pl.DataFrame:
    """The frame in `path`; PipelineError that names the file and `next_step` when it is no whole Parquet file."""
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).split())
        raise PipelineError(f"{path} cannot be read: {reason}. {next_step}") from error
