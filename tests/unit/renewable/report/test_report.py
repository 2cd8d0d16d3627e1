"""Laws of the report's parts: which days it is about, what a cell holds, which texts may stand in a page."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from renewable.errors import PipelineError
from renewable.report import cells
from renewable.report.build import write_report
from renewable.report.charts import chart_specs
from renewable.report.figures import losses_by_category, waterfall
from renewable.report.pages.links import site_href
from renewable.report.period import Days, report_period
from renewable.report.tables import Column, html_table
from renewable.settings import Settings
from renewable.vocabulary import event_kinds

pytestmark = pytest.mark.unit
LOSS_CATEGORIES = [kind.kind for kind in event_kinds()]
EUROPE_AND_AMERICA = ["America/Chicago", "Europe/Berlin"]


def test_a_report_without_published_tables_names_the_next_step(settings: Settings) -> None:
    with pytest.raises(PipelineError, match="renewable publish"):
        write_report(settings, now=datetime(2025, 1, 1, tzinfo=UTC))


def test_a_day_is_reported_only_when_it_is_whole_in_every_time_zone() -> None:
    loaded = Days(date(2025, 1, 1), date(2025, 1, 31))
    period = report_period(Days(date(2024, 12, 31), date(2025, 2, 1)), loaded, EUROPE_AND_AMERICA, 10)
    # Chicago is six hours behind: the last UTC day ends in the middle of its own last day.
    assert period.current == Days(date(2025, 1, 21), date(2025, 1, 30))
    assert period.previous == Days(date(2025, 1, 11), date(2025, 1, 20))
    # Berlin's first day began before the data did.
    assert period.history == Days(date(2025, 1, 2), date(2025, 1, 30))


@given(st.integers(1, 500), st.integers(1, 400))
def test_the_days_before_are_as_many_and_adjoin(days: int, length: int) -> None:
    rows = Days(date(2025, 1, 1), date(2025, 1, 1) + timedelta(days=days - 1))
    period = report_period(rows, None, ["UTC"], length)
    assert period.current.last == rows.last and period.current.count <= length
    if period.previous:
        assert period.previous.count == period.current.count
        assert period.previous.last + timedelta(days=1) == period.current.first
        assert rows.first <= period.previous.first
    else:
        assert days == 1


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_a_cell_keeps_the_whole_figure_and_shows_a_rounded_one(value: float) -> None:
    cell = cells.number(value, 1, divisor=1000.0, unit="MWh")
    held, shown = re.fullmatch(r'<span class="num" data-value="(.*)">(.*)\xa0MWh</span>', cell).groups()  # type: ignore[union-attr]
    assert float(held) == value
    assert float(shown.replace(",", "").replace("−", "-")) == pytest.approx(
        value / 1000, abs=0.0501, rel=1e-9
    )
    assert shown != "−0.0"


@given(st.text())
def test_no_text_leaves_its_script_tag_or_its_cell(text: str) -> None:
    said = cells.script_json({"name": text + "</script><script>"})
    assert "<" not in said and json.loads(said)["name"] == text + "</script><script>"
    assert (
        "<" not in cells.text(text) and "<" not in cells.link("x.html", text)[len('<a href="x.html">') : -4]
    )


def test_a_table_takes_no_text_that_is_not_escaped() -> None:
    with pytest.raises(TypeError, match="escaped"):
        html_table("t", "a table", [Column("name")], [["<b>bold</b>"]])  # type: ignore[list-item]
    assert "&lt;b&gt;" in html_table("t", "a table", [Column("name")], [[cells.text("<b>")]])
    assert isinstance(html_table("t", "<i>", [Column("name")], []), Markup)


@given(st.text(min_size=1), st.text(min_size=1))
def test_sites_have_pages_of_their_own_whatever_they_are_called(one: str, other: str) -> None:
    assert re.fullmatch(r"pages/site-[A-Za-z0-9_-]*\.html", site_href(one))
    assert (site_href(one) == site_href(other)) == (one == other)


@given(st.dictionaries(st.sampled_from(LOSS_CATEGORIES), st.floats(-1e6, 1e6), min_size=1))
def test_a_waterfall_starts_at_nothing_and_ends_with_all_that_was_lost(lost: dict[str, float]) -> None:
    losses = pl.DataFrame({"loss_category": list(lost), "lost_kwh": list(lost.values())})
    steps = waterfall(losses, 1000.0)
    assert steps["from_kwh"][0] == 0.0
    assert steps["kwh"][-1] == pytest.approx(sum(lost.values()), abs=1e-6)
    assert steps["to_kwh"][:-1].to_list()[:-1] == steps["from_kwh"][1:-1].to_list()
    order = [LOSS_CATEGORIES.index(name) for name in losses_by_category(losses)["loss_category"]]
    assert order == sorted(order)


def test_every_chart_leaves_its_data_and_its_width_to_the_page() -> None:
    for kind, spec in chart_specs().items():
        text = json.dumps(spec)
        assert spec["width"] == "container", kind
        assert "http" not in text and "datasets" not in spec and '"values"' not in text, kind
