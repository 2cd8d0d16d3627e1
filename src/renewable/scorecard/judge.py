"""What was found beside the answer key, by blocks: true and found events of an asset that touch, with their intervals.

Blocks are what is summed over seeds and step lengths, and what is drawn anew to say how sure a share is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from renewable.scorecard.lines import Line

# A day counts as one of a kind of days where the kind takes more than this share of what could be given.
DAY_LOSS = 0.01
# Sums of a block: hours by what they are, events, energies.
HOURS = ("true_h", "found_h", "true_found_h", "found_true_h", "span_h", "span_true_h", "true_span_h")
EVENTS = ("true_events", "true_events_found", "found_events", "found_events_true")
ENERGIES = ("true_kwh", "found_kwh")
BLOCK_SCHEMA = pl.Schema(
    {
        "kind": pl.String(),
        "asset_id": pl.String(),
        "block": pl.Int64(),
        **dict.fromkeys(HOURS, pl.Float64()),
        **dict.fromkeys(EVENTS, pl.Int64()),
        **dict.fromkeys(ENERGIES, pl.Float64()),
    }
)
_ROW = ("entity", "asset_id", "start_utc", "hours")


@dataclass(frozen=True)
class Frames:
    """One simulated fleet as it was and as it was found.

    intervals: asset_id, technology, start_utc, hours, date_local, potential_kwh, lost_kwh, true_kind, found_kind,
    is_unmeasured, of each kind of intervals KIND_kwh, and of each channel CHANNEL_arrived and CHANNEL_flag.
    spans: the key by spans, asset_id, kind, channel, start_utc, end_utc, value.
    published: mart_events, asset_id, kind, start_utc, end_utc.
    days: asset_id, technology, date_local, soiling_ratio, of each kind of days KIND_kwh.
    true_days: asset_id, date_local, kind, loss_ratio, lost_kwh, of the kinds of days.
    """

    intervals: pl.DataFrame
    spans: pl.DataFrame
    published: pl.DataFrame
    days: pl.DataFrame
    true_days: pl.DataFrame


@dataclass(frozen=True)
class Judged:
    """What fleets come to: `blocks` by BLOCK_SCHEMA, `dirt` and `exposure` as the functions of these names say."""

    blocks: pl.DataFrame
    dirt: pl.DataFrame
    exposure: pl.DataFrame

    def marked(self, world: str, step_minutes: int) -> "Judged":
        """The same with columns world and step, in minutes."""
        run = {"world": pl.lit(world), "step": pl.lit(step_minutes)}
        return Judged(*(frame.with_columns(**run) for frame in (self.blocks, self.dirt, self.exposure)))


def judge(frames: Frames, lines: Iterable[Line]) -> Judged:
    """All that is counted of some assets."""
    return Judged(blocks(frames, lines), dirt(frames), exposure(frames))


def all_of(parts: Iterable[Judged]) -> Judged:
    """Several fleets, or parts of one, as one."""
    known = list(parts)
    return Judged(
        pl.concat(part.blocks for part in known),
        pl.concat(part.dirt for part in known),
        pl.concat(part.exposure for part in known),
    )


def blocks(frames: Frames, lines: Iterable[Line]) -> pl.DataFrame:
    """Sums of all lines by BLOCK_SCHEMA."""
    found = [_line_blocks(line, rows) for line in lines for rows in _rows(frames, line)]
    return pl.concat([pl.DataFrame(schema=BLOCK_SCHEMA), *found])


def dirt(frames: Frames) -> pl.DataFrame:
    """Of each plant the days on which dirt truly takes more than DAY_LOSS, and of these the days without a ratio.

    Columns: asset_id, dirty_days, unknown_days, known_days (all days with both ratios) and error_sum (of these, the
    absolute errors of the ratio).
    """
    both = frames.true_days.filter(pl.col("kind") == "soiling").join(
        frames.days.select("asset_id", "date_local", "soiling_ratio"), on=["asset_id", "date_local"]
    )
    is_dirty, ratio = pl.col("loss_ratio") > DAY_LOSS, pl.col("soiling_ratio")
    return (
        both.group_by("asset_id")
        .agg(
            is_dirty.sum().cast(pl.Int64).alias("dirty_days"),
            (is_dirty & ratio.is_null()).sum().cast(pl.Int64).alias("unknown_days"),
            ratio.is_not_null().sum().cast(pl.Int64).alias("known_days"),
            (ratio - (1.0 - pl.col("loss_ratio"))).abs().sum().alias("error_sum"),
        )
        .sort("asset_id")
    )


def exposure(frames: Frames) -> pl.DataFrame:
    """Asset-days by technology: what false events are counted against."""
    days = frames.intervals.group_by("technology").agg((pl.col("hours").sum() / 24.0).alias("asset_days"))
    return days.sort("technology")


def covered(rows: pl.DataFrame, spans: pl.DataFrame) -> pl.Series:
    """Number of the span that each row (asset_id, start_utc) lies in, null: in none; spans that overlap are one."""
    merged = (
        spans.select("asset_id", "start_utc", "end_utc")
        .sort("asset_id", "start_utc")
        .with_columns(
            (pl.col("start_utc") > pl.col("end_utc").cum_max().shift(1).over("asset_id"))
            .fill_null(True)
            .cum_sum()
            .alias("span")
        )
        .group_by("asset_id", "span")
        .agg(pl.col("start_utc").min().alias("from_utc"), pl.col("end_utc").max())
    )
    numbered = rows.select("asset_id", "start_utc").with_row_index("row").sort("start_utc")
    met = numbered.join_asof(
        merged.sort("from_utc"),
        left_on="start_utc",
        right_on="from_utc",
        by="asset_id",
        strategy="backward",
        check_sortedness=False,
    ).sort("row")
    inside = pl.when(pl.col("start_utc") < pl.col("end_utc")).then(pl.col("span").cast(pl.Int64))
    return met.select(inside.alias("span")).to_series()


def _rows(frames: Frames, line: Line) -> Iterator[pl.DataFrame]:
    """Rows to compare, a frame for each channel: _ROW, is_true, is_excused, is_found, is_noticed, span and energies."""
    if line.grain == "interval":
        yield _interval_rows(frames, line)
    elif line.grain == "day":
        yield _day_rows(frames, line)
    else:
        yield from _reading_rows(frames, line)


def _interval_rows(frames: Frames, line: Line) -> pl.DataFrame:
    at = frames.intervals
    keyed = frames.spans.filter(pl.col("kind").is_in(line.true))
    is_true = covered(at, keyed).is_not_null() | at["true_kind"].is_in(line.true)
    span = covered(at, frames.published.filter(pl.col("kind") == line.published))
    if line.has_energy:
        seen = ~at["is_unmeasured"]
        is_true, is_found = is_true & seen, at["found_kind"] == line.kind
        span = span.to_frame().select(pl.when(seen).then("span")).to_series()
    else:
        is_found = at["is_unmeasured"]
    lost = (
        at["lost_kwh"] * is_true.cast(pl.Float64)
        if line.has_energy
        else pl.repeat(0.0, at.height, eager=True)
    )
    return at.select(
        pl.col("asset_id").alias("entity"),
        "asset_id",
        "start_utc",
        "hours",
        is_true.alias("is_true"),
        is_true.alias("is_excused"),
        is_found.fill_null(False).alias("is_found"),
        is_found.fill_null(False).alias("is_noticed"),
        span.alias("span"),
        lost.alias("true_kwh"),
        (pl.col(f"{line.kind}_kwh") if line.has_energy else pl.lit(0.0)).fill_null(0.0).alias("found_kwh"),
    )


def _day_rows(frames: Frames, line: Line) -> pl.DataFrame:
    """Whole local days; a published event has a day where it covers the day's noon."""
    true = frames.true_days.filter(pl.col("kind").is_in(line.true)).select(
        "asset_id", "date_local", "loss_ratio", "lost_kwh"
    )
    noons = frames.intervals.group_by("asset_id", "date_local").agg(
        (pl.col("start_utc").min() + (pl.col("start_utc").max() - pl.col("start_utc").min()) / 2).alias(
            "start_utc"
        )
    )
    at = (
        frames.days.join(noons, on=["asset_id", "date_local"])
        .join(true, on=["asset_id", "date_local"], how="left")
        .sort("asset_id", "date_local")
    )
    span = covered(at, frames.published.filter(pl.col("kind") == line.published))
    is_true = (at["loss_ratio"] > DAY_LOSS).fill_null(False)
    # Energies are compared where the loss is told, by the marts.
    is_told = at[f"{line.kind}_kwh"].is_not_null()
    return at.select(
        pl.col("asset_id").alias("entity"),
        "asset_id",
        "start_utc",
        pl.lit(24.0).alias("hours"),
        is_true.alias("is_true"),
        is_true.alias("is_excused"),
        span.is_not_null().alias("is_found"),
        span.is_not_null().alias("is_noticed"),
        span.alias("span"),
        pl.when(is_told).then(pl.col("lost_kwh").fill_null(0.0)).otherwise(0.0).alias("true_kwh"),
        pl.col(f"{line.kind}_kwh").fill_null(0.0).alias("found_kwh"),
    )


def _reading_rows(frames: Frames, line: Line) -> Iterator[pl.DataFrame]:
    at = frames.intervals
    channels = [name.removesuffix("_flag") for name in at.columns if name.endswith("_flag")]
    keyed = frames.spans.filter(pl.col("kind").is_in(line.true))
    whole = keyed.filter(pl.col("channel").is_null())
    if whole.height:
        yield _reading_row(frames, line, None, channels)
    for channel in channels:
        if line.channels is None or channel in line.channels:
            yield _reading_row(frames, line, channel, [channel])


def _reading_row(frames: Frames, line: Line, channel: str | None, columns: list[str]) -> pl.DataFrame:
    at = frames.intervals
    of_channel = pl.col("channel").is_null() if channel is None else pl.col("channel") == channel
    keyed = frames.spans.filter(of_channel, pl.col("kind").is_in(line.true))
    visible = covered(
        at, keyed.filter(pl.col("value").abs().fill_null(1.0) >= line.least_share)
    ).is_not_null()
    beside = frames.spans.filter(
        of_channel | pl.col("channel").is_null(), pl.col("kind").is_in((*line.true, *line.excused))
    )
    is_excused = covered(at, beside).is_not_null()
    if line.in_power or (channel or "").endswith("_wm2"):
        visible = visible & (at["potential_kwh"] > 0.0).fill_null(False)
    arrived = at.select(pl.any_horizontal(f"{name}_arrived" for name in columns)).to_series()

    def flagged(flags: tuple[str, ...]) -> pl.Expr:
        return pl.any_horizontal(pl.col(f"{name}_flag").is_in(flags) for name in columns).fill_null(False)

    return at.select(
        (pl.col("asset_id") + " " + (channel or "")).alias("entity"),
        "asset_id",
        "start_utc",
        "hours",
        (visible & arrived).alias("is_true"),
        is_excused.alias("is_excused"),
        flagged(line.flags).alias("is_found"),
        flagged((*line.flags, *line.seen_by)).alias("is_noticed"),
        pl.lit(None, pl.Int64).alias("span"),
        pl.lit(0.0).alias("true_kwh"),
        pl.lit(0.0).alias("found_kwh"),
    )


def _line_blocks(line: Line, rows: pl.DataFrame) -> pl.DataFrame:
    is_span = pl.col("span").is_not_null()
    something = (
        pl.col("is_true")
        | pl.col("is_found")
        | is_span
        | (pl.col("true_kwh") != 0.0)
        | (pl.col("found_kwh") != 0.0)
    )
    gap = timedelta(minutes=line.gap_minutes)
    kept = _numbered(
        rows.filter(something).sort("entity", "start_utc"), "block", max(gap, timedelta(hours=1))
    )

    def hours(when: pl.Expr) -> pl.Expr:
        return pl.col("hours").filter(when).sum()

    true, found = pl.col("is_true"), pl.col("is_found")
    sums = kept.group_by("asset_id", "block").agg(
        hours(true).alias("true_h"),
        hours(found).alias("found_h"),
        hours(true & pl.col("is_noticed")).alias("true_found_h"),
        hours(found & (true | pl.col("is_excused"))).alias("found_true_h"),
        hours(is_span).alias("span_h"),
        hours(is_span & true).alias("span_true_h"),
        hours(true & is_span).alias("true_span_h"),
        pl.col("true_kwh").sum(),
        pl.col("found_kwh").sum(),
    )
    is_published = line.published is not None
    noticed = is_span if is_published else pl.col("is_noticed")
    true_events = _events(
        _numbered(kept.filter(true), "event", gap), noticed, "true_events", "true_events_found"
    )
    spans = (
        kept.filter(is_span).with_columns(pl.col("span").alias("event"))
        if is_published
        else _numbered(kept.filter(found), "event", gap)
    )
    found_events = _events(spans, true | pl.col("is_excused"), "found_events", "found_events_true")
    return (
        sums.join(true_events, on="block", how="left")
        .join(found_events, on="block", how="left")
        .with_columns(pl.lit(line.kind).alias("kind"), pl.col(EVENTS).fill_null(0))
        .select(pl.col(name).cast(dtype) for name, dtype in BLOCK_SCHEMA.items())
        .sort("asset_id", "block")
    )


def _numbered(rows: pl.DataFrame, name: str, gap: timedelta) -> pl.DataFrame:
    """Rows by entity and start with the number of their run; a run goes on over pauses of `gap`."""
    end = pl.col("start_utc") + pl.duration(seconds=pl.col("hours") * 3600.0)
    is_first = pl.col("start_utc") > end.shift(1).over("entity") + gap
    return rows.with_columns(is_first.fill_null(True).cum_sum().cast(pl.Int64).alias(name))


def _events(rows: pl.DataFrame, is_met: pl.Expr, count: str, count_met: str) -> pl.DataFrame:
    """Events by block, and those with a row for which `is_met` holds."""
    met = rows.group_by("block", "entity", "event").agg(is_met.any().alias("is_met"))
    return met.group_by("block").agg(
        pl.len().cast(pl.Int64).alias(count), pl.col("is_met").sum().cast(pl.Int64).alias(count_met)
    )
