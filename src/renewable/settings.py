"""One frozen settings object. Nothing else reads the environment, and nothing reads it at import."""

import os
import re
from datetime import date, time
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from platformdirs import user_cache_path
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from renewable.errors import SettingsError
from renewable.near_names import did_you_mean
from renewable.places import CHECKOUT, DBT_PROJECT, paths_start

PREFIX = "RENEWABLE_"
PROFILE = f"{PREFIX}PROFILE"
_PATHS = ("data_dir", "fleet_dir", "warehouse", "mapping", "cache_dir", "spark_dir")
# Their values are never shown.
_SECRET = ("alert_urls", "postgres_url", "spark_remote")
# How an address begins, and what it is the address of.
_ADDRESSES = {
    "postgres_url": (r"postgres(ql)?(\+\w+)?://", "a database; it begins with postgresql://"),
    "spark_remote": (r"sc://[^/:]+", "a Spark Connect server; it looks like sc://host:15002"),
}


class Settings(BaseSettings):
    """Every setting of the pipeline.

    A path that is not absolute counts from the folder of the profile or `.env` that names it (see `load_settings`),
    else from the repository's root in a checkout, and from the working directory outside of one.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    data_dir: Path = Field(
        Path("data"), description="directory of raw files, quarantine, warehouse and published tables"
    )
    warehouse: Path | None = Field(
        None, description="DuckDB file; default: <data_dir>/warehouse/renewable.duckdb"
    )
    fleet_dir: Path = Field(
        DBT_PROJECT / "seeds",
        description="directory of assets.csv, power_curves.csv; of events.csv, bad_readings.csv, thresholds.csv if any",
    )
    input: Literal["simulator", "mapping", "files"] = Field(
        "simulator",
        description="who writes the raw files: the simulator, a mapping (own exports), or someone else (files)",
    )
    mapping: Path | None = Field(
        None, description="mapping file, or a folder of mapping files; needed if input is mapping"
    )
    seed: int = Field(42, ge=0, lt=2**63, description="seed of the simulator")
    events: Literal["none", "typical", "harsh"] = Field(
        "typical", description="how many events the simulator injects"
    )
    world: Literal["plain", "field", "rough"] = Field(
        "field", description="how simulated plants, instruments and registry behave"
    )
    first_day: date | None = Field(
        None,
        description="first local day of results, and first UTC day that Dagster offers as a partition; not set: the"
        " first day that has data",
    )
    daily_at: time = Field(
        time(1, 30), description="UTC time of day after which yesterday's data are complete"
    )
    catch_up_days: int = Field(
        31, ge=1, description="how many days back the daily run makes up for days that were missed"
    )
    sensor_interval_s: int = Field(30, ge=5, description="seconds between two looks at the raw files")
    settle_s: float = Field(
        10.0, ge=0, description="seconds without a change after which an incomplete raw file is judged anyway"
    )
    retry_wait_s: float = Field(
        60.0, ge=0, description="seconds before a failed batch of files is tried again; doubled each time"
    )
    min_coverage_ratio: float = Field(
        0.8,
        ge=0,
        le=1,
        description="an asset is reported if it delivers a smaller share of its data in a week",
    )
    team: str = Field(
        "performance",
        pattern=r"^[A-Za-z0-9_-]+$",
        description="the team that Dagster's pages name as owner of all assets",
    )
    alert_urls: str = Field(
        "", repr=False, description="where alerts go: Apprise URLs, separated by blanks; empty: nowhere"
    )
    postgres_url: str = Field(
        "",
        repr=False,
        description="PostgreSQL database for Dagster's runs and events; empty: SQLite under the data directory",
    )
    max_removed_ratio: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of a table's known files, at least ten, that may be gone before it counts as an accident",
    )
    ui_hosts: str = Field(
        "",
        description="further host names of the UI, separated by commas, such as that of a proxy",
    )
    max_rows_per_file: int = Field(
        10_000_000, ge=1, description="a raw file that claims more rows is refused unread"
    )
    extra_columns: str = Field(
        "", description="columns that raw files may have beside the contract's, by comma; they are left out"
    )
    lock_wait_s: float = Field(
        120.0, ge=0, description="seconds to wait for a busy warehouse before giving up"
    )
    duckdb_memory_limit: str = Field(
        "1500MB",
        pattern=r"^\d+(\.\d+)?\s*([KMGT]i?B)$",
        description="memory limit of DuckDB; a build takes days in pieces that grow with it",
    )
    engine: Literal["duckdb", "spark"] = Field(
        "duckdb", description="what builds the models: DuckDB on this machine, or a Spark cluster"
    )
    spark_remote: str = Field(
        "", repr=False, description="Spark Connect server, sc://host:port; needed if engine is spark"
    )
    spark_dir: Path | None = Field(
        None,
        description="directory of raw rows and registry for the cluster, which sees it under the same path as this"
        " machine; default: <data_dir>/spark",
    )
    cache_dir: Path | None = Field(
        None,
        description="directory of what is worked out once for all fleets, such as the parsed dbt project; default: the"
        " user's cache directory",
    )

    @field_validator(*_PATHS, mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else Path(os.path.normpath(paths_start() / path.expanduser()))

    @field_validator("daily_at", mode="after")
    @classmethod
    def _utc_minute(cls, at: time) -> time:
        if at.tzinfo is not None or at.second or at.microsecond:
            raise ValueError("give hour and minute in UTC, such as 01:30")
        return at

    @field_validator("alert_urls", mode="after")
    @classmethod
    def _addresses(cls, urls: str) -> str:
        for number, url in enumerate(urls.split(), 1):
            if not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", url):
                raise ValueError(
                    f"address {number} names no service; addresses begin like mailto:// or json://"
                    " (https://appriseit.com), with blanks between them"
                )
        return urls

    @field_validator(*_ADDRESSES, mode="after")
    @classmethod
    def _address(cls, url: str, field: ValidationInfo) -> str:
        begins, what = _ADDRESSES[str(field.field_name)]
        if url and not re.match(begins, url):
            raise ValueError(f"not the address of {what}")
        return url

    @model_validator(mode="after")
    def _what_a_choice_needs_is_named(self) -> "Settings":
        if self.input == "mapping" and self.mapping is None:
            raise ValueError("RENEWABLE_INPUT=mapping needs RENEWABLE_MAPPING, the path of the mapping file")
        if self.engine == "spark" and not self.spark_remote:
            raise ValueError(
                "RENEWABLE_ENGINE=spark needs RENEWABLE_SPARK_REMOTE, the address of a Spark Connect server"
            )
        return self

    @property
    def allowed_extra_columns(self) -> frozenset[str]:
        return frozenset(name.strip() for name in self.extra_columns.split(",") if name.strip())

    @property
    def further_ui_hosts(self) -> frozenset[str]:
        return frozenset(name.strip().lower() for name in self.ui_hosts.split(",") if name.strip())

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that may hold passwords and are shown nowhere."""
        with_token = self.spark_remote if ";" in self.spark_remote else ""
        return tuple(text for text in (self.postgres_url, with_token, *self.alert_urls.split()) if text)

    @property
    def raw_dir(self) -> Path:
        return self.data_dir / "raw"

    @property
    def quarantine_dir(self) -> Path:
        return self.data_dir / "quarantine"

    @property
    def published_dir(self) -> Path:
        return self.data_dir / "published"

    @property
    def report_page(self) -> Path:
        """The first page of the fleet report."""
        return self.data_dir / "report" / "index.html"

    @property
    def warehouse_path(self) -> Path:
        return self.warehouse or self.data_dir / "warehouse" / "renewable.duckdb"

    @property
    def duckdb_memory_bytes(self) -> int:
        """`duckdb_memory_limit` in bytes, by the field's pattern: KB is 1000, KiB is 1024."""
        number, unit = re.fullmatch(r"([\d.]+)\s*(\w+)", self.duckdb_memory_limit).groups()  # type: ignore[union-attr]
        base = 1024 if "i" in unit else 1000
        return int(float(number) * base ** ("KMGT".index(unit[0]) + 1))

    @property
    def landing_dir(self) -> Path:
        """Where a Spark cluster finds raw rows and registry."""
        return self.spark_dir or self.data_dir / "spark"

    @property
    def work_dir(self) -> Path:
        """Scratch of dlt and dbt: may be deleted at any time when nothing runs."""
        return self.data_dir / "work"

    @property
    def shared_dir(self) -> Path:
        """What all fleets of the user share: may be deleted at any time when nothing runs."""
        return self.cache_dir or user_cache_path("renewable", appauthor=False)


def load_settings(profile: Path | None = None) -> Settings:
    """Settings from the environment, over those of `profile` (default: RENEWABLE_PROFILE, then `.env`).

    A profile is a file in `.env` format that describes one fleet; the environment wins over it. Its relative paths
    count from its own folder. Raises SettingsError that names each wrong setting.
    """
    known = _names() | {PROFILE}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        near = did_you_mean(unknown[0], known, PREFIX)
        raise SettingsError(
            f"unknown setting {', '.join(unknown)}{near}; .env.example lists the settings that exist"
        )
    file = profile_path(profile) or paths_start() / ".env"
    try:
        # pydantic-settings takes the file here; its type hints know only the fields.
        settings = Settings(_env_file=file, **_paths_of(file))  # type: ignore[call-arg, arg-type]
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is no text in UTF-8, as a file of settings has to be") from error
    except ValidationError as error:
        faults = [_fault(f["loc"], f["type"], f["msg"], f.get("input")) for f in error.errors()]
        # Not chained: the cause holds all values, passwords among them.
        raise SettingsError("\n".join(faults)) from None
    for name, directory in (("DATA_DIR", settings.data_dir), ("FLEET_DIR", settings.fleet_dir)):
        if directory.is_file():
            raise SettingsError(f"{PREFIX}{name}: {directory} is a file and has to be a directory")
    return settings


def profile_path(profile: Path | None) -> Path | None:
    """The profile file that is asked for by argument or by RENEWABLE_PROFILE, absolute; None when neither is given."""
    named = profile or (Path(os.environ[PROFILE]) if os.environ.get(PROFILE) else None)
    if named is None:
        return None
    found = next((path for path in (named.absolute(), paths_start() / named) if path.is_file()), None)
    if found is None:
        raise SettingsError(f"{PROFILE}: there is no file {named}")
    return found


def _paths_of(file: Path) -> dict[str, Path]:
    """The paths that a file of settings names and the environment does not, absolute.

    Raises SettingsError for one that is there only counted from the repository's root, as paths of profiles once were.
    """
    named = dotenv_values(file, encoding="utf-8") if file.is_file() else {}
    found = dict[str, Path]()
    for name in _PATHS:
        setting = f"{PREFIX}{name}".upper()
        value = named.get(setting)
        if not value or os.environ.get(setting):
            continue
        path = Path(os.path.normpath(file.parent / Path(value).expanduser()))
        before = Path(os.path.normpath((CHECKOUT or file.parent) / Path(value).expanduser()))
        # The checkout's own data directory is there whatever a profile says.
        is_old = before.exists() and before != path and before != paths_start() / "data"
        if is_old and not path.exists():
            raise SettingsError(
                f"{file}: {setting}={value} counts from the folder of this file now, where there is no {path}. Write"
                f" {os.path.relpath(before, file.parent)}"
            )
        found[name] = path
    return found


def _names() -> set[str]:
    return {f"{PREFIX}{name}".upper() for name in Settings.model_fields}


def _fault(location: tuple[int | str, ...], kind: str, message: str, value: object) -> str:
    """A fault in a sentence, with the value where it cannot be a password."""
    if not location:
        return message.removeprefix("Value error, ")
    name = str(location[0]).upper()
    if kind == "extra_forbidden":
        # Of a line that is torn in two a piece of the value, maybe of a password, stands where the name should.
        is_name = re.fullmatch(rf"{PREFIX}[A-Z0-9_]+", name)
        what = f"setting {name}" if is_name else f"line, whose name does not begin with {PREFIX}"
        near = did_you_mean(name, _names(), PREFIX) if is_name else ""
        return f"unknown {what}{near}; .env.example lists the settings that exist"
    name = name if name.startswith(PREFIX) else PREFIX + name
    shown = "" if name.removeprefix(PREFIX).lower() in _SECRET else f"={value}"
    return (
        f"{name}{shown}: {message.removeprefix('Value error, ')}. See .env.example for its unit and default."
    )
