"""The scorecard against a count of its own, and what it says of data without an answer key."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.errors import PipelineError
from renewable.fleet import Fleet
from renewable.scorecard.chart import draw_scorecard
from renewable.scorecard.score import score, scorecard_path
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.warehouse import connect
from renewable.windows import Window

pytestmark = pytest.mark.integration
WINDOW = Window(date(2025, 1, 10), date(2025, 1, 24))


def test_precision_recall_and_energy_are_those_of_the_intervals(
    settings: Settings, fleet: Fleet, tmp_path: Path
) -> None:
    generate(fleet, WINDOW, data_dir=settings.data_dir, seed=7, profile="harsh")
    ingest(settings)
    transform(settings)
    card = score(settings)
    with connect(settings.warehouse_path, read_only=True) as connection:
        found = connection.sql("from intermediate.int_interval_performance").pl()
    truth = pl.read_parquet(settings.data_dir / "truth" / "*.parquet").rename({"timestamp": "timestamp_utc"})
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
    published = json.loads(scorecard_path(settings).read_text())
    assert published["goals"] and published["kinds"][0]["kind"] == "downtime"
    assert draw_scorecard(card, tmp_path / "card.svg").read_text().startswith("<svg")


def test_without_an_answer_key_there_is_nothing_to_score(settings: Settings) -> None:
    with pytest.raises(PipelineError, match="no answer key"):
        score(settings)
