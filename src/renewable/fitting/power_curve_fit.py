"""Power curves from a fleet's own history by the method of bins (IEC 61400-12-1), on a training range alone."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from loaders.gate import FileInMotionError, inspect_file, read_rows
from renewable.atomic_write import write_text_atomic
from renewable.contract import KEY, POWER_RATIO_RANGE, RawTable, measurements, polars_schema
from renewable.errors import PipelineError
from renewable.fleet import curve_cells, holds_on, load_asset_rows, spans_of_rows
from renewable.raw_files import raw_file_name, raw_file_names
from renewable.registry_csv import trimmed
from renewable.settings import Settings
from renewable.windows import Window

BIN_WIDTH_MS = 0.5
COMPLETE_BIN_H = 0.5
CUT_OUT_MS = 25.0
REFERENCE_DENSITY_KG_M3 = 1.225
_HELD_BACK = ("fault", "maintenance", "curtailed", "no_communication")
_INPUTS: dict[RawTable, tuple[str, ...]] = {
    "weather": ("wind_speed_ms", "air_temperature_c", "air_pressure_hpa", "relative_humidity_pct"),
    "generation": ("active_power_kw", "curtailment_limit_kw", "operating_state"),
}


@dataclass(frozen=True)
class FittedCurves:
    """`curves` by PowerCurveSchema, with the intervals that each point rests on (0: level from the last bin).

    `used`, one row a model: intervals, those that count as running, measured up to.
    """

    curves: pl.DataFrame
    used: pl.DataFrame


def fit_power_curves(
    settings: Settings,
    window: Window,
    *,
    assets: Sequence[str] = (),
    report: Callable[[str], None] | None = None,
) -> FittedCurves:
    """Curves of all turbine models of the fleet from the raw files of the UTC days of `window`.

    With `assets` a curve for each of these turbines alone, under the name of `own_model`. The registry needs no
    power_curves.csv yet. Raises PipelineError when no day of the window has usable data, or no such turbine exists.
    """
    turbines = load_asset_rows(settings.fleet_dir).filter(pl.col("technology") == "wind")
    if turbines.is_empty():
        raise PipelineError(f"{settings.fleet_dir / 'assets.csv'} lists no wind turbine")
    if unknown := sorted(set(assets) - set(turbines["asset_id"])):
        raise PipelineError(
            f"{settings.fleet_dir / 'assets.csv'} lists no wind turbine {', '.join(unknown)}: name one of"
            f" {', '.join(sorted(set(turbines['asset_id'])))}"
        )
    if assets:
        turbines = turbines.filter(pl.col("asset_id").is_in(assets)).with_columns(turbine_model=own_model())
    tables = {table: _read(settings, table, window) for table in _INPUTS}
    rows = tables["weather"].join(tables["generation"], on=KEY, how="inner").collect()
    fitted = fit_curves(rows, turbines)
    if fitted.curves.is_empty():
        raise PipelineError(
            f"no turbine has complete bins in {window} under {settings.raw_dir}: name a range of days with data"
        )
    if report:
        for model in sorted(set(turbines["turbine_model"]) - set(fitted.used["turbine_model"])):
            report(f"no complete bins of {model} in {window}: no curve")
    return fitted


def own_model() -> pl.Expr:
    """Name of the curve of one turbine: its registry row has to name it before it counts."""
    return pl.format("{} {}", "turbine_model", "asset_id")


def fit_curves(rows: pl.DataFrame, turbines: pl.DataFrame) -> FittedCurves:
    """A curve for each turbine model, pooled over its turbines.

    `rows`: key and the columns of weather and generation that count here; `turbines`: registry rows. Wind speed is
    normalised to 1.225 kg/m³. A bin counts from COMPLETE_BIN_H hours on; its point is its mean speed and mean power.
    The curve starts where power does, never falls and is level from the last bin up to CUT_OUT_MS.
    """
    usable = normalised(rows, turbines)
    kept = running(usable)
    bins = (
        kept.group_by("turbine_model", "bin_ms")
        .agg(
            pl.col("wind_speed_ms", "active_power_kw").mean(),
            rows=pl.len(),
            hours=pl.col("interval_minutes").sum() / 60,
        )
        .filter(pl.col("hours") >= COMPLETE_BIN_H)
        .sort("turbine_model", "bin_ms")
    )
    curves = [
        _curve(str(model), of_model)
        for (model,), of_model in bins.group_by("turbine_model", maintain_order=True)
    ]
    used = (
        usable.group_by("turbine_model")
        .agg(intervals=pl.len())
        .join(kept.group_by("turbine_model").agg(running=pl.len()), on="turbine_model", how="left")
        .join(
            bins.group_by("turbine_model").agg(measured_up_to_ms=pl.col("bin_ms").max()), on="turbine_model"
        )
        .sort("turbine_model")
    )
    empty = pl.DataFrame(
        schema={
            "turbine_model": pl.String,
            "wind_speed_ms": pl.Float64,
            "power_kw": pl.Float64,
            "intervals": pl.Int64,
        }
    )
    return FittedCurves(pl.concat([empty, *curves]), used)


def write_power_curves(curves: pl.DataFrame, fleet_dir: Path) -> Path:
    """Put `curves` into `power_curves.csv`, in the place of those of the same models; returns its path.

    Rows of other models stay as they are written. Raises FleetError, and leaves the file alone, when it has faults.
    """
    path = fleet_dir / "power_curves.csv"
    # A new file also says how many intervals each point rests on, which no command reads.
    header, rows = curve_cells(fleet_dir) if path.exists() else (curves.columns, [])
    names = [trimmed(name) for name in header]
    fitted, model = set(curves["turbine_model"]), names.index("turbine_model")
    kept = [cells for cells in rows if trimmed(cells[model]) not in fitted]
    new = [[str(row.get(name, "")) for name in names] for row in curves.iter_rows(named=True)]
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([header, *kept, *new])
    write_text_atomic(lines.getvalue(), path)
    return path


def normalised(rows: pl.DataFrame, turbines: pl.DataFrame) -> pl.DataFrame:
    """Intervals that were not held back by a reported state or limit, with wind speed at 1.225 kg/m³ and its bin.

    Air density is that of the marts, see `air_density_kg_m3`.
    """
    registry = spans_of_rows(turbines).select(
        "asset_id",
        "timezone",
        "turbine_model",
        "rated_power_kw",
        "elevation_m",
        "interval_minutes",
        "since",
        "until",
    )
    low, high = POWER_RATIO_RANGE
    ratio = (air_density_kg_m3() / REFERENCE_DENSITY_KG_M3) ** (1 / 3)
    return (
        _as_they_were(rows, registry)
        .filter(
            pl.col("wind_speed_ms").is_not_null(),
            (pl.col("active_power_kw") / pl.col("rated_power_kw")).is_between(low, high),
            ~pl.col("operating_state").is_in(_HELD_BACK).fill_null(False),
            pl.col("curtailment_limit_kw").fill_null(float("inf")) >= pl.col("rated_power_kw"),
        )
        .with_columns(wind_speed_ms=pl.col("wind_speed_ms") * ratio)
        .with_columns(bin_ms=(pl.col("wind_speed_ms") / BIN_WIDTH_MS + 0.5).floor() * BIN_WIDTH_MS)
    )


def _as_they_were(rows: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
    """Intervals with the row of `registry` that held on their local day."""
    parts = [
        rows.join(of_zone, on="asset_id").filter(
            holds_on(pl.col("timestamp").dt.convert_time_zone(str(zone)).dt.date())
        )
        for (zone,), of_zone in registry.partition_by("timezone", as_dict=True).items()
    ]
    return pl.concat(parts).drop("timezone", "since", "until")


def air_density_kg_m3() -> pl.Expr:
    """Density of moist air, IEC 61400-12-1, of air_temperature_c, air_pressure_hpa, relative_humidity_pct, elevation_m.

    The same formula as macros/physics.sql has for the marts: missing humidity counts as 50 %, missing temperature and
    pressure as those of the standard atmosphere (ISO 2533) at the site's elevation.
    """
    height = pl.col("elevation_m")
    kelvin = pl.col("air_temperature_c").fill_null(15.0 - 0.0065 * height) + 273.15
    standard_hpa = 1013.25 * (1.0 - 2.25577e-5 * height).pow(5.25588)
    pascal = 100.0 * pl.col("air_pressure_hpa").fill_null(standard_hpa)
    humidity_ratio = pl.col("relative_humidity_pct").fill_null(50.0) / 100.0
    vapour = humidity_ratio * 0.0000205 * (0.0631846 * kelvin).exp() * (1.0 / 287.05 - 1.0 / 461.5)
    return (pascal / 287.05 - vapour) / kelvin


def running(rows: pl.DataFrame) -> pl.DataFrame:
    """Intervals near their bin's median: within three robust standard deviations, at least 1 % of rated power.

    What was stopped or curtailed without a word lies far below it. In the lowest bins, where stopped and running
    turbines give the same, all stay.
    """
    group = ("turbine_model", "bin_ms")
    distance_kw = (pl.col("active_power_kw") - pl.col("active_power_kw").median().over(group)).abs()
    spread_kw = 3 * 1.4826 * pl.col("distance_kw").median().over(group)
    return (
        rows.with_columns(distance_kw=distance_kw)
        .filter(pl.col("distance_kw") <= pl.max_horizontal(spread_kw, 0.01 * pl.col("rated_power_kw")))
        .drop("distance_kw")
    )


def monotone(power_kw: list[float], weight: list[int]) -> list[float]:
    """The closest rising curve: neighbours that fall are pooled to their weighted mean."""
    pools: list[tuple[float, int, int]] = []
    for power, count in zip(power_kw, weight, strict=True):
        pools.append((power, count, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (low, n, a), (high, m, b) = pools[-2:]
            pools[-2:] = [((low * n + high * m) / (n + m), n + m, a + b)]
    return [power for power, _, length in pools for _ in range(length)]


def _curve(model: str, bins: pl.DataFrame) -> pl.DataFrame:
    powers_kw = pl.Series(monotone(bins["active_power_kw"].to_list(), bins["rows"].to_list())).clip(0)
    # The last bin without power stays, as the foot of the curve.
    first = max(int((powers_kw <= 0).sum()) - 1, 0)
    speeds_ms = bins["wind_speed_ms"].round(2).to_list()[first:]
    last_ms = bins["bin_ms"].to_list()[-1]
    steps = round((CUT_OUT_MS - last_ms) / BIN_WIDTH_MS)
    level_ms = [last_ms + BIN_WIDTH_MS * step for step in range(1, steps + 1)]
    return pl.DataFrame(
        {
            "turbine_model": model,
            "wind_speed_ms": [*speeds_ms, *level_ms],
            "power_kw": [*powers_kw.to_list()[first:], *[powers_kw[-1]] * len(level_ms)],
            "intervals": [*bins["rows"].to_list()[first:], *[0] * len(level_ms)],
        },
        schema_overrides={"intervals": pl.Int64},
    ).with_columns(pl.col("power_kw").round(1))


def _read(settings: Settings, table: RawTable, window: Window) -> pl.LazyFrame:
    """The rows of `window` whose key occurs once, with values out of the contract's range as null."""
    days, columns = set(window.days), _INPUTS[table]
    names = [
        name
        for name in raw_file_names(settings.raw_dir)
        if (found := raw_file_name(name)) and found.table == table and found.day in days
    ]
    if not names:
        raise PipelineError(f"there are no raw files of {table} in {window} under {settings.raw_dir}")
    schema = polars_schema(table)
    frames = [
        _rows(settings, settings.raw_dir / name, table).select(
            pl.col(c).cast(schema[c]) for c in (*KEY, *columns)
        )
        for name in names
    ]
    # The range of power depends on the turbine.
    bounded = [
        pl.when(pl.col(name).is_between(column.min, column.max)).then(pl.col(name)).alias(name)
        for name, column in measurements(table).items()
        if name in columns and getattr(column, "min", None) is not None
    ]
    return pl.concat(frames).with_columns(bounded).unique(KEY, keep="none")


def _rows(settings: Settings, path: Path, table: RawTable) -> pl.LazyFrame:
    """The rows of a raw file as the gate reads them; what it refuses whole is named."""
    extra = settings.allowed_extra_columns
    try:
        seen = inspect_file(path, table, max_rows=settings.max_rows_per_file, extra_columns=extra)
        if seen.refusal is None and seen.convert is None:
            return pl.scan_parquet(path)
        frame, refusal = (None, seen.refusal) if seen.refusal else read_rows(seen)
    except FileInMotionError as error:
        raise PipelineError(f"{path} is being written: try again when it is complete") from error
    if frame is None:
        raise PipelineError(f"{path} {refusal}")
    return frame.lazy()
