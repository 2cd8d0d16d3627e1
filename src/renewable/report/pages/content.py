"""What the pages show: the inputs cut to the reporting period, by asset and by site."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any

import polars as pl

from renewable.published.ratios import ratios_by
from renewable.report.figures import waterfall
from renewable.report.inputs import Inputs
from renewable.report.pages.columns import columns_of
from renewable.report.period import Days, Period, report_period
from renewable.windows import ONE_DAY


class Content:
    """Rows by asset and site of one report of `days` days as of `now`; `daily` of the inputs has rows."""

    def __init__(self, inputs: Inputs, now: datetime, days: int) -> None:
        self.inputs = inputs
        self.now = now
        self.assets = inputs.fleet.assets
        self.period = _period(inputs, days)
        history = self.period.history
        # Partitioned once: a filter a page would read every row again for each of hundreds of assets.
        self.daily = _by_asset(history.of(inputs.daily).sort("asset_id", "date_local"))
        self.losses = _by_asset(self.period.current.of(inputs.losses))
        self.quality = _by_asset(history.of(inputs.quality).sort("channel", "date_local"))
        begin = datetime.combine(history.first, time(), UTC) - ONE_DAY
        self.events = _by_asset(
            inputs.events.filter(pl.col("end_utc") >= begin).sort(
                "start_utc", "event_id", descending=[True, False]
            )
        )
        self.intervals = _by_asset(inputs.event_intervals)
        months = Days(history.first.replace(day=1), history.last)
        self.curves = _by_asset(months.of(inputs.power_curve, "month_local")) | _by_asset(
            months.of(inputs.irradiance_power, "month_local")
        )

    @cached_property
    def sites(self) -> Mapping[str, list[dict[str, Any]]]:
        """The registry rows of each site's assets, by site_id."""
        sites: dict[str, list[dict[str, Any]]] = {}
        for asset in self.assets.sort("site_id", "asset_id").iter_rows(named=True):
            sites.setdefault(asset["site_id"], []).append(asset)
        return sites

    def days_of(self, assets: Sequence[str]) -> pl.DataFrame:
        """Rows of mart_asset_daily of these assets over the whole history."""
        found = [self.daily[asset] for asset in assets if asset in self.daily]
        return pl.concat(found) if found else self.inputs.daily.clear()

    def waterfall(self, assets: Sequence[str]) -> dict[str, list[Any]]:
        """Expected energy, losses and energy of the reporting period, as columns."""
        found = [self.losses[asset] for asset in assets if asset in self.losses]
        losses = pl.concat(found) if found else self.inputs.losses.clear()
        return columns_of(waterfall(losses, self.now_and_before(assets)[0]["expected_energy_kwh"]))

    def now_and_before(self, assets: Sequence[str]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Sums and ratios of these assets over the reporting period and over the days before it."""
        current, previous = self.period.current, self.period.previous
        if len(assets) == 1:
            (asset,) = assets
            return self.by_asset_now.get(asset, self._nothing), self._by_asset_before.get(
                asset, self._nothing
            )
        days = self.days_of(assets)
        now = ratios_by(current.of(days)).row(0, named=True)
        return now, ratios_by(previous.of(days)).row(0, named=True) if previous else self._nothing

    @cached_property
    def by_asset_now(self) -> Mapping[str, dict[str, Any]]:
        """Sums and ratios of the reporting period, by asset_id."""
        sums = ratios_by(self.period.current.of(self.inputs.daily), "asset_id")
        return {row["asset_id"]: row for row in sums.iter_rows(named=True)}

    @cached_property
    def _by_asset_before(self) -> Mapping[str, dict[str, Any]]:
        if self.period.previous is None:
            return {}
        sums = ratios_by(self.period.previous.of(self.inputs.daily), "asset_id")
        return {row["asset_id"]: row for row in sums.iter_rows(named=True)}

    @cached_property
    def _nothing(self) -> Mapping[str, Any]:
        return ratios_by(self.inputs.daily.clear()).row(0, named=True)

    @cached_property
    def by_site_now(self) -> Mapping[str, dict[str, Any]]:
        """The same by site_id."""
        sums = ratios_by(self.period.current.of(self.inputs.daily), "site_id")
        return {row["site_id"]: row for row in sums.iter_rows(named=True)}


def _period(inputs: Inputs, days: int) -> Period:
    # Days on which the data of some asset begin or end are no days to compare, unless there are no others.
    partial = inputs.daily.filter("is_partial")["date_local"].unique()
    whole = inputs.daily["date_local"].filter(~inputs.daily["date_local"].is_in(partial.implode()))
    days_to_show = inputs.daily["date_local"] if whole.is_empty() else whole
    first, last = days_to_show.min(), days_to_show.max()
    accepted = inputs.load_log.filter(pl.col("refusal").is_null())
    begin, end = accepted["day"].min(), accepted["day"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise TypeError("mart_asset_daily has no days")
    loaded = Days(begin, end) if isinstance(begin, date) and isinstance(end, date) else None
    return report_period(Days(first, last), loaded, sorted(inputs.fleet.assets["timezone"].unique()), days)


def _by_asset(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {
        str(key[0]): part
        for key, part in rows.partition_by("asset_id", as_dict=True, maintain_order=True).items()
    }
