"""The state of a fleet's pipeline, from raw files, quarantine and published tables; the warehouse stays closed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from loaders.load_log import files_of_unknown_assets, loaded_days, pending_files, read_full_load_log
from loaders.pending import ledger_name
from loaders.quarantine import Quarantined, read_quarantine
from renewable.data_calendar import days_before_results, days_with_data, doubtful_holes
from renewable.fleet import load_fleet
from renewable.importers.ledger import Books, read_books, store_of
from renewable.published.publish import published_build, published_set, read_published
from renewable.published.ratios import ratios_by
from renewable.settings import Settings
from renewable.transform.books import built_identity, read_copies
from renewable.transform.build import present_versions
from renewable.transform.staleness import Stale, find_stale
from renewable.warehouse import fault_of_file


@dataclass(frozen=True)
class FleetResult:
    """Totals of one technology over all published local days."""

    technology: str
    assets: int
    days: int
    energy_kwh: float | None
    capacity_factor: float | None
    data_coverage_ratio: float | None


@dataclass(frozen=True)
class Status:
    """What is pending, loaded, stale, quarantined and published, and what came out of it.

    `held_back` says which files seem to be gone by accident, so that their rows stay. `loaded` holds for each asset of
    the registry the first and last UTC day of every range that is loaded. Of `files_of_unknown_assets` nobody wrote
    down which assets they hold: an older version loaded them.
    """

    data_dir: Path
    assets: int
    files_seen: int
    pending: tuple[str, ...]
    held_back: tuple[str, ...]
    files_loaded: int
    rows_in: int
    rows_loaded: Mapping[str, int]
    rows_collapsed: int
    rows_quarantined: int
    days_loaded: int
    first_day: date | None
    last_day: date | None
    quarantined: Quarantined
    loaded: Mapping[str, tuple[tuple[date, date], ...]]
    files_of_unknown_assets: int
    stale_days: tuple[date, ...]
    stale: tuple[Stale, ...]
    published_build: str | None
    published: Mapping[str, datetime]
    published_dir: Path
    last_local_day: date | None
    results: tuple[FleetResult, ...]
    # What is allowed and yet is mostly a slip.
    doubts: tuple[str, ...] = ()
    # What was imported, oldest first, what was set aside, and raw days that are still to be written.
    deliveries: Books = field(default_factory=Books)
    # Why the file in the warehouse's place cannot be one.
    warehouse_fault: str | None = None

    @property
    def reconciles(self) -> bool:
        """Whether every row of the accepted files is loaded, collapsed or in quarantine."""
        return self.rows_in == sum(self.rows_loaded.values()) + self.rows_collapsed + self.rows_quarantined


def read_status(settings: Settings) -> Status:
    """Read the status; missing files mean that a step has not run yet."""
    fleet = load_fleet(settings.fleet_dir)
    log = read_full_load_log(settings)
    accepted = log.filter(pl.col("refusal").is_null())
    pending = pending_files(settings)
    by_table = accepted.group_by("table_name").agg(pl.col("rows_loaded").sum()).sort("table_name")
    current, filled = published_set(settings), days_with_data(accepted)
    daily = read_published(settings, "mart_asset_daily", of=current)
    stale = find_stale(built_identity(log), read_copies(settings), present_versions(fleet, settings))
    return Status(
        data_dir=settings.data_dir,
        assets=fleet.assets.height,
        files_seen=pending.files_seen,
        pending=(*(ledger_name(path, settings.raw_dir) for path in pending.files), *pending.removed),
        held_back=tuple(each.sentence for each in pending.held_back),
        files_loaded=accepted.height,
        rows_loaded=dict(by_table.iter_rows()),
        rows_in=int(accepted["rows_in"].sum()),
        rows_collapsed=int(accepted["rows_collapsed"].sum()),
        rows_quarantined=int(accepted["rows_quarantined"].sum()),
        days_loaded=accepted["day"].n_unique(),
        first_day=_day(accepted["day"].min()),
        last_day=_day(accepted["day"].max()),
        quarantined=read_quarantine(settings.quarantine_dir),
        loaded=_loaded(log, fleet.asset_ids),
        files_of_unknown_assets=files_of_unknown_assets(log),
        stale_days=tuple(sorted({day for each in stale for day in each.window.days})),
        stale=tuple(stale),
        published_build=published_build(settings),
        published={
            path.stem: datetime.fromtimestamp(path.stat().st_mtime, UTC)
            for path in sorted(current.glob("mart_*.parquet"))
            if path.exists()
        },
        published_dir=settings.published_dir,
        last_local_day=None if daily is None else _day(daily["date_local"].max()),
        results=() if daily is None else _results(daily),
        doubts=(*doubtful_holes(filled), *days_before_results(filled, settings.first_day)),
        deliveries=read_books(store_of(settings.raw_dir)),
        warehouse_fault=fault_of_file(settings.warehouse_path),
    )


def _loaded(log: pl.DataFrame, asset_ids: list[str]) -> dict[str, tuple[tuple[date, date], ...]]:
    ranges: dict[str, list[tuple[date, date]]] = {asset_id: [] for asset_id in asset_ids}
    for asset_id, first, last in loaded_days(log).iter_rows():
        if asset_id in ranges:
            ranges[asset_id].append((first, last))
    return {asset_id: tuple(found) for asset_id, found in ranges.items()}


def _results(daily: pl.DataFrame) -> tuple[FleetResult, ...]:
    totals = ratios_by(daily, "technology").sort("technology", descending=True)
    return tuple(
        FleetResult(
            technology=row["technology"],
            assets=row["assets"],
            days=row["days"],
            energy_kwh=row["energy_kwh"],
            capacity_factor=row["capacity_factor"],
            data_coverage_ratio=row["data_coverage_ratio"],
        )
        for row in totals.iter_rows(named=True)
    )


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None
