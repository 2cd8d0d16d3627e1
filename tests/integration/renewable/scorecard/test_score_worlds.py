"""The scorecard of worlds by its command: one small fleet, simulated, loaded, built, compared and thrown away."""

import json
import tempfile
from pathlib import Path

import pytest

from renewable.scorecard.lines import lines
from renewable.scorecard.markdown import BEGIN, END
from renewable.scorecard.world_card import HEADERS
from tests.conftest import Call

pytestmark = pytest.mark.integration


def test_one_command_scores_a_world_and_leaves_nothing_of_it_behind(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, page = tmp_path / "scratch", tmp_path / "PAGE.md"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    # What the user's own fleet is set to has no say.
    own = tmp_path / "own.duckdb"
    monkeypatch.setenv("RENEWABLE_WAREHOUSE", str(own))
    monkeypatch.setenv("RENEWABLE_FIRST_DAY", "2031-01-01")
    page.write_text(f"{BEGIN}\n{END}\n", "utf-8")
    fleet = ("--wind", "2", "--solar", "2", "--start", "2025-01-14", "--days", "3", "--events", "harsh")
    few = ("score", "--worlds", "field", "--steps", "60", *fleet)
    code, out, err = call(*few, "--markdown", str(page), "--json")
    assert code == 0, err
    assert err.startswith("1 runs: 2 turbines and 2 plants, 3 days from 2025-01-14") and "about" in err
    told = json.loads(out)
    scores = {score["kind"]: score for score in told["scores"]}
    assert list(scores) == [line.kind for line in lines()] and told["seeds"] == [1]
    assert sum(score["true_h"] for score in scores.values()) > 0
    assert scores["downtime"]["goals"] and scores["icing"]["world"] == "field"
    assert f"| {HEADERS[0]} | {HEADERS[1]} |" in page.read_text("utf-8")
    assert not own.exists() and not (tmp_path / "data").exists() and not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--worlds", "moon"), "there is no world 'moon'"),
        (("--worlds", "plain", "--seeds", "1,x"), "x is no whole number"),
        (("--worlds", "plain", "--end", "2025-02-01"), "--worlds goes with --start and --days"),
        (("--worlds", "plain", "--days", "0"), "--days must be at least 1"),
        (("--worlds", "plain", "--markdown", "missing.md"), "missing.md cannot be read"),
        (("--markdown", "missing.md"), "--markdown goes with --worlds"),
    ],
)
def test_wrong_use_is_told_at_once(call: Call, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = call("score", *arguments)
    assert code == 2 and out == "" and said in " ".join(err.replace("│", " ").split())
