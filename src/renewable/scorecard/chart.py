"""The scorecard as a picture."""

from pathlib import Path
from typing import Any

import polars as pl

from renewable.errors import UsageError
from renewable.scorecard.score import Scorecard

_WIDTH, _HEIGHT = 320, 200


def draw_scorecard(card: Scorecard, out: Path) -> Path:
    """Draw precision and recall by kind and lost energy against the truth into `out`, .png or .svg.

    Raises UsageError for another suffix.
    """
    if out.suffix not in (".png", ".svg"):
        raise UsageError(f"{out}: the picture is a .png or .svg")
    out.parent.mkdir(parents=True, exist_ok=True)
    _chart(card).save(str(out), **({"scale_factor": 2} if out.suffix == ".png" else {}))
    return out


def _chart(card: Scorecard) -> Any:
    import altair as alt

    shares = pl.DataFrame(
        [
            {"kind": score.kind.replace("_", " "), "measure": measure, "share": getattr(score, measure)}
            for score in card.kinds
            for measure in ("precision", "recall")
            if score.true_events
        ],
        schema={"kind": pl.String, "measure": pl.String, "share": pl.Float64},
    )
    energies = pl.DataFrame(
        [
            {"kind": score.kind, "source": source, "lost_mwh": value / 1000}
            for score in card.kinds
            for source, value in (("answer key", score.true_lost_kwh), ("found", score.found_lost_kwh))
            if value is not None
        ],
        schema={"kind": pl.String, "source": pl.String, "lost_mwh": pl.Float64},
    )
    pairs = card.confusion.filter(pl.col("true_kind") != "none")
    quality = (
        alt.Chart(shares, title="Precision and recall, by interval")
        .mark_bar()
        .encode(
            y=alt.Y("kind:N", title=None, sort=None),
            yOffset=alt.YOffset("measure:N"),
            x=alt.X("share:Q", title="share", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("measure:N", title=None, scale=alt.Scale(range=["#0072b2", "#e69f00"])),
        )
        .properties(width=_WIDTH, height=_HEIGHT)
    )
    energy = (
        alt.Chart(energies, title="Lost energy, MWh")
        .mark_bar()
        .encode(
            y=alt.Y("kind:N", title=None, sort=None),
            yOffset=alt.YOffset("source:N"),
            x=alt.X("lost_mwh:Q", title="MWh"),
            color=alt.Color("source:N", title=None, scale=alt.Scale(range=["#999999", "#009e73"])),
        )
        .properties(width=_WIDTH, height=_HEIGHT)
    )
    base = alt.Chart(pairs, title="Hours by true kind (down) and found kind (across)").encode(
        y=alt.Y("true_kind:N", title=None), x=alt.X("found_kind:N", title=None)
    )
    confusion = (
        base.mark_rect().encode(
            color=alt.Color("hours:Q", legend=None, scale=alt.Scale(type="symlog", scheme="blues"))
        )
        + base.mark_text(fontSize=10).encode(text=alt.Text("hours:Q", format=",.0f"))
    ).properties(width=_WIDTH, height=_HEIGHT)
    title = f"Detections of {card.assets} simulated assets, {card.first_day} to {card.last_day}"
    return (
        alt.hconcat(quality, energy, confusion)
        .resolve_scale(color="independent")
        .properties(title=alt.Title(title, anchor="start"))
    )
