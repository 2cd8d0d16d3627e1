"""A quick look at many raw files at once: which table days are spotless, so that the gate need not judge row by row.

It is one aggregation in DuckDB, by file and asset, several times faster than the gate itself. It may only err on the
side of caution: what it calls spotless the gate accepts whole, with nothing set aside (a property test holds that).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from loaders.pending import Unit
from renewable.contract import POWER_RATIO_RANGE, RawTable, measurements
from renewable.contract.schemas import OPERATING_STATES, POWER_CHANNELS
from renewable.fleet import Fleet
from renewable.warehouse import NO_EXTENSIONS, sql_literal
from renewable.windows import Window

_MINUTES_A_DAY = 24 * 60


def spotless_days(
    table: RawTable, days: Mapping[date, Sequence[Path]], fleet: Fleet
) -> dict[Unit, dict[Path, list[str]]]:
    """The days whose files hold only rows and values that the gate would accept, each key once.

    For each of them it tells which assets each file names. The footers of the files must have passed the gate, as
    the contract's own columns. A file that DuckDB cannot read makes its day not spotless.
    """
    if not days:
        return {}
    try:
        found = _aggregates(table, [path for paths in days.values() for path in paths], fleet)
    except (duckdb.Error, UnicodeDecodeError):
        # Some file is broken inside: halve until it is alone, and leave that day to the gate.
        halves = _halves(days)
        return {unit: files for half in halves for unit, files in spotless_days(table, half, fleet).items()}
    good = {path: part.drop("file") for (path,), part in found.partition_by("file", as_dict=True).items()}
    empty = found.clear().drop("file")
    return {
        (table, day): {path: good.get(str(path), empty)["asset_id"].to_list() for path in paths}
        for day, paths in days.items()
        if _is_spotless(pl.concat([good.get(str(path), empty) for path in paths]), Window.of_day(day))
    }


def parquet_list(paths: Sequence[Path], *, with_names: bool = False) -> str:
    """A read_parquet call over exactly these files, whatever characters their paths hold."""
    names = ", ".join(sql_literal(unglobbed(str(path))) for path in paths)
    return f"read_parquet([{names}], hive_partitioning = false, filename = {str(with_names).lower()})"


def unglobbed(path: str) -> str:
    """The path as a pattern that fits it alone."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def _halves(days: Mapping[date, Sequence[Path]]) -> list[dict[date, Sequence[Path]]]:
    items = list(days.items())
    middle = len(items) // 2
    return [dict(items[:middle]), dict(items[middle:])] if middle else []


def _aggregates(table: RawTable, paths: Sequence[Path], fleet: Fleet) -> pl.DataFrame:
    """One row a file and asset. The connection is its own: a hostile file can make a database unusable."""
    channels = [name for name in measurements(table) if name != "operating_state"]
    states = ", ".join(sql_literal(state) for state in OPERATING_STATES)
    known_states = (
        f"coalesce(bool_and(operating_state in ({states})), true)" if table == "generation" else "true"
    )
    extremes = "".join(f", min({name}) as {name}_min, max({name}) as {name}_max" for name in channels)
    query = f"""
        with found as (
            select filename, asset_id, count(*) as rows, count(timestamp) as stamps,
                epoch_us(min(timestamp)) as first_us, epoch_us(max(timestamp)) as last_us,
                max(epoch_us(timestamp) % 60000000) as off_minute_us,
                bitstring_agg((epoch_us(timestamp) // 60000000) % {_MINUTES_A_DAY}, 0, {_MINUTES_A_DAY - 1}) as minutes,
                {known_states} as known_states {extremes}
            from {parquet_list(paths, with_names=True)}
            group by all
        )
        select filename as file, asset_id, first_us, last_us,
            coalesce(
                stamps = rows and off_minute_us = 0 and known_states and {_in_range(table, channels)}
                -- As many minutes of the asset's grid as rows: each key once, none beside the grid.
                and bit_count(minutes & grid::bit) = rows,
                false
            ) as spotless
        from found left join registry using (asset_id)
    """
    connection = duckdb.connect(":memory:", config=NO_EXTENSIONS)
    try:
        connection.execute("set TimeZone = 'UTC'")
        # Or comparisons are settled by the file's own statistics, which know no not-a-number and may lie.
        connection.execute("set disabled_optimizers = 'statistics_propagation'")
        connection.register("registry", _registry(fleet).to_arrow())
        result: pl.DataFrame = connection.sql(query).pl()
        return result
    finally:
        connection.close()


def _in_range(table: RawTable, channels: Sequence[str]) -> str:
    low, high = POWER_RATIO_RANGE
    columns = measurements(table)
    tests = []
    for name in channels:
        # Not-a-number is above everything in DuckDB, so the maximum shows it.
        least, most, unit = columns[name].min, columns[name].max, "1"
        if name in POWER_CHANNELS:
            least, most, unit = low, high, "rated_power_kw"
        tests.append(
            f"coalesce({name}_min >= {least!r} * {unit} and {name}_max <= {most!r} * {unit}, {name}_min is null)"
        )
    return " and ".join(tests)


def _registry(fleet: Fleet) -> pl.DataFrame:
    """asset_id, rated_power_kw and the minutes of the asset's grid as a bit string, from the left."""
    assets = fleet.assets_at_most
    grids = [
        "".join("1" if minute % minutes == (offset or 0) else "0" for minute in range(_MINUTES_A_DAY))
        for minutes, offset in assets.select("interval_minutes", "interval_offset_minutes").iter_rows()
    ]
    return assets.select("asset_id", "rated_power_kw").with_columns(grid=pl.Series(grids, dtype=pl.String))


def _is_spotless(assets: pl.DataFrame, window: Window) -> bool:
    """Whether all aggregates of one table day are good; an asset in two files may hold a key twice."""
    start_us, end_us = (int(stamp.timestamp()) * 1_000_000 for stamp in (window.start_utc, window.end_utc))
    inside = (pl.col("first_us") >= start_us) & (pl.col("last_us") < end_us)
    sound = assets.select((pl.col("spotless") & inside).fill_null(False).all()).item()
    return bool(sound) and not assets["asset_id"].is_duplicated().any()
