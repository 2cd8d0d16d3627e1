"""The pages as text: what stands on each, from frames; nothing is read or written here."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from renewable.published.event_intervals import THINNING
from renewable.published.irradiance_power import BINNING
from renewable.report import cells
from renewable.report.figures import (
    DOUBTS,
    Figure,
    headlines,
    quality_by_channel,
    sums_by,
    waterfall,
)
from renewable.report.inputs import Inputs
from renewable.report.period import PERIOD_DAYS, Days, Period, report_period
from renewable.report.tables import Column, html_table
from renewable.windows import ONE_DAY

HEATMAP_DAYS = 90
# What one look at a page can take in, and what keeps a page under its size.
EVENTS_SHOWN = 250
INTERVALS_SHOWN = 9000

_RESULTS = (
    Column("Rated", "MW"),
    Column("Energy", "MWh"),
    Column("Expected", "MWh"),
    Column("Lost", "MWh"),
    Column("Performance index", "%"),
    Column("Availability", "%, by time"),
    Column("Coverage", "%"),
)


def report_pages(inputs: Inputs, now: datetime, days: int = PERIOD_DAYS) -> Iterator[tuple[str, str]]:
    """(path inside the report, HTML) of every page; of marts without rows a single page that says so."""
    if not inputs.daily.is_empty():
        yield from Report(inputs, now, days).pages()
        return
    page = _templates().get_template("empty.html")
    title, subtitle = "Fleet report", f"Fleet “{inputs.name}”"
    yield (
        "index.html",
        page.render(**_frame(inputs.name, now, "", title, subtitle, {}), trail=[], has_scorecard=False),
    )


class Report:
    """All pages of one report; the same inputs, length and `now` give the same text."""

    def __init__(self, inputs: Inputs, now: datetime, days: int = PERIOD_DAYS) -> None:
        self._inputs = inputs
        self._now = now
        self._assets = inputs.fleet.assets
        self._period = _period(inputs, days)
        history = self._period.history
        # Partitioned once: a filter a page would read every row again for each of hundreds of assets.
        self._daily = _by_asset(history.of(inputs.daily).sort("asset_id", "date_local"))
        self._losses = _by_asset(self._period.current.of(inputs.losses))
        self._quality = _by_asset(history.of(inputs.quality).sort("channel", "date_local"))
        begin = datetime.combine(history.first, time(), UTC) - ONE_DAY
        self._events = _by_asset(
            inputs.events.filter(pl.col("end_utc") >= begin).sort(
                "start_utc", "event_id", descending=[True, False]
            )
        )
        self._intervals = _by_asset(inputs.event_intervals)
        months = Days(history.first.replace(day=1), history.last)
        self._curves = _by_asset(months.of(inputs.power_curve, "month_local")) | _by_asset(
            months.of(inputs.irradiance_power, "month_local")
        )
        self._templates = _templates()

    @property
    def period(self) -> Period:
        return self._period

    def pages(self) -> Iterator[tuple[str, str]]:
        """(path inside the report, HTML) of every page, one after the other."""
        yield "index.html", self.fleet_page()
        if self._inputs.scorecard is not None:
            yield "scorecard.html", self.scorecard_page(self._inputs.scorecard)
        for site_id in self._sites:
            yield site_href(site_id), self.site_page(site_id)
        for asset in self._assets.iter_rows(named=True):
            yield asset_href(asset["asset_id"]), self.asset_page(asset)

    @cached_property
    def _sites(self) -> Mapping[str, list[dict[str, Any]]]:
        sites: dict[str, list[dict[str, Any]]] = {}
        for asset in self._assets.sort("site_id", "asset_id").iter_rows(named=True):
            sites.setdefault(asset["site_id"], []).append(asset)
        return sites

    def fleet_page(self) -> str:
        assets = self._assets["asset_id"].to_list()
        data = {
            "energy": _energy_columns(self._days_of(assets)),
            "waterfall": self._waterfall(assets),
            "places": self._places(),
            "heatmap": self._heatmap(),
        }
        shown = self._heatmap_days
        return self._page(
            "fleet.html",
            "",
            "Fleet report",
            f"Fleet “{self._inputs.name}”: {self._fleet_size()}"
            f" · reporting period {self._period.current} ({self._period.current.count} days)",
            [],
            data,
            **self._common(assets),
            sites_table=self._sites_table(),
            ranking_table=self._ranking_table(assets, ""),
            technologies=sorted(self._assets["technology"].unique()),
            heatmap_height=len(assets) * (14 if len(assets) <= 60 else 8) + 10,
            about_heatmap=f"Local days {shown}, ordered by site. No colour: nothing is known of that day.",
            freshness=self._freshness(),
            quarantine_table=self._quarantine_table(),
            quality_table=_quality_table(
                self._period.current.of(self._inputs.quality), f"All assets, {self._period.current}"
            ),
        )

    def site_page(self, site_id: str) -> str:
        assets = self._sites[site_id]
        ids = [asset["asset_id"] for asset in assets]
        rated = sum(asset["rated_power_kw"] for asset in assets)
        return self._page(
            "site.html",
            "../",
            assets[0]["site_name"],
            f"Site {site_id} · {len(ids)} asset{'s' * (len(ids) != 1)}, {rated / 1000:,.1f} MW rated"
            f" · reporting period {self._period.current}",
            [],
            {"energy": _energy_columns(self._days_of(ids)), "waterfall": self._waterfall(ids)},
            **self._common(ids),
            ranking_table=self._ranking_table(ids, "../"),
        )

    def asset_page(self, asset: Mapping[str, Any]) -> str:
        asset_id = asset["asset_id"]
        daily = self._daily.get(asset_id, self._inputs.daily.clear())
        quality = self._quality.get(asset_id, self._inputs.quality.clear())
        events = self._events.get(asset_id, self._inputs.events.clear())
        listed = (
            events.head(EVENTS_SHOWN).with_row_index("event").with_columns(pl.col("event").cast(pl.Int64))
        )
        intervals = self._intervals_of(asset_id, listed)
        curve = self._curve_columns(asset_id)
        data: dict[str, Any] = {
            "energy": _energy_columns(daily),
            "waterfall": self._waterfall([asset_id]),
            "curve": curve,
            "events": _columns(
                listed.select(
                    "event", "kind", start=_ms("start_utc"), end=_ms("end_utc"), lost_kwh="lost_kwh"
                )
            ),
            "intervals": intervals,
            "quality": _quality_columns(quality),
        }
        if asset["technology"] == "solar":
            data["ratio"] = _columns(
                daily.select(_day_ms(), "performance_ratio", "performance_ratio_stc", "soiling_ratio")
            )
        shown = (
            ""
            if events.height <= EVENTS_SHOWN
            else f" The latest {EVENTS_SHOWN} of {events.height} are listed."
        )
        return self._page(
            "asset.html",
            "../",
            asset["asset_name"],
            f"{asset_id} · {asset['technology']}, {asset['rated_power_kw'] / 1000:,.2f} MW rated"
            f" · reporting period {self._period.current}",
            [(asset["site_name"], site_href(asset["site_id"]))],
            data,
            **self._common([asset_id]),
            technology=asset["technology"],
            has_rows=not daily.is_empty(),
            has_curve=bool(curve["month_start"]),
            has_events=not listed.is_empty(),
            has_intervals=bool(intervals["time"]),
            has_quality=not quality.is_empty(),
            about_irradiance=BINNING,
            about_thinning=THINNING + shown,
            quality_height=20 * quality["channel"].n_unique(),
            event_kinds=sorted(listed["kind"].unique()),
            events_table=_events_table(listed, set(intervals["event"])),
            quality_table=_quality_table(quality, f"{self._period.history}"),
            registry=_registry(asset),
        )

    def scorecard_page(self, card: Mapping[str, Any]) -> str:
        kinds = card["kinds"]
        data = {
            "shares": _row_columns(
                [
                    {"kind": kind["kind"], "measure": measure, "share": kind[measure]}
                    for kind in kinds
                    for measure in ("precision", "recall")
                    if kind["true_events"]
                ],
                ("kind", "measure", "share"),
            ),
            "energies": _row_columns(
                [
                    {"kind": kind["kind"], "source": source, "kwh": kind[key]}
                    for kind in kinds
                    for source, key in (("answer key", "true_lost_kwh"), ("found", "found_lost_kwh"))
                    if kind[key] is not None
                ],
                ("kind", "source", "kwh"),
            ),
            "confusion": _row_columns(
                [pair for pair in card["confusion"] if pair["true_kind"] != "none"],
                ("true_kind", "found_kind", "intervals", "hours"),
            ),
        }
        return self._page(
            "scorecard.html",
            "",
            "Detections against the answer key",
            f"{card['assets']} simulated assets, {card['first_day']} to {card['last_day']} (UTC days)",
            [],
            data,
            goals_table=_goals_table(card["goals"]),
            kinds_table=_kinds_table(kinds),
        )

    # What pages share

    def _page(
        self,
        template: str,
        root: str,
        title: str,
        subtitle: str,
        trail: Sequence[tuple[str, str]],
        data: Mapping[str, Any],
        **parts: Any,
    ) -> str:
        return self._templates.get_template(template).render(
            **_frame(self._inputs.name, self._now, root, title, subtitle, data),
            trail=trail,
            has_scorecard=self._inputs.scorecard is not None,
            **parts,
        )

    def _common(self, assets: Sequence[str]) -> dict[str, Any]:
        days = self._days_of(assets)
        current, previous = self._period.current, self._period.previous
        figures = headlines(current.of(days), previous.of(days) if previous else days.clear())
        return {
            "figures": [_shown(figure) for figure in figures],
            "compared": f"{current}, compared with the {previous.count} days before, {previous}."
            if previous
            else f"{current}. There are no days before to compare with.",
            "period_text": f"{current}",
            "about_history": f"By local day, {self._period.history}.",
            "about_losses": f"{current}. Expected energy less these losses is the energy; shares are of the expected.",
        }

    def _days_of(self, assets: Sequence[str]) -> pl.DataFrame:
        found = [self._daily[asset] for asset in assets if asset in self._daily]
        return pl.concat(found) if found else self._inputs.daily.clear()

    def _waterfall(self, assets: Sequence[str]) -> dict[str, list[Any]]:
        found = [self._losses[asset] for asset in assets if asset in self._losses]
        losses = pl.concat(found) if found else self._inputs.losses.clear()
        sums = sums_by(self._period.current.of(self._days_of(assets))).row(0, named=True)
        return _columns(waterfall(losses, sums["expected_energy_kwh"]))

    @cached_property
    def _by_asset_now(self) -> Mapping[str, dict[str, Any]]:
        sums = sums_by(self._period.current.of(self._inputs.daily), "asset_id")
        return {row["asset_id"]: row for row in sums.iter_rows(named=True)}

    @cached_property
    def _by_site_now(self) -> Mapping[str, dict[str, Any]]:
        sums = sums_by(self._period.current.of(self._inputs.daily), "site_id")
        return {row["site_id"]: row for row in sums.iter_rows(named=True)}

    def _fleet_size(self) -> str:
        counts = {name: self._inputs.fleet.technology(name).height for name in ("wind", "solar")}
        assets = " and ".join(f"{count} {name}" for name, count in counts.items() if count)
        rated = self._assets["rated_power_kw"].sum() / 1000
        return f"{assets} assets at {len(self._sites)} site{'s' * (len(self._sites) != 1)}, {rated:,.1f} MW rated"

    def _places(self) -> dict[str, list[Any]]:
        rows = []
        for site_id, assets in self._sites.items():
            technologies = sorted({asset["technology"] for asset in assets}, reverse=True)
            rows.append(
                {
                    "site": assets[0]["site_name"],
                    "href": site_href(site_id),
                    "technology": " and ".join(technologies),
                    "assets": len(assets),
                    "rated_mw": sum(asset["rated_power_kw"] for asset in assets) / 1000,
                    "latitude_deg": sum(asset["latitude_deg"] for asset in assets) / len(assets),
                    "longitude_deg": sum(asset["longitude_deg"] for asset in assets) / len(assets),
                    "performance_index": self._by_site_now.get(site_id, {}).get("performance_index"),
                }
            )
        return _row_columns(rows, tuple(rows[0]) if rows else ())

    @property
    def _heatmap_days(self) -> Days:
        history = self._period.history
        return Days(max(history.first, history.last - timedelta(days=HEATMAP_DAYS - 1)), history.last)

    def _heatmap(self) -> dict[str, list[Any]]:
        order = self._assets.sort("site_id", "asset_id").select("asset_id").with_row_index("place")
        rows = (
            self._heatmap_days.of(self._inputs.daily)
            .join(order, on="asset_id")
            .sort("place", "date_local")
            .select(_day_ms(), "performance_index", asset="asset_id", availability="time_availability_ratio")
        )
        return _columns(rows)

    def _sites_table(self) -> Markup:
        rows = []
        for site_id, assets in self._sites.items():
            rated = sum(asset["rated_power_kw"] for asset in assets)
            rows.append(
                [
                    cells.link(site_href(site_id), assets[0]["site_name"]),
                    cells.number(len(assets)),
                    *_results(self._by_site_now.get(site_id), rated),
                ]
            )
        columns = [Column("Site", figures=False), Column("Assets"), *_RESULTS]
        return html_table("sites", f"Results by site, {self._period.current}", columns, rows, sortable=True)

    def _ranking_table(self, assets: Sequence[str], root: str) -> Markup:
        chosen = set(assets)
        ranked = sorted(
            (asset for asset in self._assets.iter_rows(named=True) if asset["asset_id"] in chosen),
            key=lambda asset: (
                -((self._by_asset_now.get(asset["asset_id"]) or {}).get("lost_energy_kwh") or 0.0),
                asset["asset_id"],
            ),
        )
        rows = [
            [
                cells.link(root + asset_href(asset["asset_id"]), asset["asset_name"]),
                cells.text(asset["site_name"]),
                cells.text(asset["technology"]),
                *_results(self._by_asset_now.get(asset["asset_id"]), asset["rated_power_kw"]),
                self._sparkline(asset["asset_id"]),
            ]
            for asset in ranked
        ]
        columns = [
            Column("Asset", figures=False),
            Column("Site", figures=False),
            Column("Technology", figures=False),
            *_RESULTS,
            Column("Performance index", "by day", figures=False),
        ]
        return html_table(
            "ranking", f"Results by asset, {self._period.current}", columns, rows, sortable=True
        )

    def _sparkline(self, asset_id: str) -> Markup:
        days = self._period.current
        known = (
            dict(days.of(self._daily[asset_id]).select("date_local", "performance_index").iter_rows())
            if asset_id in self._daily
            else {}
        )
        values = [known.get(days.first + timedelta(days=n)) for n in range(days.count)]
        return cells.sparkline(values, 0.5, 1.1, "performance index by day")

    def _freshness(self) -> list[tuple[str, Markup]]:
        log = self._inputs.load_log.filter(pl.col("refusal").is_null())
        last = log["day"].max()
        loaded = log["loaded_at"].max()
        newest = datetime.combine(last, time(), UTC) + ONE_DAY if isinstance(last, date) else None
        refused = self._inputs.load_log.height - log.height
        return [
            ("Data up to", cells.age(newest)),
            ("Last load", cells.age(loaded if isinstance(loaded, datetime) else None)),
            ("This report", cells.age(self._now)),
            (
                "Files loaded",
                cells.number(log.height)
                + Markup(" files, ")
                + cells.number(int(log["rows_loaded"].sum()))
                + Markup(" rows"),
            ),
            ("Files refused", cells.number(refused) + Markup(" files")),
        ]

    def _quarantine_table(self) -> Markup:
        found = self._inputs.quarantined
        rows = [
            [cells.text(what), cells.text(rule.replace("_", " ")), cells.number(count)]
            for what, counts in (("rows", found.rows), ("values", found.values))
            for rule, count in sorted(counts.items())
        ] + [
            [cells.text("whole file"), cells.text(f"{name}: {reason}"), cells.number(1)]
            for name, reason in found.files.items()
        ]
        if not rows:
            return Markup('<p class="empty">Nothing is set aside: 0 rows, 0 values, 0 files.</p>')
        columns = [Column("What", figures=False), Column("Rule", figures=False), Column("Set aside", "count")]
        return html_table("quarantine", "Set aside by the gate, and kept", columns, rows)

    def _intervals_of(self, asset_id: str, events: pl.DataFrame) -> dict[str, list[Any]]:
        known = self._intervals.get(asset_id, self._inputs.event_intervals.clear())
        rows = known.join(events.select("event", "event_id"), on="event_id").sort("event", "timestamp_utc")
        # Whole events only: the latest first.
        counts = rows.group_by("event").len().sort("event").with_columns(pl.col("len").cum_sum())
        kept = counts.filter(pl.col("len") <= INTERVALS_SHOWN)["event"]
        return _columns(
            rows.filter(pl.col("event").is_in(kept.implode())).select(
                "event",
                time=_ms("timestamp_utc"),
                power_kw="active_power_kw",
                expected_kw="expected_power_kw",
            )
        )

    def _curve_columns(self, asset_id: str) -> dict[str, list[Any]]:
        rows = self._curves.get(asset_id)
        if rows is None:
            return {"month_start": []}
        return _columns(
            rows.sort("month_local", rows.columns[2]).select(
                _ms_of_day("month_local").alias("month_start"),
                (pl.col("month_local") == pl.col("month_local").max()).alias("is_latest"),
                pl.exclude("asset_id", "month_local", "is_complete", "mean_wind_speed_ms", "std_power_kw"),
            )
        )


def asset_href(asset_id: str) -> str:
    """The page of an asset; the registry allows only names that are file names."""
    return f"pages/asset-{asset_id}.html"


def site_href(site_id: str) -> str:
    """The page of a site, whose name may be any text: what is no file name is replaced, and a hash keeps it unique."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in site_id)[:60]
    mark = "" if plain == site_id else "-" + sha256(site_id.encode()).hexdigest()[:8]
    return f"pages/site-{plain}{mark}.html"


def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("renewable.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _frame(
    fleet: str, now: datetime, root: str, title: str, subtitle: str, data: Mapping[str, Any]
) -> dict[str, Any]:
    """What every page has."""
    return {
        "root": root,
        "title": title,
        "subtitle": subtitle,
        "fleet_name": fleet,
        "now_iso": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "now_text": f"{now:%Y-%m-%d %H:%M}",
        "data": cells.script_json(data),
    }


def _period(inputs: Inputs, days: int) -> Period:
    first, last = inputs.daily["date_local"].min(), inputs.daily["date_local"].max()
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


def _shown(figure: Figure) -> dict[str, Any]:
    change = figure.change
    tone, said = "", "nothing to compare with"
    if change is not None:
        size = f"{abs(change):.1f} {'points' if figure.is_share else '%'}"
        moved = f"{abs(change):.1f}" != "0.0"
        said = f"{'▲' if change > 0 else '▼'} {size}" if moved else f"± {size}"
        tone = "" if not figure.better or not moved else "good" if change * figure.better > 0 else "bad"
    return {
        "key": figure.key,
        "title": figure.title,
        "hint": figure.hint,
        "shown": cells.number(figure.value, figure.decimals, divisor=figure.divisor, unit=figure.unit),
        "change": change,
        "said": said,
        "tone": tone,
    }


def _results(sums: Mapping[str, Any] | None, rated_kw: float) -> list[Markup]:
    row = sums or {}
    return [
        cells.number(rated_kw, 2, divisor=1000.0),
        cells.number(row.get("energy_kwh"), 1, divisor=1000.0),
        cells.number(row.get("expected_energy_kwh"), 1, divisor=1000.0),
        cells.number(row.get("lost_energy_kwh"), 1, divisor=1000.0),
        *(
            cells.number(row.get(name), 1, divisor=0.01)
            for name in ("performance_index", "time_availability_ratio", "data_coverage_ratio")
        ),
    ]


def _energy_columns(daily: pl.DataFrame) -> dict[str, list[Any]]:
    days = sums_by(daily, "date_local")
    return _columns(days.select(_day_ms(), "energy_kwh", expected_kwh="expected_energy_kwh"))


def _quality_columns(quality: pl.DataFrame) -> dict[str, list[Any]]:
    return _columns(
        quality.select(
            _day_ms(),
            "channel",
            expected="readings_expected",
            present="readings_present",
            doubtful=pl.sum_horizontal(DOUBTS),
        )
    )


def _quality_table(quality: pl.DataFrame, caption: str) -> Markup:
    rows = [
        [
            cells.text(row["channel"]),
            cells.number(row["readings_expected"]),
            cells.share(row["present_ratio"]),
            cells.share(row["doubtful_ratio"], 2),
            cells.number(row["readings_below_zero"]),
            cells.number(row["longest_gap_hours"], 1),
        ]
        for row in quality_by_channel(quality).iter_rows(named=True)
    ]
    columns = [
        Column("Channel", figures=False),
        Column("Expected", "readings"),
        Column("Present", "%"),
        Column("Doubtful", "% of present"),
        Column("Below zero", "readings"),
        Column("Longest gap", "h in a day"),
    ]
    return html_table("quality", caption, columns, rows, sortable=True)


def _events_table(events: pl.DataFrame, with_intervals: set[int]) -> Markup:
    # Open at first what cost most.
    shown = events.filter(pl.col("event").is_in(sorted(with_intervals)))
    opened = (
        shown.sort("lost_kwh", descending=True, nulls_last=True, maintain_order=True)["event"]
        .head(1)
        .to_list()
    )
    rows = [
        [
            cells.text(row["kind"]),
            cells.moment(row["start_utc"]),
            cells.moment(row["end_utc"]),
            cells.number(row["duration_hours"], 1),
            cells.number(row["lost_kwh"], 2, divisor=1000.0),
            cells.text("yes" if row["is_estimated"] else "no"),
            cells.text(row["evidence"]),
            Markup(
                '<button type="button" data-event="{}"{} aria-pressed="false" aria-label="{}">show</button>'
            ).format(
                row["event"],
                Markup(" data-opened") if row["event"] in opened else "",
                f"{row['kind']} from {row['start_utc']:%Y-%m-%d %H:%M} to {row['end_utc']:%Y-%m-%d %H:%M} UTC",
            )
            if row["event"] in with_intervals
            else cells.text("whole days" if row["kind"] == "soiling" else "not shown"),
        ]
        for row in events.iter_rows(named=True)
    ]
    columns = [
        Column("Kind", figures=False),
        Column("Start", "UTC", figures=False),
        Column("End", "UTC", figures=False),
        Column("Duration", "h"),
        Column("Lost", "MWh"),
        Column("Estimated", figures=False),
        Column("Evidence", figures=False),
        Column("Intervals", figures=False),
    ]
    return html_table("events", "Events, the latest first", columns, rows, sortable=True)


def _registry(asset: Mapping[str, Any]) -> list[tuple[str, Markup]]:
    units = {
        "_kw": "kW",
        "_m": "m",
        "_deg": "°",
        "_pct": "%",
        "_pct_per_c": "%/°C",
        "_minutes": "min",
    }
    facts = []
    for name, value in asset.items():
        if value is None:
            continue
        suffix = max((s for s in units if name.endswith(s)), key=len, default="")
        label = name.removesuffix(suffix).replace("_", " ")
        shown = (
            f"{value:,g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        )
        facts.append((label, cells.text(f"{shown}\N{NO-BREAK SPACE}{units[suffix]}" if suffix else shown)))
    return facts


def _goals_table(goals: Sequence[Mapping[str, Any]]) -> Markup:
    said = {True: "met", False: "missed", None: "nothing to measure"}
    rows = [
        [
            cells.text(goal["kind"]),
            cells.text(
                {"ratio": "daily ratio, mean absolute error", "energy": "error of lost energy"}.get(
                    goal["measure"], goal["measure"]
                )
            ),
            cells.text(("≤ " if goal["measure"] in ("energy", "ratio") else "≥ ") + f"{goal['bound']:.2f}"),
            cells.number(goal["reached"], 3),
            cells.number(goal["evidence"]),
            cells.text(said[goal["met"]]),
        ]
        for goal in goals
    ]
    columns = [
        Column("Kind", figures=False),
        Column("Measure", figures=False),
        Column("Goal", "share", figures=False),
        Column("Reached", "share"),
        Column("True events", "count"),
        Column("Verdict", figures=False),
    ]
    return html_table("goals", "Goals on the profile “typical”", columns, rows)


def _kinds_table(kinds: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        [
            cells.text(str(kind["kind"]).replace("_", " ")),
            cells.share(kind["precision"]),
            cells.share(kind["recall"]),
            cells.number(kind["true_events"]),
            cells.number(kind["found_events"]),
            cells.share(kind["event_precision"]),
            cells.share(kind["event_recall"]),
            cells.number(kind["true_lost_kwh"], 1, divisor=1000.0),
            cells.number(kind["found_lost_kwh"], 1, divisor=1000.0),
            cells.share(kind["energy_error"]),
        ]
        for kind in kinds
    ]
    columns = [
        Column("Kind", figures=False),
        Column("Precision", "% of intervals"),
        Column("Recall", "% of intervals"),
        Column("True events", "count"),
        Column("Found events", "count"),
        Column("Precision", "% of events"),
        Column("Recall", "% of events"),
        Column("True loss", "MWh"),
        Column("Found loss", "MWh"),
        Column("Error", "% of true loss"),
    ]
    return html_table("kinds", "Detections by kind", columns, rows, sortable=True)


def _columns(rows: pl.DataFrame) -> dict[str, list[Any]]:
    return {name: rows[name].to_list() for name in rows.columns}


def _row_columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}


def _ms(column: str) -> pl.Expr:
    return pl.col(column).dt.epoch("ms")


def _ms_of_day(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Datetime("ms")).dt.epoch("ms")


def _day_ms() -> pl.Expr:
    return _ms_of_day("date_local").alias("day")
