"""Figures of a report from rows of the marts: sums, and ratios of sums as the marts define them."""

from dataclasses import dataclass

import polars as pl

# In the order of attribution; what is left comes last.
LOSS_CATEGORIES = (
    "unmeasured",
    "downtime",
    "curtailment",
    "icing",
    "snow",
    "derating",
    "soiling",
    "residual",
    "not_comparable",
)
WATERFALL_SCHEMA = pl.Schema(
    {
        "step": pl.String,
        "kind": pl.String,
        "kwh": pl.Float64,
        "from_kwh": pl.Float64,
        "to_kwh": pl.Float64,
        "of_expected": pl.Float64,
    }
)
# What makes a reading doubtful. Power and irradiance below zero are flagged too, but usual: consumption and night.
DOUBTS = ("readings_frozen", "readings_interpolated", "readings_spike", "readings_above_rated")
BELOW_ZERO = ("readings_night_offset", "readings_negative")


@dataclass(frozen=True)
class Figure:
    """One headline figure: its value now and before, null where nobody knows.

    `unit` is that of display, `divisor` leads from the mart's unit to it; a share is shown in % and its change in
    percentage points. `better` is 1 when more is better, -1 when less is, 0 when it says neither.
    """

    key: str
    title: str
    unit: str
    value: float | None
    before: float | None
    hint: str
    divisor: float = 1.0
    decimals: int = 1
    better: int = 1

    @property
    def is_share(self) -> bool:
        return self.unit == "%"

    @property
    def change(self) -> float | None:
        """Percentage points for a share, per cent of the value before for anything else."""
        if self.value is None or self.before is None:
            return None
        if self.is_share:
            return 100.0 * (self.value - self.before)
        return 100.0 * (self.value / self.before - 1.0) if self.before else None


def with_ratios(groups: pl.DataFrame) -> pl.DataFrame:
    """Ratios of the sums that `sums_by` makes, by the formulas of macros/ratios.sql."""
    return groups.with_columns(
        data_coverage_ratio=_share("observed_hours", "expected_hours"),
        capacity_factor=_share("energy_kwh", "observed_rated_kwh"),
        performance_ratio=pl.when(pl.col("reference_yield_kwh") >= 0.05 * pl.col("reference_dc_kw")).then(
            _share("reference_yield_energy_kwh", "reference_yield_kwh")
        ),
        time_availability_ratio=pl.col("available_hours")
        / _not_zero(pl.col("available_hours") + pl.col("unavailable_hours")),
        energy_availability_ratio=1.0 - _share("downtime_lost_kwh", "expected_energy_kwh"),
        performance_index=_share("compared_energy_kwh", "compared_expected_energy_kwh"),
    )


def sums_by(daily: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Rows of mart_asset_daily summed by `keys` (none: one row), with ratios; sums of nulls alone are null."""
    sums = [
        pl.col(name).sum().alias(name) if name.endswith("_hours") else _sum(name)
        for name in (
            "expected_hours",
            "observed_hours",
            "energy_kwh",
            "expected_energy_kwh",
            "lost_energy_kwh",
            "available_hours",
            "unavailable_hours",
            "downtime_lost_kwh",
            "compared_energy_kwh",
            "compared_expected_energy_kwh",
            "reference_yield_energy_kwh",
            "reference_yield_kwh",
        )
    ] + [
        (pl.col("observed_hours") * pl.col("rated_power_kw")).sum().alias("observed_rated_kwh"),
        pl.col("dc_capacity_kw")
        .filter(pl.col("reference_yield_kwh").is_not_null())
        .sum()
        .alias("reference_dc_kw"),
        pl.col("asset_id").n_unique().alias("assets"),
        pl.col("date_local").n_unique().alias("days"),
    ]
    grouped = daily.group_by(*keys).agg(sums).sort(*keys) if keys else daily.select(sums)
    return with_ratios(grouped)


def headlines(current: pl.DataFrame, previous: pl.DataFrame) -> list[Figure]:
    """The figures at the top of a page, from rows of mart_asset_daily of two periods of equal length."""
    now, before = (sums_by(rows).row(0, named=True) for rows in (current, previous))

    def figure(key: str, title: str, unit: str, hint: str, better: int = 1) -> Figure:
        divisor, decimals = {"MWh": (1000.0, 1), "%": (0.01, 1)}[unit]
        # Hundreds of kWh say nothing beside ten thousands of MWh, and would not fit a phone.
        decimals = 0 if unit == "MWh" and abs(now[key] or 0.0) >= 1e7 else decimals
        return Figure(key, title, unit, now[key], before[key], hint, divisor, decimals, better)

    found = [
        figure("energy_kwh", "Energy", "MWh", "Energy over observed intervals."),
        figure(
            "expected_energy_kwh",
            "Expected energy",
            "MWh",
            "What the assets' curves and models give in the measured weather.",
            0,
        ),
        figure("lost_energy_kwh", "Lost energy", "MWh", "Expected less actual energy.", -1),
        figure(
            "performance_index",
            "Performance index",
            "%",
            "Energy by expected energy over intervals where both are known (IEC 61724-1).",
        ),
        figure(
            "time_availability_ratio",
            "Availability, by time",
            "%",
            "Available by available and unavailable hours (IEC 61400-26-1).",
        ),
        figure(
            "energy_availability_ratio",
            "Availability, by energy",
            "%",
            "1 less energy lost to downtime by expected energy (IEC 61400-26-1).",
        ),
        figure("capacity_factor", "Capacity factor", "%", "Mean observed power by rated power.", 0),
        figure("performance_ratio", "Performance ratio", "%", "Solar assets (IEC 61724-1)."),
        figure("data_coverage_ratio", "Data coverage", "%", "Share of the time whose power was observed."),
    ]
    return [f for f in found if f.key != "performance_ratio" or f.value is not None or f.before is not None]


def losses_by_category(losses: pl.DataFrame) -> pl.DataFrame:
    """Rows of mart_losses_daily summed: loss_category, lost_kwh, in the order of attribution; only what is not 0."""
    order = {name: number for number, name in enumerate(LOSS_CATEGORIES)}
    return (
        losses.group_by("loss_category")
        .agg(_sum("lost_kwh"))
        .filter(pl.col("lost_kwh") != 0.0)
        .sort(pl.col("loss_category").replace_strict(order, default=len(order)), "loss_category")
    )


def waterfall(losses: pl.DataFrame, expected_kwh: float | None) -> pl.DataFrame:
    """WATERFALL_SCHEMA: losses by category one after the other, then their sum; shares are of expected energy."""
    rows: list[tuple[str, str, float, float, float, float | None]] = []
    level = 0.0
    for category, lost in losses_by_category(losses).iter_rows():
        share = lost / expected_kwh if expected_kwh else None
        rows.append((category, "loss" if lost > 0 else "gain", lost, level, level + lost, share))
        level += lost
    rows.append(("lost in all", "total", level, 0.0, level, level / expected_kwh if expected_kwh else None))
    return pl.DataFrame(rows, schema=WATERFALL_SCHEMA, orient="row")


def quality_by_channel(quality: pl.DataFrame) -> pl.DataFrame:
    """Rows of mart_data_quality_daily summed by channel: counts, the share that is there, the doubtful share of it."""
    return (
        quality.group_by("channel")
        .agg(
            pl.col("readings_expected", "readings_present", "readings_missing", *DOUBTS, *BELOW_ZERO).sum(),
            pl.col("longest_gap_hours").max(),
        )
        .with_columns(
            readings_doubtful=pl.sum_horizontal(DOUBTS), readings_below_zero=pl.sum_horizontal(BELOW_ZERO)
        )
        .with_columns(
            present_ratio=_share("readings_present", "readings_expected"),
            doubtful_ratio=_share("readings_doubtful", "readings_present"),
        )
        .sort("channel")
    )


def _sum(name: str) -> pl.Expr:
    """Null where there is nothing to add; in order of the rows, so that the same rows give the same bits."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)


def _share(part: str, whole: str) -> pl.Expr:
    return pl.col(part) / _not_zero(pl.col(whole))


def _not_zero(whole: pl.Expr) -> pl.Expr:
    return pl.when(whole != 0.0).then(whole)
