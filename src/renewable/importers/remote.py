"""Deliveries at a URL: copied into a temporary place that lives as long as the process."""

import shutil
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from renewable.errors import MappingError


def is_url(files: str) -> bool:
    """Whether `source.files` is no path."""
    return "://" in files


def fetched(url: str, mapping_path: Path) -> list[Path]:
    """Copies of the files that a URL, which may hold a glob, names; in order of its names, each with its own name.

    Raises MappingError where nothing is found or the place cannot be reached.
    """
    import fsspec

    try:
        found = sorted(fsspec.open_files(url, "rb"), key=lambda file: str(file.path))
        copies = []
        for remote in found:
            # What did not change stays as it was fetched before.
            state = sha256(f"{remote.path} {remote.fs.ukey(remote.path)}".encode()).hexdigest()
            copy = Path(_place().name) / state / Path(remote.path).name
            if not copy.exists():
                copy.parent.mkdir(exist_ok=True)
                with remote as content, copy.with_suffix(".part").open("wb") as out:
                    shutil.copyfileobj(content, out, 1 << 20)
                copy.with_suffix(".part").rename(copy)
            copies.append(copy)
    # Each kind of place has errors of its own.
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise MappingError(
            f"{mapping_path}: source.files: {url!r} cannot be fetched: {reason}. See that its place is within reach and"
            " that what fsspec needs for it is installed, such as s3fs, gcsfs or adlfs"
        ) from error
    if not copies:
        raise MappingError(f"{mapping_path}: source.files: {url!r} matches no file")
    return copies


@cache
def _place() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="renewable-fetched-")
