"""The report of a small simulated fleet: its figures are the marts', it is closed in itself, and a browser shows it."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet, load_fleet
from renewable.published.event_intervals import EVENT_INTERVALS
from renewable.published.publish import publish
from renewable.report.build import ReportSummary, write_report
from renewable.scorecard.score import score
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.warehouse import connect
from renewable.windows import Window

pytestmark = pytest.mark.integration
EVIL = "<script>alert(1)</script>"
EVIL_ASSET, SILENT = "nordermarsch-w-01", "mesa-dorada-s-01"
WINDOW = Window(date(2025, 1, 4), date(2025, 1, 13))
NOW = datetime(2025, 1, 13, 6, tzinfo=UTC)
# From Berlin's first whole day to Chicago's last one: seven days, of which the report is about the later half.
PERIOD = (date(2025, 1, 9), date(2025, 1, 11))
_CHROMIUM_ARGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def published(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Published tables of four assets, one with a name that wants to be code, one that is yet to be built."""
    fleet_dir = tmp_path_factory.mktemp("registry")
    is_evil, is_silent = pl.col("asset_id") == EVIL_ASSET, pl.col("asset_id") == SILENT
    fleet.assets.with_columns(
        pl.when(is_evil).then(pl.lit(EVIL)).otherwise("asset_name").alias("asset_name"),
        pl.when(is_evil).then(pl.lit(f"\"'{EVIL}")).otherwise("site_name").alias("site_name"),
        pl.when(is_silent).then(date(2099, 1, 1)).otherwise("commissioned_on").alias("commissioned_on"),
    ).write_csv(fleet_dir / "assets.csv")
    fleet.power_curves.write_csv(fleet_dir / "power_curves.csv")
    settings = Settings(data_dir=tmp_path_factory.mktemp("made") / "demo", fleet_dir=fleet_dir)
    generate(load_fleet(fleet_dir), WINDOW, data_dir=settings.data_dir, seed=5, profile="harsh")
    ingest(settings)
    transform(settings)
    publish(settings)
    score(settings)
    return settings


@pytest.fixture(scope="module")
def made(published: Settings) -> ReportSummary:
    return write_report(published, now=NOW)


@pytest.fixture(scope="module")
def folder(made: ReportSummary) -> Path:
    return made.index.parent


def test_headline_figures_are_those_of_the_fleet_mart(published: Settings, folder: Path) -> None:
    days = _mart(published, "mart_fleet_daily").filter(pl.col("group_level") == "fleet").pipe(_in_period)
    figures = _figures(folder / "index.html")
    for name in ("energy_kwh", "expected_energy_kwh", "lost_energy_kwh"):
        assert figures[name] == pytest.approx(days[name].sum(), abs=1e-6), name
    assert figures["data_coverage_ratio"] == pytest.approx(
        days["observed_hours"].sum() / days["expected_hours"].sum(), rel=1e-12
    )
    assets = _mart(published, "mart_asset_daily").pipe(_in_period)
    energy, expected = assets["compared_energy_kwh"].sum(), assets["compared_expected_energy_kwh"].sum()
    assert figures["performance_index"] == pytest.approx(energy / expected, rel=1e-12)
    assert figures["lost_energy_kwh"] == pytest.approx(
        figures["expected_energy_kwh"] - figures["energy_kwh"], abs=1e-6
    )


def test_a_period_of_one_day_has_the_very_ratios_of_that_days_mart(
    published: Settings, tmp_path: Path
) -> None:
    settings = _copy(published, tmp_path)
    index = write_report(settings, now=NOW, days=1).index
    last = pl.col("date_local") == PERIOD[1]
    row = (
        _mart(settings, "mart_fleet_daily").filter(last, pl.col("group_level") == "fleet").row(0, named=True)
    )
    figures = _figures(index)
    assert len(figures) == 9
    for name, value in figures.items():
        assert value == pytest.approx(row[name], rel=1e-12), name


def test_the_ranking_has_every_asset_with_the_sums_of_its_days(published: Settings, folder: Path) -> None:
    rows = _table(folder / "index.html", "ranking")
    daily = _mart(published, "mart_asset_daily").pipe(_in_period)
    by_name = {asset["asset_name"]: asset for asset in load_fleet(published.fleet_dir).assets.to_dicts()}
    assert [row[0][0] for row in rows] and {row[0][0] for row in rows} == set(by_name)
    for row in rows:
        asset = by_name[row[0][0]]
        own = daily.filter(pl.col("asset_id") == asset["asset_id"])
        assert float(row[3][1]) == asset["rated_power_kw"]
        for cell, name in ((4, "energy_kwh"), (5, "expected_energy_kwh"), (6, "lost_energy_kwh")):
            if own.is_empty():
                assert row[cell][1] == ""
            else:
                assert float(row[cell][1]) == pytest.approx(own[name].sum(), abs=1e-6)


def test_embedded_rows_are_those_of_the_marts_to_the_last_bit(published: Settings, folder: Path) -> None:
    whole_days = (date(2025, 1, 5), PERIOD[1])
    for asset_id in ("campo-claro-s-01", "prairie-ridge-w-02"):
        daily = (
            _mart(published, "mart_asset_daily")
            .filter(pl.col("asset_id") == asset_id, pl.col("date_local").is_between(*whole_days))
            .sort("date_local")
        )
        energy = _data(folder / "pages" / f"asset-{asset_id}.html")["energy"]
        assert energy["day"] == [_ms(day) for day in daily["date_local"]]
        assert energy["energy_kwh"] == daily["energy_kwh"].to_list()
        assert energy["expected_kwh"] == daily["expected_energy_kwh"].to_list()


def test_losses_of_the_pages_are_those_of_the_mart(published: Settings, folder: Path) -> None:
    losses = _mart(published, "mart_losses_daily").pipe(_in_period)
    shown = _data(folder / "index.html")["waterfall"]
    for step, kwh in zip(shown["step"][:-1], shown["kwh"][:-1], strict=True):
        wanted = losses.filter(pl.col("loss_category") == step)["lost_kwh"].sum()
        assert kwh == pytest.approx(wanted, abs=1e-6), step
    assert shown["kwh"][-1] == pytest.approx(_figures(folder / "index.html")["lost_energy_kwh"], abs=1e-6)


def test_events_and_power_curve_are_listed_as_published(published: Settings, folder: Path) -> None:
    page = folder / "pages" / "asset-prairie-ridge-w-02.html"
    events = _mart(published, "mart_events").filter(pl.col("asset_id") == "prairie-ridge-w-02")
    rows = _table(page, "events")
    assert len(rows) == events.height > 0
    assert sorted(float(row[3][1]) for row in rows) == sorted(events["duration_hours"])
    curve = _mart(published, "mart_power_curve").filter(pl.col("asset_id") == "prairie-ridge-w-02")
    assert sorted(_data(page)["curve"]["mean_power_kw"]) == sorted(curve["mean_power_kw"])


def test_thinned_intervals_keep_the_peaks_around_each_event(published: Settings) -> None:
    thinned = _mart(published, EVENT_INTERVALS)
    events = _mart(published, "mart_events").filter(pl.col("kind") != "soiling")
    assert set(thinned["event_id"]) == set(events["event_id"])
    with connect(published.warehouse_path, read_only=True) as connection:
        intervals = connection.sql(
            "select asset_id, timestamp_utc, active_power_kw, expected_power_kw"
            " from intermediate.int_interval_performance"
        ).pl()
    for event in events.iter_rows(named=True):
        pad = min(max(timedelta(hours=2), (event["end_utc"] - event["start_utc"]) / 4), timedelta(hours=24))
        begin, end = event["start_utc"] - pad, event["end_utc"] + pad
        near = intervals.filter(
            pl.col("asset_id") == event["asset_id"],
            pl.col("timestamp_utc").is_between(begin, end, closed="left"),
        )
        kept = thinned.filter(pl.col("event_id") == event["event_id"])
        assert kept.height <= 6 * 48
        for name in ("active_power_kw", "expected_power_kw"):
            for peak in (pl.Expr.min, pl.Expr.max):
                whole, thin = near.select(peak(pl.col(name))).item(), kept.select(peak(pl.col(name))).item()
                assert (whole is None) == (thin is None)
                assert whole is None or thin == pytest.approx(whole, abs=0.0006)


def test_a_name_that_wants_to_be_code_is_text(folder: Path) -> None:
    for page in folder.rglob("*.html"):
        assert EVIL not in page.read_text("utf-8"), page
    assert EVIL in [row[0][0] for row in _table(folder / "index.html", "ranking")]


def test_an_asset_without_rows_has_a_page_that_says_so(folder: Path) -> None:
    page = (folder / "pages" / f"asset-{SILENT}.html").read_text("utf-8")
    assert "Nothing was published of this asset" in page
    assert _data(folder / "pages" / f"asset-{SILENT}.html")["energy"]["day"] == []


def test_no_page_refers_to_anything_outside_its_folder(folder: Path) -> None:
    for path in [*folder.rglob("*.html"), *folder.rglob("*.css")]:
        references = re.findall(
            r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)|url\(([^)]+)\)""", path.read_text("utf-8")
        )
        for reference in (one or other for one, other in references):
            if not reference.startswith(("#", "data:")):
                assert (path.parent / reference).resolve().is_relative_to(folder.resolve()), reference
                assert (path.parent / reference).exists(), f"{path}: {reference}"


def test_the_same_tables_and_moment_give_the_same_bytes_without_a_warehouse(
    published: Settings, folder: Path, tmp_path: Path
) -> None:
    again = write_report(_copy(published, tmp_path), now=NOW).index.parent
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    for name in names:
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name


def test_a_new_report_replaces_the_old_one_whole(published: Settings, tmp_path: Path) -> None:
    settings = _copy(published, tmp_path)
    folder = write_report(settings, now=NOW).index.parent
    (folder / "pages" / "asset-of-yesterday.html").write_text("gone")
    write_report(settings, now=NOW)
    assert not (folder / "pages" / "asset-of-yesterday.html").exists()
    assert not list(settings.work_dir.glob("report.*[0-9]*"))


def _write(rows: pl.DataFrame, path: Path) -> None:
    """Put `rows` in the place of a published table, a file or a folder."""
    target = path.resolve()
    if target.is_dir():
        shutil.rmtree(target)
    rows.write_parquet(target)


def test_tables_full_of_nulls_still_make_a_report(published: Settings, tmp_path: Path) -> None:
    settings = _copy(published, tmp_path)
    keys = {"asset_id", "date_local", "month_local", "site_id", "technology", "channel", "event_id", "kind"}
    keys |= {"start_utc", "end_utc", "timestamp_utc", "loss_category", "rated_power_kw"}
    for path in settings.published_dir.glob("*.parquet"):
        if path.stem not in ("load_log", "build_log"):
            rows = pl.read_parquet(path)
            nothing = [
                pl.lit(None, rows.schema[name]).alias(name) for name in rows.columns if name not in keys
            ]
            _write(rows.with_columns(nothing), path)
    assert write_report(settings, now=NOW).pages > 5


def test_marts_without_rows_make_one_page_that_says_so(published: Settings, tmp_path: Path) -> None:
    settings = _copy(published, tmp_path)
    for path in settings.published_dir.glob("mart_*.parquet"):
        _write(pl.read_parquet(path).clear(), path)
    summary = write_report(settings, now=NOW)
    assert summary.pages == 1
    assert "No interval of any asset was built yet" in summary.index.read_text("utf-8")


def test_pages_draw_themselves_in_a_browser_offline(folder: Path, browser: Any) -> None:
    for name in ("index.html", "scorecard.html", f"pages/asset-{EVIL_ASSET}.html", f"pages/asset-{SILENT}.html",
                 "pages/asset-campo-claro-s-01.html"):  # fmt: skip
        page = browser.new_page(viewport={"width": 390, "height": 800})
        said: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.on("dialog", lambda dialog, said=said: said.append(f"dialog {dialog.message}"))
        page.on(
            "request",
            lambda request, said=said: (
                None if request.url.startswith(("file:", "data:")) else said.append(request.url)
            ),
        )
        page.goto((folder / name).as_uri())
        page.wait_for_selector('body[data-ready="yes"]')
        assert said == [], name
        for chart in page.query_selector_all(".chart"):
            marks = chart.query_selector_all(
                ".mark-rect path, .mark-line path, .mark-symbol path, .mark-area path, canvas"
            )
            assert marks, f"{name}: {chart.get_attribute('aria-label')} is empty"
            assert chart.get_attribute("aria-label")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        page.close()


def test_a_reader_sorts_filters_and_opens_an_event_by_keyboard(folder: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto((folder / "index.html").as_uri())
    page.wait_for_selector('body[data-ready="yes"]')
    rows = page.locator("#ranking tbody tr:visible")
    assert rows.count() == 4
    page.get_by_role("combobox", name="Technology").select_option("solar")
    assert rows.count() == 2 and "2 of 4 shown" in page.locator("[data-filters] output").first.text_content()
    page.get_by_role("combobox", name="Technology").select_option("")
    page.get_by_role("searchbox").fill("prairie")
    assert rows.count() == 1
    page.get_by_role("searchbox").fill("")
    page.locator("#ranking").get_by_role("button", name="Energy").press("Enter")
    assert page.locator("#ranking th").nth(4).get_attribute("aria-sort") == "descending"
    held = page.locator("#ranking tbody tr td:nth-child(5) span").evaluate_all(
        "cells => cells.map(cell => cell.dataset.value)"
    )
    known = [float(value) for value in held if value]
    assert known == sorted(known, reverse=True) and held[-1] == ""
    page.get_by_label("Colour by").select_option("availability")
    assert "ago" in page.locator("time.age").first.text_content()
    page.goto((folder / "pages" / "asset-prairie-ridge-w-02.html").as_uri())
    page.wait_for_selector('body[data-ready="yes"]')
    last = page.locator("button[data-event]:not([data-opened])").last
    line = page.locator('[data-chart="event"] .mark-line path').first
    before = line.get_attribute("d")
    last.press("Enter")
    page.wait_for_function(
        "button => button.getAttribute('aria-pressed') === 'true'", arg=last.element_handle()
    )
    assert page.locator("#event-title").text_content() == last.get_attribute("aria-label")
    assert line.get_attribute("d") != before
    page.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine: the report is not looked at in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(_CHROMIUM_ARGS))
        yield running
        running.close()


def _copy(published: Settings, tmp_path: Path) -> Settings:
    """Published tables alone: no warehouse, no raw files."""
    settings = published.model_copy(update={"data_dir": tmp_path / "demo"})
    shutil.copytree(published.published_dir, settings.published_dir, symlinks=True)
    return settings


def _mart(settings: Settings, name: str) -> pl.DataFrame:
    return pl.read_parquet(settings.published_dir / f"{name}.parquet")


def _in_period(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("date_local").is_between(*PERIOD))


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _data(page: Path) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL
    )
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def _figures(page: Path) -> dict[str, float]:
    cards = re.findall(r'data-figure="(\w+)".*?data-value="([^"]*)"', page.read_text("utf-8"), re.DOTALL)
    return {name: float(value) for name, value in cards}


def _table(page: Path, name: str) -> list[list[tuple[str, str | None]]]:
    reader = _TableReader(name)
    reader.feed(page.read_text("utf-8"))
    return reader.rows


class _TableReader(HTMLParser):
    """Rows of the table with an id as (text, data-value) of their cells, read as a browser would."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self._inside, self._cell = name, False, False
        self.rows: list[list[tuple[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "table":
            self._inside = known.get("id") == self._name
        elif self._inside and tag == "tr":
            self.rows.append([])
        elif self._inside and tag == "td":
            self._cell = True
            self.rows[-1].append(("", None))
        elif self._cell and "data-value" in known:
            self.rows[-1][-1] = (self.rows[-1][-1][0], known["data-value"])

    def handle_data(self, data: str) -> None:
        if self._cell:
            text, value = self.rows[-1][-1]
            self.rows[-1][-1] = (text + data, value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "td":
            self._cell = False
        elif tag == "table":
            self.rows = [row for row in self.rows if row]
            self._inside = False
