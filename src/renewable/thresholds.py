"""Thresholds and priors that differ by site: `thresholds.csv` beside the registry, read and validated.

The file is optional. A row is about an asset, a site, or, where it names neither, the whole fleet; of several rows the
narrowest counts. Names, units, defaults and bounds stand in the vocabulary (thresholds.csv of the dbt project).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from renewable.near_names import did_you_mean
from renewable.registry_csv import csv_text, read_table
from renewable.vocabulary import Threshold, thresholds

THRESHOLDS_FILE = "thresholds.csv"
THRESHOLDS_SCHEMA = pl.Schema({"asset_id": pl.String(), "threshold": pl.String(), "value": pl.Float64()})

_COLUMNS: Mapping[str, pl.DataType] = {
    "threshold": pl.String(),
    "value": pl.Float64(),
    "asset_id": pl.String(),
    "site_id": pl.String(),
    "note": pl.String(),
}
_OPTIONAL = ("asset_id", "site_id", "note")
# Of each pair the first may not lie above the second.
_PAIRS = (
    ("wash_rain_least_mm", "wash_rain_most_mm"),
    ("high_wind_margin_ms", "high_wind_hysteresis_ms"),
)


@dataclass(frozen=True)
class _Asset:
    asset_id: str
    site_id: str
    technology: str


@dataclass(frozen=True)
class _Row:
    """A row of the file that names a threshold and a value that may be."""

    number: int
    asset_id: str | None
    site_id: str | None
    threshold: Threshold
    value: float

    @property
    def narrowness(self) -> int:
        return 2 if self.asset_id is not None else 1 if self.site_id is not None else 0

    def is_about(self, asset: _Asset) -> bool:
        if self.threshold.default(asset.technology) is None:
            return False
        return self.asset_id in (None, asset.asset_id) and self.site_id in (None, asset.site_id)


def read_thresholds(
    fleet_dir: Path, assets: pl.DataFrame | None, faults: list[str], *, is_sound: bool = True
) -> pl.DataFrame:
    """What `thresholds.csv` of `fleet_dir` sets for each asset (THRESHOLDS_SCHEMA, by asset and threshold).

    `assets` has asset_id, site_id and technology. Faults are added as sentences. Where `assets` is not `is_sound`,
    names that it lacks are no fault of this file.
    """
    path = fleet_dir / THRESHOLDS_FILE
    if not path.exists() and not path.is_symlink():
        return pl.DataFrame(schema=THRESHOLDS_SCHEMA)
    known = _assets(assets) if is_sound and assets is not None else None
    rows = list(_rows(path, known, faults))
    settings: dict[tuple[str, str], _Row] = {}
    for row in sorted(rows, key=lambda row: row.narrowness):
        for asset in known or ():
            if row.is_about(asset):
                settings[asset.asset_id, row.threshold.threshold] = row
    faults.extend(_out_of_order(path, known or [], settings))
    found = [(asset_id, name, row.value) for (asset_id, name), row in settings.items()]
    return pl.DataFrame(found, THRESHOLDS_SCHEMA, orient="row").sort("asset_id", "threshold")


def threshold_files(settings: pl.DataFrame) -> dict[str, str]:
    """What dbt reads, as CSV texts by file name: a row an asset and threshold that is set (THRESHOLDS_SCHEMA)."""
    return {"asset_thresholds.csv": csv_text(settings)}


def effective(settings: pl.DataFrame, assets: pl.DataFrame) -> pl.DataFrame:
    """Those of `settings` (THRESHOLDS_SCHEMA) that change a figure: one that equals the default does not, unless the
    asset would learn another value. `assets` has asset_id and technology.
    """
    technologies = dict(assets.select("asset_id", "technology").iter_rows())
    by_name = {threshold.threshold: threshold for threshold in thresholds()}
    kept = [
        by_name[name].is_learnt or by_name[name].default(technologies[asset_id]) != value
        for asset_id, name, value in settings.iter_rows()
    ]
    return settings.filter(pl.Series(kept, dtype=pl.Boolean))


def _assets(assets: pl.DataFrame) -> list[_Asset]:
    columns = assets.select("asset_id", "site_id", "technology").unique(maintain_order=True)
    return [_Asset(*row) for row in columns.iter_rows()]


def _rows(path: Path, assets: list[_Asset] | None, faults: list[str]) -> Iterator[_Row]:
    """Rows without a fault; a threshold that is set twice for the same assets is one."""
    table = read_table(path, _COLUMNS, faults, _OPTIONAL)
    if table is None:
        return
    by_name = {threshold.threshold: threshold for threshold in thresholds()}
    seen: dict[tuple[str | None, ...], int] = {}
    for number, cells in zip(table.rows, table.frame.iter_rows(named=True), strict=True):
        where = f"{path}, row {number}"
        unreadable = {name for row, name in table.unreadable if row == number}
        name, value, asset_id, site_id = (cells[c] for c in ("threshold", "value", "asset_id", "site_id"))
        said: list[str] = []
        threshold = by_name.get(name or "")
        if "threshold" not in unreadable and threshold is None:
            said.append(f"{where}, threshold: {_unknown(name, list(by_name))}")
        if value is None:
            said.extend([f"{where}, value: is empty"] if "value" not in unreadable else [])
        elif threshold is not None and not threshold.least <= value <= threshold.most:
            said.append(
                f"{where}, value: {value:g} lies outside of {threshold.least:g} to {threshold.most:g}"
                f" ({threshold.threshold}, {threshold.unit})"
            )
        if asset_id is not None and site_id is not None:
            said.append(f"{where}, asset_id, site_id: names an asset and a site: fill one of the two or none")
        elif assets is not None:
            said.extend(_misplaced(where, asset_id, site_id, threshold, assets))
        key = (name, asset_id, site_id)
        if seen.setdefault(key, number) != number:
            said.append(f"{where}: sets the same as row {seen[key]}; take one of them out")
        faults.extend(said)
        if not said and not unreadable and threshold is not None and value is not None:
            yield _Row(number, asset_id, site_id, threshold, value)


def _misplaced(
    where: str, asset_id: str | None, site_id: str | None, threshold: Threshold | None, assets: list[_Asset]
) -> Iterator[str]:
    """Faults of the asset or site that a row names."""
    for column, named in (("asset_id", asset_id), ("site_id", site_id)):
        if named is None:
            continue
        here = [asset for asset in assets if named == getattr(asset, column)]
        if not here:
            yield f"{where}, {column}: {_unknown(named, [getattr(asset, column) for asset in assets])}"
        elif threshold and all(threshold.default(asset.technology) is None for asset in here):
            technologies = ", ".join(sorted({asset.technology for asset in here}))
            yield f"{where}, threshold: {threshold.threshold} is none of {technologies}, and {named} has nothing else"


def _out_of_order(
    path: Path, assets: list[_Asset], settings: Mapping[tuple[str, str], _Row]
) -> Iterator[str]:
    """Pairs of thresholds of an asset of which the lower one lies above the upper one; the first asset of each row."""
    by_name = {threshold.threshold: threshold for threshold in thresholds()}
    told: set[tuple[int, ...]] = set()
    for asset in assets:
        for lower, upper in _PAIRS:
            rows = [settings.get((asset.asset_id, name)) for name in (lower, upper)]
            low, high = (
                by_name[name].default(asset.technology) if row is None else row.value
                for name, row in zip((lower, upper), rows, strict=True)
            )
            numbers = tuple(row.number for row in rows if row is not None)
            if low is None or high is None or low <= high or numbers in told:
                continue
            told.add(numbers)
            places = " and ".join(f"row {number}" for number in numbers)
            yield f"{path}, {places}, value: {asset.asset_id} gets {lower} {low:g}, which lies above {upper} {high:g}"


def _unknown(cell: str | None, known: list[str]) -> str:
    if cell is None:
        return "is empty"
    names = sorted(set(known))
    more = ", …" if len(names) > 20 else ""
    return f"{cell!r} is not known{did_you_mean(cell, names)}; known are {', '.join(names[:20])}{more}"
