"""The Dagster UI in a browser, as a person uses it. Needs Chromium on the PATH."""

import os
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from dagster_project.file_sensor import RAW_FILE_SENSOR
from dagster_project.keys import published_key
from dagster_project.runs import UNFINISHED
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.settings import Settings
from renewable.windows import Window
from tests.integration.services import Services, free_port, services

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Where to put pictures of the steps; none are taken without.
PICTURES = os.environ.get("PICTURES_DIR")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"),
    # Playwright's event loop is closed before its last transport
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 860})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@pytest.fixture
def dagster(settings: Settings) -> Iterator[Services]:
    with services(settings.model_copy(update={"sensor_interval_s": 5})) as started:
        yield started


def test_a_person_materializes_a_day_and_drops_a_file_that_the_sensor_loads(
    dagster: Services, page: Page, fleet: Fleet
) -> None:
    port = free_port()
    dagster.start("ui", "--port", str(port))
    home = f"http://127.0.0.1:{port}"
    dagster.until(300, "the web server", lambda: _answers(page, home))

    page.goto(f"{home}/asset-groups")
    for group in ("raw_files", "warehouse", "staging", "intermediate", "marts", "published", "quality"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    # The address that a click on the group leads to: a click may fall into the graph's animation and meet nothing.
    page.goto(f"{home}/asset-groups?expanded=global@global:published")
    expect(page.get_by_text("fleet_daily_files", exact=True).last).to_be_visible()
    _picture(page, "lineage")

    page.goto(f"{home}/assets/raw_files/weather_files")
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="Latest", exact=True).click()
    page.get_by_role("button", name="Launch 1 run").click()
    dagster.until(300, "the run by hand", lambda: _succeeded(dagster.instance, 1))
    (made,) = dagster.settings.raw_dir.rglob("*.parquet")
    assert made.name.startswith("weather_")
    latest = date.fromisoformat(made.stem.removeprefix("weather_"))

    page.goto(f"{home}/automation")
    page.get_by_role("link", name=RAW_FILE_SENSOR).first.click()
    page.wait_for_url(f"**/sensors/{RAW_FILE_SENSOR}")
    page.get_by_role("checkbox").first.dispatch_event("click")
    dagster.until(60, "the sensor switched on", lambda: _is_on(dagster.instance, RAW_FILE_SENSOR))
    dropped = Window.of_day(latest - timedelta(days=2))
    generate(fleet, dropped, data_dir=dagster.settings.data_dir, seed=1)
    dagster.until(480, "the sensor's run", lambda: dropped.start in _made(dagster.instance))
    dagster.until(240, "its end", lambda: not dagster.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)))
    by_sensor = dagster.instance.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": RAW_FILE_SENSOR}))
    assert by_sensor and all(run.is_success for run in by_sensor)

    page.goto(f"{home}/runs")
    expect(page.get_by_text("Success").first).to_be_visible()
    _picture(page, "runs")
    page.goto(f"{home}/automation")
    expect(page.get_by_text(RAW_FILE_SENSOR).first).to_be_visible()
    _picture(page, "automation")
    page.goto(f"{home}/assets/published/fleet_daily_files?view=overview")
    expect(page.get_by_text("fleet_daily_files").first).to_be_visible()
    _picture(page, "mart")


def _answers(page: Page, home: str) -> bool:
    try:
        return bool(page.request.get(f"{home}/server_info").ok)
    except Exception as error:
        assert "ECONNREFUSED" in str(error), error
        return False


def _succeeded(instance: dg.DagsterInstance, count: int) -> bool:
    return instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])) >= count


def _is_on(instance: dg.DagsterInstance, sensor: str) -> bool:
    states = instance.all_instigator_state()
    return any(state.instigator_name == sensor and state.is_running for state in states)


def _made(instance: dg.DagsterInstance) -> set[date]:
    key = published_key("mart_asset_daily")
    return {date.fromisoformat(day) for day in instance.get_materialized_partitions(key)}


def _picture(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(3000)
        page.screenshot(path=Path(PICTURES) / f"{name}.png")
