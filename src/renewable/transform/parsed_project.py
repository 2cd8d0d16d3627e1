"""The parsed dbt project, kept once for all fleets of a user: to parse it takes ten seconds, to read it a third of one.

Its folder is named after the content of the project's files and the versions of dbt, so what is kept is never out of
date.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from renewable.settings import Settings
from renewable.shared_cache import shared_folder

MANIFEST = "manifest.json"
_MESSAGES = "partial_parse.msgpack"
_SOURCES = ("dbt_project.yml", "profiles.yml", "models", "macros", "tests", "vocabulary", "analyses", "seeds")
_VERSIONS = {"duckdb": ("dbt-core", "dbt-duckdb"), "spark": ("dbt-core", "dbt-spark")}
_UNUSED_S = 30 * 86400.0

State = tuple[str, int, int]


def kept_folder(settings: Settings, project: Path) -> Path:
    """Where `project` as it is now is kept, parsed; it need not be there yet."""
    # Of all settings only the engine and the database's name are in what dbt parses; the rest is read when it runs.
    key = _key(project, settings.engine, settings.warehouse_path.stem, _states(project))
    kept = shared_folder(settings, "dbt") / key
    with suppress(FileNotFoundError):
        # It is in use (_forget_unused).
        os.utime(kept)
    return kept


@contextmanager
def folder_in_the_making(kept: Path) -> Iterator[Path]:
    """A folder to parse into, which is `kept` once the block has ended well."""
    making = Path(tempfile.mkdtemp(prefix=".parsing-", dir=kept.parent))
    try:
        yield making
        # Of two processes the first one's stays.
        if not (kept / MANIFEST).exists():
            shutil.rmtree(kept, ignore_errors=True)
            making.rename(kept)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    _forget_unused(kept)


def read_parsed(kept: Path) -> Any:
    """dbt's manifest from `kept`; None where there is none, or none that can be read."""
    path = kept / _MESSAGES
    if not path.exists():
        return None
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    try:
        manifest = Manifest.from_msgpack(path.read_bytes(), decoder=extended_mashumuro_decoder)
    except Exception:
        # Cut short by a machine that went off, in whichever place: it is parsed anew, as dbt does with its own file.
        shutil.rmtree(kept, ignore_errors=True)
        return None
    manifest.build_parent_and_child_maps()  # type: ignore[no-untyped-call]
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    return manifest


def _forget_unused(kept: Path) -> None:
    """Take out what no process has used for a month: the project has changed since."""
    for folder in kept.parent.iterdir():
        # Another process may take it out, too.
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < time.time() - _UNUSED_S:
                shutil.rmtree(folder, ignore_errors=True)


def _states(project: Path) -> tuple[State, ...]:
    roots = [project / name for name in _SOURCES]
    files = (path for root in roots for path in ([root] if root.is_file() else sorted(root.rglob("*.*"))))
    stats = ((str(path), path.stat()) for path in files)
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


@lru_cache(maxsize=8)
def _key(project: Path, engine: str, database: str, states: tuple[State, ...]) -> str:
    versions = [version(name) for name in _VERSIONS[engine]]
    digest = hashlib.sha256(repr((str(project), engine, database, versions)).encode())
    for name, _, _ in states:
        content = Path(name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
