"""Where the dbt project lies and how it is called: environment, variables, manifest."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from renewable.atomic_write import write_text_atomic
from renewable.errors import PipelineError, SettingsError
from renewable.fleet import Fleet, load_fleet, registry_files
from renewable.places import DBT_PROJECT
from renewable.settings import Settings
from renewable.transform.parsed_project import MANIFEST, folder_in_the_making, kept_folder, read_parsed
from renewable.warehouse import busy_by_error, refuse_by_error
from renewable.windows import Window

# Nothing on the console: what failed is told once, by the error; tracebacks go to dbt's log.
_FLAGS = ("--log-level", "none", "--log-level-file", "debug", "--quiet", "--no-use-colors", "--warn-error")
_READ_REGISTRY = ("build", "run")
# What `dbt build` leaves out: unit tests are of the project, not of a fleet.
WITH_TESTS = ("--exclude-resource-type", "unit_test")
NO_TESTS = (*WITH_TESTS, "--exclude-resource-type", "test")
# The manifest takes longer to write than a model to build, and is written where it is asked for (ensure_manifest).
_WRITES_NO_JSON = ("build", "run", "test")

# The parsed project as dbt wants it, by its folder.
_manifests: dict[Path, Any] = {}


def target_dir(settings: Settings) -> Path:
    """Directory of dbt's artefacts for these settings; the project's own `target/` is left alone."""
    return settings.work_dir / "dbt"


def registry_dir(settings: Settings) -> Path:
    """Directory of the validated registry, the only one that dbt reads; the folder that people write stays theirs."""
    return settings.work_dir / "registry"


def place_registry(settings: Settings, fleet: Fleet) -> None:
    """Write `fleet` where dbt reads it; files that say the same already are left alone.

    Raises SettingsError when the folder that people write is among the files that may be overwritten.
    """
    if settings.fleet_dir.resolve().is_relative_to(settings.work_dir.resolve()):
        raise SettingsError(
            f"RENEWABLE_FLEET_DIR={settings.fleet_dir} lies in {settings.work_dir}, whose files are overwritten and"
            " may be deleted at any time: move the registry elsewhere"
        )
    for name, text in registry_files(fleet, settings.first_day).items():
        path = registry_dir(settings) / name
        if not path.is_file() or path.read_bytes() != text.encode():
            write_text_atomic(text, path)


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Environment variables that bind the project to a warehouse and a fleet."""
    return {
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "DBT_TARGET_PATH": str(target_dir(settings)),
        "DBT_LOG_PATH": str(target_dir(settings) / "logs"),
        "RENEWABLE_ENGINE": settings.engine,
        "RENEWABLE_WAREHOUSE": str(settings.warehouse_path),
        "RENEWABLE_DUCKDB_MEMORY_LIMIT": settings.duckdb_memory_limit,
        "RENEWABLE_DBT_REGISTRY": str(registry_dir(settings)),
    }


def window_environment(window: Window | None, rebuild_end: date | None = None) -> dict[str, str]:
    """Environment variables that limit a build to what a change of `window` reaches; none rebuilds everything.

    Days from `rebuild_end` on are left alone. dbt's own variables would do as well, but other values of them make
    dbt parse the project again.
    """
    if window is None:
        return {}
    bounds = {"RENEWABLE_WINDOW_START": str(window.start), "RENEWABLE_WINDOW_END": str(window.end)}
    return bounds | ({"RENEWABLE_REBUILD_END": str(rebuild_end)} if rebuild_end else {})


def ensure_manifest(settings: Settings) -> Path:
    """The project's manifest; parsed anew when the project is another one than any that is kept.

    Raises DbtError that says what dbt finds wrong with the project.
    """
    kept = kept_folder(settings, DBT_PROJECT)
    if not (kept / MANIFEST).exists():
        _parse(settings, kept)
    return kept / MANIFEST


@dataclass(frozen=True)
class NodeResult:
    """What became of a node of the project: `sql` is what dbt ran for it, where it ran anything."""

    unique_id: str
    status: str
    message: str
    sql: str | None

    @property
    def has_failed(self) -> bool:
        return self.status in ("error", "fail", "runtime error")

    @property
    def is_failed_test(self) -> bool:
        """Whether it is a data test that found rows; one that could not be run is an error like a model's."""
        return self.status == "fail"


class DbtError(PipelineError):
    """dbt could not do what it was called for; `results` are those of its nodes, as far as there are any."""

    def __init__(self, message: str, results: Sequence[NodeResult] = ()) -> None:
        super().__init__(message)
        self.results = tuple(results)


def invoke_dbt(
    settings: Settings,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    on_event: Callable[[Any], None] | None = None,
    fleet: Fleet | None = None,
) -> Any:
    """Run a dbt command in this process and let go of the warehouse afterwards; dbt's result.

    `on_event` sees dbt's events.

    The registry that it works with is `fleet`, by default the one in RENEWABLE_FLEET_DIR as of now.
    Raises DbtError that lists the models and tests at fault, FleetError when the registry has faults, WarehouseError
    when the warehouse's file is at fault, WarehouseBusyError when another program has it open.
    """
    if arguments[0] in _READ_REGISTRY:
        place_registry(settings, fleet or load_fleet(settings.fleet_dir))
    runner = _dbt_runner()
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    target_dir(settings).mkdir(parents=True, exist_ok=True)
    with bound_environment(settings, environment or {}):
        try:
            known = None if arguments[0] == "parse" else _parsed(settings)
            outcome = runner(manifest=known, callbacks=[on_event] if on_event else []).invoke(
                [*_FLAGS, *(["--no-write-json"] if arguments[0] in _WRITES_NO_JSON else []), *arguments]
            )
        finally:
            # dbt keeps the connection, and with it the file's lock, in a class attribute.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if outcome.success:
        return outcome.result
    if outcome.exception is not None and not isinstance(outcome.exception, Exception):
        # Ctrl-C and its like, which dbt takes for an outcome.
        raise outcome.exception
    results = [
        NodeResult(
            found.node.unique_id,
            str(found.status),
            _without_stack(found.message or ""),
            getattr(found.node, "compiled_code", None),
        )
        for found in getattr(outcome.result, "results", [])
    ]
    failed = [
        f"  - {found.unique_id}: {found.status}, {found.message}" for found in results if found.has_failed
    ]
    reasons = "\n".join(failed) or f"  - {_without_stack(str(outcome.exception))}"
    busy_by_error(settings.warehouse_path, settings.lock_wait_s, reasons)
    refuse_by_error(settings.warehouse_path, reasons)
    raise DbtError(
        f"dbt {arguments[0]} failed:\n{reasons}\nThe log lies in {target_dir(settings) / 'logs' / 'dbt.log'}.",
        results,
    )


def _without_stack(message: str) -> str:
    """What an engine says, without the stack that Spark adds to it. dbt's log keeps the stack."""
    return message.partition("JVM stacktrace:")[0].strip()


def _parsed(settings: Settings) -> Any:
    """The parsed project, read or parsed once a process."""
    kept = kept_folder(settings, DBT_PROJECT)
    if kept not in _manifests:
        # One process seldom has another project, and then for long.
        _manifests.clear()
        _manifests[kept] = read_parsed(kept) or _parse(settings, kept)
    return _manifests[kept]


def _parse(settings: Settings, kept: Path) -> Any:
    with folder_in_the_making(kept) as making:
        _manifests[kept] = invoke_dbt(settings, ["parse"], environment={"DBT_TARGET_PATH": str(making)})
    return _manifests[kept]


def _dbt_runner() -> Any:
    """dbt's entry point. Its first import takes seconds and adds a handler to the root logger, which is undone."""
    handlers = [*logging.getLogger().handlers]
    from dbt.cli.main import dbtRunner

    logging.getLogger().handlers = handlers
    return dbtRunner


@contextmanager
def bound_environment(settings: Settings, more: Mapping[str, str]) -> Iterator[None]:
    """Set dbt's variables in this process's environment, for dbt called here or as a child, and restore it."""
    values = {**dbt_environment(settings), **more}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
