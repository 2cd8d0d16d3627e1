"""Figures of a report from rows of the marts. Formulas of KPIs are not here: published/ratios.py has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from renewable.published.ratios import sums_by
from renewable.vocabulary import event_kinds, rule_names

WATERFALL_SCHEMA = pl.Schema(
    {
        "step": pl.String,
        "label": pl.String,
        "kind": pl.String,
        "kwh": pl.Float64,
        "from_kwh": pl.Float64,
        "to_kwh": pl.Float64,
        "of_expected": pl.Float64,
    }
)


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


def doubts() -> list[str]:
    """Columns of mart_data_quality_daily that count doubtful readings."""
    return [f"readings_{rule}" for rule in rule_names(usual=False)]


def below_zero() -> list[str]:
    """Those that count readings which are flagged but usual: power and irradiance below zero."""
    return [f"readings_{rule}" for rule in rule_names(usual=True)]


def headlines(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[Figure]:
    """The figures at the top of a page, from rows of `ratios_by` of two periods of equal length."""

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
            "What the assets should have given in the measured weather, by their curves and models.",
            0,
        ),
        figure("lost_energy_kwh", "Lost energy", "MWh", "Expected less actual energy.", -1),
        figure(
            "performance_index",
            "Performance index",
            "%",
            "Energy / expected energy, over intervals where both are known (IEC 61724-1).",
        ),
        figure(
            "time_availability_ratio",
            "Availability, by time",
            "%",
            "Available hours / (available + unavailable hours) (IEC 61400-26-1).",
        ),
        figure(
            "energy_availability_ratio",
            "Availability, by energy",
            "%",
            "1 - (energy lost to downtime and planned maintenance) / (expected energy outside of outages and orders"
            " that are not the asset's fault) (IEC 61400-26-1).",
        ),
        figure("capacity_factor", "Capacity factor", "%", "Mean observed power / rated power.", 0),
        figure("performance_ratio", "Performance ratio", "%", "Solar assets (IEC 61724-1)."),
        figure("data_coverage_ratio", "Data coverage", "%", "Share of the time whose power was observed."),
    ]
    return [f for f in found if f.key != "performance_ratio" or f.value is not None or f.before is not None]


def losses_by_category(losses: pl.DataFrame) -> pl.DataFrame:
    """Rows of mart_losses_daily summed: loss_category, lost_kwh, in the order of attribution; only what is not 0."""
    order = {kind.kind: kind.priority for kind in event_kinds()}
    return (
        sums_by(losses, ("lost_kwh",), "loss_category")
        .filter(pl.col("lost_kwh") != 0.0)
        .sort(pl.col("loss_category").replace_strict(order, default=len(order) + 1), "loss_category")
    )


def waterfall(losses: pl.DataFrame, expected_kwh: float | None) -> pl.DataFrame:
    """WATERFALL_SCHEMA: losses by category one after the other, then their sum; shares are of expected energy."""
    rows: list[tuple[str, str, str, float, float, float, float | None]] = []
    level, labels = 0.0, {kind.kind: kind.label for kind in event_kinds()}
    for category, lost in losses_by_category(losses).iter_rows():
        share = lost / expected_kwh if expected_kwh else None
        label = labels.get(category, category)
        rows.append((category, label, "loss" if lost > 0 else "gain", lost, level, level + lost, share))
        level += lost
    whole, share = "lost in all", level / expected_kwh if expected_kwh else None
    rows.append((whole, whole, "total", level, 0.0, level, share))
    return pl.DataFrame(rows, schema=WATERFALL_SCHEMA, orient="row")


def quality_by_channel(quality: pl.DataFrame) -> pl.DataFrame:
    """Rows of mart_data_quality_daily summed by channel: counts, the share that is there, the doubtful share of it."""
    return (
        quality.group_by("channel")
        .agg(
            pl.col(
                "readings_expected",
                "readings_present",
                "readings_missing",
                "readings_set_aside",
                *doubts(),
                *below_zero(),
            ).sum(),
            pl.col("longest_gap_hours").max(),
        )
        .with_columns(
            readings_doubtful=pl.sum_horizontal(doubts()), readings_below_zero=pl.sum_horizontal(below_zero())
        )
        .with_columns(
            present_ratio=_share("readings_present", "readings_expected"),
            doubtful_ratio=_share("readings_doubtful", "readings_present"),
        )
        .sort("channel")
    )


def _share(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) != 0).then(pl.col(part) / pl.col(whole))
