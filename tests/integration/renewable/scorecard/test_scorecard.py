"""The scorecard against a count of its own, and what it says of data without an answer key."""

import json
import shutil
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from filelock import FileLock

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.errors import NothingToScoreError
from renewable.fleet import Fleet
from renewable.operations.explain import WALK, Found, explained
from renewable.operations.score_worlds import score_own
from renewable.scorecard.chart import draw_scorecard
from renewable.scorecard.score import score, score_if_any, scorecard_path
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.warehouse import connect
from renewable.windows import Window
from tests.conftest import Call

pytestmark = pytest.mark.integration
WINDOW = Window(date(2025, 1, 10), date(2025, 1, 24))


@pytest.fixture(scope="module")
def winter(fleet: Fleet, fleet_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two harsh weeks, loaded and built."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("winter"), fleet_dir=fleet_dir, lock_wait_s=20)
    generate(fleet, WINDOW, data_dir=settings.data_dir, seed=7, profile="harsh")
    ingest(settings)
    transform(settings)
    return settings


def test_precision_recall_and_energy_are_those_of_the_intervals(winter: Settings, tmp_path: Path) -> None:
    card = score(winter)
    with connect(winter.warehouse_path, read_only=True) as connection:
        found = connection.sql("from intermediate.int_interval_performance").pl()
    truth = pl.read_parquet(winter.data_dir / "truth" / "*.parquet").rename({"timestamp": "timestamp_utc"})
    both = truth.join(found, on=["asset_id", "timestamp_utc"], how="inner")
    seen = both.filter(pl.col("active_power_kw").is_not_null())
    checked = 0
    for kind in card.kinds:
        if kind.kind not in ("downtime", "curtailment", "icing", "derating"):
            continue
        is_true, is_found = seen["kind"] == kind.kind, (seen["event_kind"] == kind.kind).fill_null(False)
        counts = (kind.true_intervals, kind.found_intervals, kind.agreeing_intervals)
        assert counts == (is_true.sum(), is_found.sum(), (is_true & is_found).sum())
        lost = (seen["lost_power_kw"] * seen["interval_hours"]).filter(is_true).sum()
        assert (kind.true_lost_kwh or 0.0) == pytest.approx(lost)
        assert (kind.found_lost_kwh or 0.0) == pytest.approx(both[f"{kind.kind}_kwh"].sum())
        checked += kind.true_intervals > 0
    assert checked >= 2
    assert card.confusion["intervals"].sum() == both.height
    downtime = next(kind for kind in card.kinds if kind.kind == "downtime")
    assert (downtime.precision or 0) > 0.9 and (downtime.recall or 0) > 0.9
    published = json.loads(scorecard_path(winter).read_text())
    assert published["goals"] and published["kinds"][0]["kind"] == "downtime"
    assert draw_scorecard(card, tmp_path / "card.svg").read_text().startswith("<svg")


def test_published_events_are_judged_by_their_own_hours_and_intervals_as_on_the_card(
    winter: Settings,
) -> None:
    scores = {found.kind: found for found in score_own(winter)}
    truth = pl.read_parquet(winter.data_dir / "truth" / "*.parquet")
    with connect(winter.warehouse_path, read_only=True) as connection:
        intervals = connection.sql("from intermediate.int_interval_performance").pl()
        events = connection.sql("from marts.mart_events where source = 'detected'").pl()
    seen = truth.rename({"timestamp": "timestamp_utc"}).join(
        intervals.filter(pl.col("active_power_kw").is_not_null()), on=["asset_id", "timestamp_utc"]
    )
    checked = 0
    for kind in score(winter).kinds:
        if kind.kind not in ("downtime", "curtailment", "icing", "derating"):
            continue
        found = scores[kind.kind]
        hours = seen.with_columns(pl.col("interval_hours").alias("hours"))
        agreeing = (pl.col("kind") == kind.kind) & (pl.col("event_kind") == kind.kind)
        assert found.sums["true_found_h"] == pytest.approx(hours.filter(agreeing)["hours"].sum())
        assert found.sums["found_kwh"] == pytest.approx(kind.found_lost_kwh or 0.0, abs=1e-6)
        assert found.sums["true_kwh"] == pytest.approx(kind.true_lost_kwh or 0.0)
        of_kind = events.filter(pl.col("kind") == kind.kind)
        inside = hours.join(of_kind.select("asset_id", "start_utc", "end_utc"), on="asset_id").filter(
            pl.col("timestamp_utc") >= pl.col("start_utc"), pl.col("timestamp_utc") < pl.col("end_utc")
        )
        assert found.sums["span_h"] == pytest.approx(inside["hours"].sum())
        right = inside.filter(pl.col("kind") == kind.kind)["hours"].sum()
        assert found.sums["span_true_h"] == pytest.approx(right)
        assert found.sums["found_events"] == of_kind.height
        checked += of_kind.height > 0
    assert checked >= 2
    gaps = events.filter(pl.col("kind") == "unmeasured").height
    assert scores["communication_gap"].sums["found_events"] == gaps > 0


def test_of_every_interval_explain_finds_the_verdict_as_the_first_cause(winter: Settings) -> None:
    with connect(winter.warehouse_path, read_only=True) as connection:

        def rows(table: str) -> list[dict[str, Any]]:
            return connection.sql(f"from {table}").pl().to_dicts()

        assets = {row["asset_id"]: row for row in rows("staging.stg_assets")}
        seeds = rows("vocabulary.event_kinds"), rows("vocabulary.reading_rules")
        at: dict[str, dict[tuple[str, datetime], list[dict[str, Any]]]] = {}
        for model, column in WALK.items():
            at[model] = defaultdict(list)
            for row in rows(f"intermediate.{model}"):
                at[model][row["asset_id"], row[column]].append(row)
    kinds = set()
    for asset, start in at["int_intervals"]:
        hour = start.replace(minute=0)
        of = {m: at[m].get((asset, hour if c == "hour_utc" else start), []) for m, c in WALK.items()}
        told = explained(Found(assets[asset], start, of, *seeds))
        first = (told.causes[0].kind, told.causes[0].evidence) if told.causes else (None, None)
        assert (told.kind, told.evidence) == first, (asset, start)
        kinds.add(told.kind)
    assert len(kinds) >= 5, "the winter has most of them"


def test_a_person_asks_for_an_interval_and_gets_facts_with_units_or_one_clear_error(
    winter: Settings, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENEWABLE_DATA_DIR", str(winter.data_dir))
    with connect(winter.warehouse_path, read_only=True) as connection:
        ((asset, start, kind),) = connection.execute(
            "select asset_id, timestamp_utc, kind from intermediate.int_attribution"
            " where kind <> 'unmeasured' order by lost_kwh desc nulls last limit 1"
        ).fetchall()
    inside = start + timedelta(minutes=3)
    code, out, _ = call("explain", asset, f"{inside:%Y-%m-%dT%H:%MZ}")
    assert code == 0 and out.startswith(f"{asset}, {start:%Y-%m-%d %H:%M} to ")
    assert f"verdict\n  {kind}\n" in out and "rated power " in out and " kWh" in out
    elsewhere = inside.astimezone(timezone(timedelta(hours=9)))
    code, out, _ = call("explain", asset, elsewhere.isoformat(), "--json")
    told = json.loads(out)
    assert code == 0 and told["kind"] == kind and told["causes"][0]["kind"] == kind
    for arguments, exit_code, said in (
        ((asset, f"{inside:%Y-%m-%dT%H:%M}"), 2, "names no time zone"),
        ((asset[:-1], f"{inside:%Y-%m-%dT%H:%MZ}"), 2, f"such as {asset}"),
        ((asset, "2031-01-01T00:00Z"), 1, "there is no interval"),
    ):
        code, out, err = call("explain", *arguments)
        assert (code, out) == (exit_code, "") and said in err and len(err.splitlines()) == 1
    with FileLock(f"{winter.warehouse_path}.lock"):
        code, out, err = call("explain", asset, f"{inside:%Y-%m-%dT%H:%MZ}")
    assert code == 1 and "stayed busy for 0 s" in err, "it waits as long as RENEWABLE_LOCK_WAIT_S says"


def test_without_an_answer_key_there_is_nothing_to_score(settings: Settings) -> None:
    with pytest.raises(NothingToScoreError, match="no answer key"):
        score(settings)
    assert score_if_any(settings) is None


def test_days_whose_key_came_before_their_load_are_no_fault(
    winter: Settings, fleet: Fleet, tmp_path: Path
) -> None:
    later = Window.of_day(date(2025, 2, 3))
    generate(fleet, later, data_dir=tmp_path, seed=7)
    key = winter.data_dir / "truth" / "truth_2025-02-03.parquet"
    shutil.copy(tmp_path / "truth" / key.name, key)
    try:
        with pytest.raises(NothingToScoreError, match="renewable transform"):
            score(winter, later)
        said: list[str] = []
        assert score_if_any(winter, later, report=said.append) is None
        assert said == ["no interval of the answer key was built: run `renewable transform` first"]
        assert score_if_any(winter, WINDOW) is not None
    finally:
        key.unlink()
