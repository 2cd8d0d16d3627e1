"""The answer key by spans: each loss with its energy, each fault with its channel, the true soiling ratio.

What the key by intervals (truth.py) cannot hold: several things at once, and the parts of one interval's loss. A span
is cut at UTC midnight; rows that touch are one event. Worlds other than `plain` have it.

`value` is by kind: what a stuck or dead sensor reads, the step of a level, the factor of a scale, minutes of a clock
(positive: stamps are late), the largest share that ice, shade or a stopped rotor takes off a reading, and for `soiling`
the share of light that dirt leaves, weighted by irradiance; of other kinds it is null. `lost_kwh` is what the kind took
(null for kinds that take nothing); over all kinds of a day and asset it adds up to potential - actual.
Soiling has one row an asset and part of a local day with light in it, whose `weight` is the light in kWh/m²; high_wind
and clipping are no losses.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from mock_data.clocks import local_midnight
from mock_data.group import EPOCH, Group
from mock_data.losses import ALL_LOSS_KINDS, PowerDay
from mock_data.notes import Note
from mock_data.sensors import Readings
from mock_data.weather import AssetDay

CONDITIONS_SCHEMA = pl.Schema(
    {
        "asset_id": pl.String(),
        "kind": pl.String(),
        "channel": pl.String(),
        "start_utc": pl.Datetime("us", "UTC"),
        "end_utc": pl.Datetime("us", "UTC"),
        "value": pl.Float64(),
        "lost_kwh": pl.Float64(),
        "weight": pl.Float64(),
    }
)
ORDER = ("asset_id", "kind", "channel", "start_utc", "value")
SOILING = "soiling"
# asset, kind, channel, first interval, the interval after the last, value, lost energy, weight
_Row = tuple[int, str, str | None, int, int, float | None, float | None, float | None]


def conditions_frame(
    group: Group, day: date, weather: AssetDay, power: PowerDay, read: Readings
) -> pl.DataFrame:
    """The spans of one UTC day by CONDITIONS_SCHEMA, ordered by ORDER."""
    rows = [*_losses(group, power), *_soiling(group, day, weather, power)]
    for note in (*power.notes.found, *read.notes.found):
        rows.extend(_spans(note))
    start = (day - EPOCH) // timedelta(microseconds=1)
    step = group.interval_minutes * 60_000_000
    asset, kind, channel, first, last, value, lost, weight = zip(*rows, strict=True) if rows else ((),) * 8
    stamps = {
        name: pl.Series([start + step * at for at in ends], dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
        for name, ends in (("start_utc", first), ("end_utc", last))
    }
    columns = {
        "asset_id": [group.asset_ids[row] for row in asset],
        "kind": kind,
        "channel": channel,
        **stamps,
        "value": value,
        "lost_kwh": lost,
        "weight": weight,
    }
    return pl.DataFrame(columns, schema=CONDITIONS_SCHEMA).sort(ORDER)


def _losses(group: Group, power: PowerDay) -> list[_Row]:
    """Spans of equal kind; dirt is told by days, whatever else acts."""
    change = np.ones(power.kind.shape, dtype=np.bool_)
    change[:, 1:] = power.kind[:, 1:] != power.kind[:, :-1]
    first = np.flatnonzero(change)
    last = np.append(first[1:], power.kind.size)
    kinds = power.kind.ravel()[first]
    lost = np.add.reduceat((power.lost - power.dirt_lost).ravel(), first) * group.interval_minutes / 60.0
    named = np.flatnonzero((kinds > 0) & (kinds != ALL_LOSS_KINDS.index(SOILING)))
    return [
        (
            int(first[i]) // group.steps,
            ALL_LOSS_KINDS[kinds[i]],
            None,
            int(first[i]) % group.steps,
            int(last[i] - first[i]) + int(first[i]) % group.steps,
            None,
            float(lost[i]),
            None,
        )
        for i in named
    ]


def _soiling(group: Group, day: date, weather: AssetDay, power: PowerDay) -> list[_Row]:
    light = np.zeros(power.clean_ratio.shape)
    light.ravel()[weather.lit.row * group.steps + weather.lit.column] = weather.lit_poa_wm2
    rows: list[_Row] = []
    for number, row in enumerate(group.solar_rows):
        middle = local_midnight(group.timezones[row], day) // group.interval_minutes
        for part in (slice(0, middle), slice(middle, group.steps)):
            total = light[number, part].sum()
            if total > 0.0:
                ratio = (light[number, part] * power.clean_ratio[number, part]).sum() / total
                hours = group.interval_minutes / 60.0
                lost, sun = power.dirt_lost[row, part].sum() * hours, total * hours / 1000.0
                spans = (int(row), SOILING, None, part.start, part.stop)
                rows.append((*spans, float(ratio), float(lost), float(sun)))
    return rows


def _spans(note: Note) -> list[_Row]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], note.mask, [False]]).astype(np.int8)))
    return [
        (note.row, note.kind, note.channel, int(first), int(last), note.value, None, None)
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]
