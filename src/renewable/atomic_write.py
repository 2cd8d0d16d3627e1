"""Writing files so that no reader and no crash ever sees a part of one.

It imports nothing but Polars, so that child processes that only write start fast.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import polars as pl


def write_parquet_atomic(frame: pl.DataFrame, path: Path) -> None:
    """Write `frame` so that a reader or a crash never sees a part of it: temporary name, fsync, rename."""
    # Into memory first: after Ctrl-C Polars goes on in the background and would bring a removed file back.
    content = BytesIO()
    frame.write_parquet(content)
    _write_atomic(content.getbuffer(), path)


def write_text_atomic(text: str, path: Path) -> None:
    """Like write_parquet_atomic, for text."""
    _write_atomic(text.encode(), path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to be written; it takes the name of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _write_atomic(content: bytes | memoryview, path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
