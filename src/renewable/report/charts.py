"""Charts of the report as Vega-Lite specifications: one a kind, made once and shared by all pages.

A specification names its rows (`rows`, further ones by their own name); pages bring these along. Times are epoch
milliseconds on a UTC scale, local days as their midnight in UTC, so that no reader's time zone shifts a day.
"""

from typing import Any

import altair as alt

from renewable.vocabulary import PALETTE, event_kinds

BLUE, ORANGE, GREEN, RED, SKY, GREY = (
    PALETTE[name] for name in ("blue", "orange", "green", "red", "sky", "grey")
)
_HEIGHT = 240
_DAY_FORMAT = "utcFormat(datum.day, '%Y-%m-%d')"


def chart_specs() -> dict[str, dict[str, Any]]:
    """Kind of chart → specification as a plain dict, without data."""
    charts = {
        "energy": _energy(),
        "waterfall": _waterfall(),
        "places": _places(),
        "heatmap": _heatmap(),
        "power_curve": _power_curve(),
        "irradiance_power": _irradiance_power(),
        "performance_ratio": _performance_ratio(),
        "event_times": _event_times(),
        "event": _event(),
        "quality": _quality(),
        "score_shares": _score_shares(),
        "score_energy": _score_energy(),
        "confusion": _confusion(),
    }
    specs = {kind: chart.properties(background="transparent").to_dict() for kind, chart in charts.items()}
    # The page says what it embeds; an address, even one that nothing opens, has no place in an offline report.
    return {
        kind: {name: part for name, part in spec.items() if name != "$schema"} for kind, spec in specs.items()
    }


def _rows(name: str = "rows") -> alt.NamedData:
    return alt.NamedData(name=name)


def _wide(chart: Any, height: Any = _HEIGHT) -> Any:
    return chart.properties(
        width="container", height=height, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )


def _time(field: str = "day", title: str | None = None, *, hours: bool = False) -> alt.X:
    labels: dict[str, Any] = (
        {"labelExpr": "utcFormat(datum.value, '%d %b %H:%M')", "tickCount": 6} if hours else {}
    )
    axis: dict[str, Any] = {"labelOverlap": True, "tickCount": 8, "grid": False}
    return alt.X(
        f"{field}:T",
        title=title,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(**(axis | labels)),
    )


def _y(field: str, title: str) -> alt.Y:
    return alt.Y(field, title=title)


def _named(names: dict[str, str]) -> alt.Color:
    """Colour by `series`, which each layer sets, so that the legend names the layers."""
    return alt.Color("series:N", title=None, scale=_colours(names))


def _colours(names: dict[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(names), range=list(names.values()))


_ENERGY = {"energy": BLUE, "expected": ORANGE}


def _energy() -> Any:
    """A bar and a dash a day: unlike a line, they leave out a day of which nothing is known."""
    base = alt.Chart(_rows()).transform_calculate(
        date=_DAY_FORMAT,
        next="datum.day + 86400000",
        energy_mwh="datum.energy_kwh === null ? null : datum.energy_kwh / 1000",
        expected_mwh="datum.expected_kwh === null ? null : datum.expected_kwh / 1000",
    )
    tips = [
        alt.Tooltip("date:N", title="local day"),
        alt.Tooltip("energy_mwh:Q", title="energy, MWh", format=",.2f"),
        alt.Tooltip("expected_mwh:Q", title="expected, MWh", format=",.2f"),
    ]
    unit = "MWh a day"
    actual = (
        base.mark_rect(opacity=0.6)
        .transform_calculate(series="'energy'")
        .encode(
            x=_time(),
            x2="next:T",
            y=_y("energy_mwh:Q", unit),
            y2=alt.Y2Datum(0),
            color=_named(_ENERGY),
            tooltip=tips,
        )
    )
    expected = (
        base.mark_rule(strokeWidth=2)
        .transform_calculate(series="'expected'")
        .encode(x=_time(), x2="next:T", y=_y("expected_mwh:Q", unit), color=_named(_ENERGY), tooltip=tips)
    )
    return _wide(actual + expected)


def _waterfall() -> Any:
    """Losses one after the other from nothing to all that was lost, so that small ones can be seen."""
    base = (
        alt.Chart(_rows())
        .transform_calculate(
            start="datum.from_kwh / 1000",
            end="datum.to_kwh / 1000",
            mwh="datum.kwh / 1000",
            name="datum.label",
            rightmost="max(datum.from_kwh, datum.to_kwh) / 1000",
            said="format(datum.kwh / 1000, ',.1f') + ' MWh'"
            " + (datum.of_expected === null ? '' : ', ' + format(datum.of_expected, '.2%'))",
        )
        .encode(y=alt.Y("name:N", sort=None, title=None))
    )
    kinds = {"loss": RED, "gain": GREEN, "total": BLUE}
    bars = base.mark_bar().encode(
        x=alt.X("start:Q", title="MWh", scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=6)),
        x2="end:Q",
        color=alt.Color("kind:N", legend=None, scale=_colours(kinds)),
        tooltip=[
            alt.Tooltip("name:N", title="step"),
            alt.Tooltip("mwh:Q", title="MWh", format=",.3f"),
            alt.Tooltip("of_expected:Q", title="of expected energy", format=".2%"),
        ],
    )
    labels = base.mark_text(align="left", dx=5, fontSize=11).encode(x=alt.X("rightmost:Q"), text="said:N")
    # An invisible point makes room for the label of the longest bar.
    room = (
        base.transform_calculate(beyond="datum.rightmost * 1.6")
        .mark_point(opacity=0)
        .encode(x=alt.X("beyond:Q"))
    )
    return _wide(bars + labels + room)


def _places() -> Any:
    base = alt.Chart(_rows()).encode(
        x=alt.X(
            "longitude_deg:Q",
            title="longitude, °",
            scale=alt.Scale(zero=False, padding=75, nice=False),
            axis=alt.Axis(tickCount=6),
        ),
        y=alt.Y("latitude_deg:Q", title="latitude, °", scale=alt.Scale(zero=False, padding=30)),
    )
    points = base.mark_point(filled=True, opacity=0.9, stroke="#555", strokeWidth=0.6).encode(
        size=alt.Size("rated_mw:Q", title="MW", legend=None, scale=alt.Scale(range=[80, 600])),
        shape=alt.Shape(
            "technology:N",
            title=None,
            scale=alt.Scale(
                domain=["wind", "solar", "wind and solar"], range=["triangle-up", "square", "diamond"]
            ),
            legend=alt.Legend(orient="bottom"),
        ),
        color=_shade("performance_index:Q", "performance index", (0.8, 1.0)),
        href="href:N",
        tooltip=[
            alt.Tooltip("site:N"),
            alt.Tooltip("assets:Q"),
            alt.Tooltip("rated_mw:Q", title="rated, MW", format=",.2f"),
            alt.Tooltip("performance_index:Q", title="performance index", format=".1%"),
        ],
    )
    names = base.mark_text(dx=13, align="left", baseline="middle", fontSize=11).encode(text="site:N")
    return _wide(points + names, 320)


def _shade(field: str, title: str | None, domain: tuple[float, float]) -> Any:
    return alt.Color(
        field,
        title=title,
        scale=alt.Scale(domain=domain, scheme="viridis", clamp=True),
        legend=alt.Legend(format=".0%", orient="top", gradientThickness=8, gradientLength=160),
    )


def _heatmap() -> Any:
    measure = alt.param(
        name="measure", value="performance_index", bind=alt.BindDirect(element="#heatmap-measure")
    )
    return _wide(
        alt.Chart(_rows())
        .transform_calculate(date=_DAY_FORMAT, value="datum[measure]", next="datum.day + 86400000")
        .mark_rect(clip=True)
        .encode(
            x=_time(),
            x2="next:T",
            y=alt.Y("asset:N", title=None, axis=alt.Axis(labelLimit=150, labelOverlap=True), sort=None),
            color=_shade("value:Q", None, (0.5, 1.05)),
            tooltip=[
                alt.Tooltip("asset:N"),
                alt.Tooltip("date:N", title="local day"),
                alt.Tooltip("performance_index:Q", title="performance index", format=".1%"),
                alt.Tooltip("availability:Q", title="availability, by time", format=".1%"),
            ],
        )
        .add_params(measure),
        _HEIGHT,
    )


_BEFORE, _LATEST = "measured, months before", "measured, latest month"


def _power_curve() -> Any:
    tips = [
        alt.Tooltip("month:N"),
        alt.Tooltip("wind_speed_bin_ms:Q", title="bin, m/s"),
        alt.Tooltip("mean_power_kw:Q", title="mean power, kW", format=",.1f"),
        alt.Tooltip("reference_power_kw:Q", title="reference, kW", format=",.1f"),
        alt.Tooltip("intervals:Q", format=","),
    ]
    x = alt.X("wind_speed_bin_ms:Q", title="wind speed at 1.225 kg/m³, m/s")
    return _by_bins(x, "reference_power_kw", "reference", tips)


def _irradiance_power() -> Any:
    tips = [
        alt.Tooltip("month:N"),
        alt.Tooltip("poa_irradiance_bin_wm2:Q", title="centre of the bin, W/m²"),
        alt.Tooltip("mean_power_kw:Q", title="mean power, kW", format=",.1f"),
        alt.Tooltip("mean_expected_power_kw:Q", title="expected, kW", format=",.1f"),
        alt.Tooltip("intervals:Q", format=","),
    ]
    x = alt.X("poa_irradiance_bin_wm2:Q", title="irradiance in the plane of the array, W/m²")
    return _by_bins(x, "mean_expected_power_kw", "expected, latest month", tips)


def _by_bins(x: alt.X, reference: str, said: str, tips: list[alt.Tooltip]) -> Any:
    """Measured means by bin and month over the line that they are held against, that of the latest month."""
    names = {_BEFORE: SKY, _LATEST: BLUE, said: ORANGE}
    unit = "power, kW"
    base = alt.Chart(_rows())
    line = (
        base.transform_filter("datum.is_latest")
        .mark_line()
        .transform_calculate(series=f"'{said}'")
        .encode(x=x, y=_y(f"{reference}:Q", unit), color=_named(names))
    )
    points = (
        base.mark_point(filled=True, opacity=0.8)
        .transform_calculate(
            month="utcFormat(datum.month_start, '%Y-%m')",
            series=f"datum.is_latest ? '{_LATEST}' : '{_BEFORE}'",
        )
        .encode(
            x=x,
            y=_y("mean_power_kw:Q", unit),
            color=_named(names),
            size=alt.condition("datum.is_latest", alt.value(40), alt.value(14)),
            tooltip=tips,
        )
    )
    return _wide(line + points, 300)


def _performance_ratio() -> Any:
    names = {"as measured": SKY, "at 25 °C": BLUE, "soiling ratio": ORANGE}
    base = alt.Chart(_rows()).transform_calculate(date=_DAY_FORMAT)
    tips = [
        alt.Tooltip("date:N", title="local day"),
        alt.Tooltip("performance_ratio:Q", title="performance ratio", format=".1%"),
        alt.Tooltip("performance_ratio_stc:Q", title="performance ratio at 25 °C", format=".1%"),
        alt.Tooltip("soiling_ratio:Q", title="soiling ratio", format=".2%"),
    ]

    def y(field: str) -> alt.Y:
        return alt.Y(
            f"{field}:Q",
            title="ratio",
            scale=alt.Scale(domain=[0.4, 1.05], clamp=True),
            axis=alt.Axis(format=".0%"),
        )

    return _wide(
        base.mark_point(filled=True, size=16, opacity=0.8)
        .transform_calculate(series="'as measured'")
        .encode(x=_time(), y=y("performance_ratio"), color=_named(names), tooltip=tips)
        + base.mark_point(filled=True, size=16, opacity=0.8)
        .transform_calculate(series="'at 25 °C'")
        .encode(x=_time(), y=y("performance_ratio_stc"), color=_named(names), tooltip=tips)
        + base.mark_line(strokeWidth=1.6)
        .transform_calculate(series="'soiling ratio'")
        .encode(x=_time(), y=y("soiling_ratio"), color=_named(names), tooltip=tips)
    )


def _event_times() -> Any:
    kinds = {kind.label: kind.hex_colour for kind in event_kinds("interval", "day")}
    return _wide(
        alt.Chart(_rows("events"))
        .transform_calculate(
            begin="utcFormat(datum.start, '%Y-%m-%d %H:%M')",
            lost_mwh="datum.lost_kwh === null ? null : datum.lost_kwh / 1000",
        )
        .mark_bar(height=10, minBandSize=2, cursor="pointer", strokeWidth=2)
        .encode(
            x=_time("start"),
            x2="end:T",
            y=alt.Y("kind:N", title=None, scale=alt.Scale(domain=list(kinds))),
            color=alt.Color("kind:N", legend=None, scale=_colours(kinds)),
            stroke=alt.Color("kind:N", legend=None, scale=_colours(kinds)),
            tooltip=[
                alt.Tooltip("kind:N"),
                alt.Tooltip("begin:N", title="start, UTC"),
                alt.Tooltip("lost_mwh:Q", title="lost, MWh", format=",.2f"),
            ],
        ),
        _HEIGHT,
    )


def _event() -> Any:
    """The intervals around the event whose number the parameter `chosen` holds."""
    chosen = alt.param(name="chosen", value=0)
    names = {"power": BLUE, "expected": ORANGE}
    lines = (
        alt.Chart(_rows("intervals"))
        .transform_filter("datum.event === chosen")
        .transform_calculate(when="utcFormat(datum.time, '%Y-%m-%d %H:%M')")
    )
    tips = [
        alt.Tooltip("when:N", title="UTC"),
        alt.Tooltip("power_kw:Q", title="power, kW", format=",.1f"),
        alt.Tooltip("expected_kw:Q", title="expected, kW", format=",.1f"),
    ]
    unit = "power, kW"
    when = _time("time", "UTC", hours=True)
    band = (
        alt.Chart(_rows("events"))
        .transform_filter("datum.event === chosen")
        .mark_rect(opacity=0.15, color=RED)
        .encode(x=_time("start", "UTC", hours=True), x2="end:T")
    )
    expected = (
        lines.mark_line(strokeWidth=1.5)
        .transform_calculate(series="'expected'")
        .encode(x=when, y=_y("expected_kw:Q", unit), color=_named(names), tooltip=tips)
    )
    power = (
        lines.mark_line(strokeWidth=1.5, point=alt.OverlayMarkDef(size=10))
        .transform_calculate(series="'power'")
        .encode(x=when, y=_y("power_kw:Q", unit), color=_named(names), tooltip=tips)
    )
    return _wide((band + expected + power).add_params(chosen), 280)


def _quality() -> Any:
    return _wide(
        alt.Chart(_rows("quality"))
        .transform_calculate(
            date=_DAY_FORMAT,
            next="datum.day + 86400000",
            good="datum.expected ? (datum.present - datum.doubtful) / datum.expected : null",
        )
        .mark_rect(clip=True)
        .encode(
            x=_time(),
            x2="next:T",
            y=alt.Y("channel:N", title=None),
            color=_shade("good:Q", "present and not doubtful", (0.0, 1.0)),
            tooltip=[
                alt.Tooltip("channel:N"),
                alt.Tooltip("date:N", title="local day"),
                alt.Tooltip("expected:Q", title="readings expected"),
                alt.Tooltip("present:Q", title="present"),
                alt.Tooltip("doubtful:Q", title="doubtful"),
            ],
        ),
        _HEIGHT,
    )


def _score_shares() -> Any:
    names = {"precision": BLUE, "recall": ORANGE}
    return _wide(
        alt.Chart(_rows("shares"))
        .transform_calculate(name="replace(datum.kind, '_', ' ')")
        .mark_bar()
        .encode(
            y=alt.Y("name:N", title=None, sort=None),
            yOffset=alt.YOffset("measure:N"),
            x=alt.X(
                "share:Q",
                title="share of intervals",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".0%"),
            ),
            color=alt.Color("measure:N", title=None, scale=_colours(names)),
            tooltip=["name:N", "measure:N", alt.Tooltip("share:Q", format=".2%")],
        ),
        260,
    )


def _score_energy() -> Any:
    names = {"answer key": GREY, "found": GREEN}
    return _wide(
        alt.Chart(_rows("energies"))
        .transform_calculate(mwh="datum.kwh / 1000")
        .mark_bar()
        .encode(
            y=alt.Y("kind:N", title=None, sort=None),
            yOffset=alt.YOffset("source:N"),
            x=alt.X("mwh:Q", title="lost energy, MWh"),
            color=alt.Color("source:N", title=None, scale=_colours(names)),
            tooltip=["kind:N", "source:N", alt.Tooltip("mwh:Q", title="MWh", format=",.2f")],
        ),
        260,
    )


def _confusion() -> Any:
    base = alt.Chart(_rows("confusion")).encode(
        y=alt.Y("true_kind:N", title="true kind"),
        x=alt.X("found_kind:N", title="found kind", axis=alt.Axis(labelAngle=-40)),
    )
    cells = base.mark_rect().encode(
        color=alt.Color("hours:Q", legend=None, scale=alt.Scale(type="symlog", range=["#eef5fb", "#6baed6"])),
        tooltip=["true_kind:N", "found_kind:N", alt.Tooltip("hours:Q", title="h", format=",.1f")],
    )
    labels = base.mark_text(fontSize=11, color="#111").encode(text=alt.Text("hours:Q", format=",.0f"))
    return _wide(cells + labels, 280)
