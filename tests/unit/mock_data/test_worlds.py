"""Laws of worlds: plain is what it was; the others draw for every asset on its own, and the key says what they do."""

import hashlib
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mock_data import exposure
from mock_data.clocks import in_summer_time, local_midnight
from mock_data.conditions import ORDER
from mock_data.day import DayFrames, Simulator, conditions_path, simulator
from mock_data.events import PROFILES
from mock_data.fleet_maker import make_fleet
from mock_data.generate import generate
from mock_data.group import build_groups
from mock_data.losses import LOSS_KINDS, WORLD_LOSS_KINDS
from mock_data.noise import name_keys
from mock_data.sensors import SENSOR_FAULTS, WORLD_SENSOR_FAULTS
from mock_data.wind_power import built_power, curve_power, stopped_by_storm
from mock_data.worlds import WORLDS, parse_scale, scalable, world_named
from renewable.contract.schemas import GenerationSchema, WeatherSchema
from renewable.errors import RenewableError
from renewable.fleet import Fleet, load_fleet
from renewable.scorecard.lines import lines
from renewable.scorecard.score import SENSOR_KINDS
from renewable.windows import Window
from tests.conftest import Call

pytestmark = pytest.mark.unit
SEEDS = Path(__file__).parents[3] / "dbt" / "renewable_dbt" / "seeds"
KEY = ["asset_id", "timestamp"]
DAY = date(2025, 1, 10)
# Of plain days by events, as they were before there were worlds.
PLAIN = {
    "none": "d0a5101bc870af352a40641a6c86deb7534403ad0a8da526496b8bf2782c6979",
    "typical": "c20c52f9329b5d53a34f37d89832fb4e213e1c889fff82e34e96813497043f3a",
    "harsh": "6f7ee32b279a5998397c435900126c54aec972d6fbed413eebb7bef358630627",
}
OTHERS = ("field", "rough")


def _demo(minutes: int | None = None) -> Fleet:
    """The demo fleet, in one interval or in all of them in turn."""
    fleet = load_fleet(SEEDS)
    turn = pl.Series([5, 10, 15, 30, 60] if minutes is None else [minutes], dtype=pl.Int64)
    of_asset = turn.gather(pl.int_range(fleet.assets.height, eager=True) % len(turn))
    return Fleet(fleet.assets.with_columns(of_asset.alias("interval_minutes")), fleet.power_curves)


def _digest(*frames: pl.DataFrame) -> str:
    """SHA-256 of every value, whatever a file of them would look like, but of a channel that came later."""
    digest = hashlib.sha256()
    known = (column for frame in frames for column in frame.get_columns() if column.name != "gap_energy_kwh")
    for column in known:
        digest.update(column.name.encode())
        digest.update(column.is_null().to_numpy().tobytes())
        if column.dtype == pl.String:
            digest.update("\x1f".join(column.fill_null("").to_list()).encode())
        else:
            digest.update(column.cast(pl.Float64).fill_null(0.0).to_numpy().tobytes())
    return digest.hexdigest()


def _frames(frames: DayFrames) -> list[pl.DataFrame]:
    return [f for f in (frames.weather, frames.generation, frames.truth, frames.conditions) if f is not None]


@pytest.mark.parametrize("profile", PROFILES)
def test_plain_days_are_to_the_last_bit_what_they_were(profile: str) -> None:
    made = Simulator(_demo(), 42, profile)
    days = [made.day(day) for day in (DAY, date(2025, 3, 29), date(2024, 7, 3))]
    assert all(day.conditions is None for day in days)
    assert _digest(*(frame for day in days for frame in _frames(day))) == PLAIN[profile]


def test_a_day_is_the_same_alone_in_a_range_and_backwards() -> None:
    fleet, world = _demo(), "rough"
    forward, backward = Simulator(fleet, 3, "harsh", world), Simulator(fleet, 3, "harsh", world)
    days = [date(2025, 3, 29) + timedelta(days=i) for i in range(2)]
    one = {day: _digest(*_frames(forward.day(day))) for day in days}
    other = {day: _digest(*_frames(backward.day(day))) for day in reversed(days)}
    assert one == other
    assert _digest(*_frames(Simulator(fleet, 3, "harsh", world).day(days[1]))) == one[days[1]]


@pytest.mark.parametrize("world", OTHERS)
def test_no_asset_of_a_world_depends_on_which_others_there_are_or_on_their_order(world: str) -> None:
    fleet = _demo()
    whole = _frames(Simulator(fleet, 3, "harsh", world).day(DAY))
    for some in ([19, 3, 11], [12, 10, 1, 2]):
        part = Fleet(fleet.assets[some], fleet.power_curves)
        names = part.assets["asset_id"].to_list()
        alone = _frames(Simulator(part, 3, "harsh", world).day(DAY))
        for frame, of_part in zip(whole, alone, strict=True):
            assert of_part.equals(frame.filter(pl.col("asset_id").is_in(names)))


@pytest.mark.parametrize("name", OTHERS)
def test_each_site_and_asset_draws_within_the_bounds_a_value_of_its_own(name: str) -> None:
    world = world_named(name)
    assert world is not None
    sites = name_keys(5, ["site a"] * 500 + ["site b"] * 500)
    assets = name_keys(5, [f"asset {i}" for i in range(1000)])
    for constant, bounds in world.constants.items():
        drawn = world.drawn(constant, sites, assets)
        assert bounds.low <= drawn.min() <= drawn.max() <= bounds.high, constant
        assert len(np.unique(drawn)) == (2 if bounds.of == "site" else 1000), constant
        assert bounds.low < bounds.high, constant
        again = world.drawn(constant, sites[::-1], assets[::-1])
        assert np.array_equal(drawn[::-1], again)
    for trait, share in world.shares.items():
        if share.of == "asset":
            assert abs(world.has(trait, sites, assets).mean() - share.share) < 0.06, trait


def test_rough_has_other_bounds_and_no_fewer_faults_than_field() -> None:
    field, rough = world_named("field"), world_named("rough")
    assert field is not None and rough is not None
    assert all(rough.constants[name] != bounds for name, bounds in field.constants.items())
    assert all(rough.shares[name].share >= share.share for name, share in field.shares.items())
    assert all(rough.happenings[name].typical >= kind.typical for name, kind in field.happenings.items())


def test_any_constant_is_multiplied_by_its_name() -> None:
    plain, scaled = world_named("field"), world_named("field", dict.fromkeys(scalable(), 1.5))
    assert plain is not None and scaled is not None
    for name, bounds in plain.constants.items():
        wider = scaled.constants[name]
        assert wider.low - wider.neutral == pytest.approx(1.5 * (bounds.low - bounds.neutral))
        assert wider.high - wider.neutral == pytest.approx(1.5 * (bounds.high - bounds.neutral))
    assert all(scaled.shares[n].share == min(1.5 * s.share, 1) for n, s in plain.shares.items())
    assert all(scaled.happenings[n].typical == 1.5 * kind.typical for n, kind in plain.happenings.items())
    longer = [k.longest_hours / plain.happenings[n].longest_hours for n, k in scaled.happenings.items()]
    assert max(longer) == 1.5
    only = world_named("field", {"link_loss": 0.0})
    assert only is not None
    assert only.happenings["link_loss"].harsh == 0 and only.constants == plain.constants


def test_worlds_and_constants_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RenewableError, match="choose one of plain, field, rough"):
        generate(_demo(), Window.of_day(DAY), data_dir=tmp_path, seed=1, world="wild")
    with pytest.raises(RenewableError, match=r"worlds\.toml has no constant rust; it has curve_factor"):
        Simulator(_demo(), 1, "none", "field", {"rust": 2.0})
    with pytest.raises(RenewableError, match="choose field or rough"):
        Simulator(_demo(), 1, "none", "plain", {"curve_factor": 2.0})
    with pytest.raises(RenewableError, match="write NAME=FACTOR"):
        parse_scale(["curve_factor"])
    assert parse_scale(["a=1.5", "b = 2"]) == {"a": 1.5, "b": 2.0}
    assert list(tmp_path.iterdir()) == []


def test_the_scorecard_knows_the_faults_that_the_key_names() -> None:
    assert set(SENSOR_FAULTS) == set(SENSOR_KINDS)
    assert {*SENSOR_FAULTS, *WORLD_SENSOR_FAULTS} <= {line.kind for line in lines()}


# What worlds do, with the days on which rough ones of this seed show it. Seen against the same world without it.
SPRING = tuple(date(2025, 3, 27) + timedelta(days=i) for i in range(8))
WINTER = tuple(date(2025, 1, 6) + timedelta(days=i) for i in range(24))
MECHANISMS = {
    "frozen_sensor": ("stuck_sensor", WINTER),
    "dead_sensor": ("dead_pyranometer", WINTER),
    "level_shift": ("level_shift", WINTER),
    "scale_change": ("scale_change", WINTER),
    "iced_anemometer": ("anemometer_ices", WINTER),
    "low_anemometer": ("anemometer_low_when_stopped", WINTER),
    "shaded_pyranometer": ("pyranometer_shaded", WINTER),
    "clock_shift": ("clock_keeps_summer_time", SPRING),
    "link_loss": ("link_loss", WINTER),
}


@cache
def _rough(name: str, factor: float, first: date, last: date) -> dict[str, pl.DataFrame]:
    if factor == 1.0 and name != "":
        return _rough("", 1.0, first, last)
    made = Simulator(_demo(30), 8, "harsh", "rough", {name: factor} if name else None)
    days = [made.day(first + timedelta(days=i)) for i in range((last - first).days + 1)]
    names = ("weather", "generation", "truth", "conditions")
    return {name: pl.concat(getattr(day, name) for day in days) for name in names}


def _with_key(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row a row of the key, with what arrived of it."""
    read = frames["truth"].join(frames["weather"], on=KEY, how="left", maintain_order="left")
    return read.join(frames["generation"], on=KEY, how="left", maintain_order="left")


def _told(frames: dict[str, pl.DataFrame], kind: str) -> pl.DataFrame:
    """Intervals and channels (None: all) at which the key by spans has the kind."""
    spans = frames["conditions"].filter(pl.col("kind") == kind)
    stamps = frames["truth"].select(KEY)
    return stamps.join(spans, on="asset_id").filter(
        pl.col("timestamp").is_between("start_utc", "end_utc", closed="left")
    )


@pytest.mark.parametrize("kind", MECHANISMS)
def test_what_the_key_tells_is_seen_there_and_nowhere_else(kind: str) -> None:
    name, days = MECHANISMS[kind]
    # Few sites have such a clock.
    factor = 6.0 if kind == "clock_shift" else 1.0
    having, lacking = _rough(name, factor, days[0], days[-1]), _rough(name, 0.0, days[0], days[-1])
    one, other = _with_key(having), _with_key(lacking)
    readings = [c for c in one.columns if c not in having["truth"].columns]
    differs = one.select(*KEY, *(one[c].ne_missing(other[c]).alias(c) for c in readings)).with_columns(
        pl.any_horizontal(readings).alias("any")
    )
    told, told_without = _told(having, kind), _told(lacking, kind)
    marked = told.select(KEY).unique().with_columns(pl.lit(True).alias("told"))
    seen = differs.join(marked, on=KEY, how="left").with_columns(pl.col("told").fill_null(False))
    changed = seen.filter("any")
    assert told.height > told_without.height
    # A reading that is wrong when it freezes, or in the hour of a wrong clock, is wrong elsewhere too.
    elsewhere = changed.filter(~pl.col("told")).join(having["truth"], on=KEY)
    assert elsewhere["sensor_fault"].is_in(["frozen_sensor", "clock_shift"]).all()
    if kind != "iced_anemometer" and kind != "shaded_pyranometer":
        assert (
            having["truth"]
            .drop("kind", "sensor_fault", "sensor_channel")
            .equals(lacking["truth"].drop("kind", "sensor_fault", "sensor_channel"))
        )
    assert changed.height > 20


def test_dead_stuck_and_missing_readings_are_what_the_key_says() -> None:
    frames = _rough("", 1.0, WINTER[0], WINTER[-1])
    read = _with_key(frames)
    # A later fault of the same channel, a clock or a gap hides an earlier one.
    sound = read.filter(~pl.col("sensor_fault").is_in(["clock_shift", "communication_gap", "link_loss"]))
    missing = frames["conditions"].filter(pl.col("kind") == "missing_channel")
    lacking = set(missing.select("asset_id", "channel").iter_rows())
    assert len(lacking) > 10
    for asset, channel in lacking:
        assert read.filter(pl.col("asset_id") == asset)[channel].is_null().all()
    found = 0
    for kind in ("dead_sensor", "frozen_sensor"):
        for (channel,), spans in _told(frames, kind).group_by("channel"):
            here = sound.join(spans, on=KEY).filter(
                pl.col("sensor_fault") == kind,
                pl.col("sensor_channel") == channel,
                pl.col(channel).is_not_null(),
            )
            off = (here[channel] - here["value"]).abs()
            assert off.is_empty() or off.max() < 0.051
            found += here.height
    assert found > 500


def test_a_lost_link_brings_no_rows_or_weather_without_energy() -> None:
    frames = _rough("", 1.0, WINTER[0], WINTER[-1])
    lost = _told(frames, "link_loss")
    arrived = frames["generation"].join(lost, on=KEY)
    nothing = lost.filter(pl.col("channel").is_null())
    assert nothing.height > 40 and nothing.height < lost.height
    assert frames["weather"].join(nothing, on=KEY).is_empty()
    assert frames["generation"].join(nothing, on=KEY).is_empty()
    assert arrived.height == lost.height - nothing.height
    assert arrived["active_power_kw"].is_null().all() and arrived["operating_state"].is_null().all()
    assert frames["weather"].height < frames["truth"].height == 20 * 48 * len(WINTER)


@pytest.mark.parametrize(("world", "profile", "step"), [("field", "typical", 10), ("rough", "harsh", 60)])
def test_the_key_adds_up_for_every_asset_and_day(world: str, profile: str, step: int) -> None:
    made = Simulator(_demo(step), 6, profile, world)
    kinds = set()
    for number in range(0, 360, 90):
        day = made.day(DAY + timedelta(days=number))
        assert day.conditions is not None
        assert day.conditions.equals(day.conditions.sort(ORDER))
        lost = day.truth.group_by("asset_id").agg((pl.col("lost_power_kw") * step / 60.0).sum().alias("lost"))
        parts = day.conditions.group_by("asset_id").agg(pl.col("lost_kwh").sum())
        both = lost.join(parts, on="asset_id", how="left").fill_null(0.0)
        assert (both["lost"] - both["lost_kwh"]).abs().max() < 1e-6
        assert day.truth["lost_power_kw"].min() >= 0
        clean = day.truth.filter(pl.col("sensor_fault").is_null()).join(day.generation, on=KEY)
        off = clean["potential_power_kw"] - clean["lost_power_kw"] - clean["active_power_kw"]
        assert off.abs().max() == 0
        kinds |= set(day.conditions["kind"])
        WeatherSchema.validate(day.weather)
        GenerationSchema.validate(day.generation)
    assert {"soiling", "downtime", "underperformance", "missing_channel"} <= kinds


def test_without_events_a_world_loses_nothing_and_nothing_begins() -> None:
    made = Simulator(_demo(60), 6, "none", "rough")
    kinds = set()
    for number in range(0, 360, 45):
        day = made.day(DAY + timedelta(days=number))
        assert day.conditions is not None
        assert day.truth["lost_power_kw"].max() == 0
        assert day.weather.height == day.truth.height
        kinds |= set(day.conditions["kind"])
    assert kinds <= {
        "missing_channel",
        "clock_shift",
        "shaded_pyranometer",
        "soiling",
        "clipping",
        "high_wind",
    }


def test_turbines_keep_to_their_own_curve_within_the_worlds_bounds() -> None:
    fleet = make_fleet(40, 0, 2, interval_minutes=5)
    (group,) = build_groups(fleet.assets, fleet.power_curves, 3, world_named("field"))
    wind = group.wind
    speed = np.broadcast_to(np.arange(4.0, 25.0, 0.5), (len(group), 42)).copy()
    true, registered = built_power(wind, speed), curve_power(wind, speed)
    full = wind.curves_kw.max(axis=1)[wind.curve]
    middle = (registered > 0.3 * full[:, None]) & (registered < 0.7 * full[:, None])
    ratio = np.array([(t[m] / r[m]).mean() for t, r, m in zip(true, registered, middle, strict=True)])
    assert ratio.min() < 0.97 and ratio.max() > 1.03
    assert (np.abs(ratio - 1.0) < 0.13).all()
    top = true.max(axis=1) / full
    assert ((top > 0.95) & (top < 1.05)).all()
    assert wind.rated_factor is not None
    assert np.allclose(top, wind.rated_factor)
    # A better rotor does not end at an earlier cut-out: that is the wind's own matter.
    assert (true[registered > 0] > 0).all()


def test_dirt_goes_with_the_rain_that_cleans_at_its_own_site_and_not_with_less() -> None:
    fleet = make_fleet(0, 30, 4, interval_minutes=60)
    (group,) = build_groups(fleet.assets, fleet.power_curves, 3, world_named("field"))
    enough = group.of_places("cleaning_rain_mm")[group.place_of]
    falls = washes = 0
    before = exposure.soiling_loss(group, date(2025, 3, 1), "typical")[:, -1]
    for number in range(60):
        day = date(2025, 3, 2) + timedelta(days=number)
        rain = group.hour_block((day - date(1970, 1, 1)).days).rain_mm_h.sum(axis=1)[group.place_of]
        dirt = exposure.soiling_loss(group, day, "typical")
        after, is_washed = dirt[:, -1], rain >= enough
        # Dust of single days is blown off slowly.
        assert (after[~is_washed] > before[~is_washed] - 0.004).all()
        drop = before[is_washed] - after[is_washed]
        assert (drop > 0.6 * before[is_washed] - 0.035).all()
        falls, washes = falls + int((~is_washed).sum()), washes + int(is_washed.sum())
        before = after
    assert falls > 200 and washes > 50


def test_the_true_soiling_ratio_is_that_of_the_light_that_is_lost() -> None:
    made = Simulator(_demo(30), 6, "harsh", "field")
    checked = 0
    for number in range(0, 300, 50):
        day = made.day(DAY + timedelta(days=number))
        assert day.conditions is not None
        told = day.conditions.filter(pl.col("kind") == "soiling")
        # Half load and less: neither clipped nor near the inverter's threshold.
        part = (
            day.truth.filter(pl.col("kind") == "soiling")
            .join(told.select("asset_id", "start_utc", "end_utc", "value"), on="asset_id")
            .filter(pl.col("timestamp").is_between("start_utc", "end_utc", closed="left"))
            .join(_demo(30).assets.select("asset_id", "rated_power_kw"), on="asset_id")
            .filter((pl.col("potential_power_kw") / pl.col("rated_power_kw")).is_between(0.15, 0.85))
        )
        by_part = part.group_by("asset_id", "start_utc").agg(
            (1 - pl.col("lost_power_kw").sum() / pl.col("potential_power_kw").sum()).alias("seen"),
            pl.col("value").first(),
            pl.len(),
        )
        same = by_part.filter(pl.col("len") >= 6)
        assert same.is_empty() or (same["seen"] - same["value"]).abs().max() < 0.02
        checked += same.height
    assert checked > 25


def test_a_limit_is_held_loosely_and_unevenly() -> None:
    def beside_limit(world: str, **scale: float) -> pl.DataFrame:
        reported = {"no_curtailment_limit_kw": 0.0, **scale} if world != "plain" else None
        made = Simulator(_demo(10), 2, "harsh", world, reported)
        days = [made.day(date(2025, 3, 1) + timedelta(days=i)) for i in range(12)]
        rows = pl.concat(d.truth.join(d.generation, on=KEY) for d in days)
        held = rows.filter(
            pl.col("kind") == "curtailment",
            pl.col("sensor_fault").is_null(),
            pl.col("curtailment_limit_kw") > 0,
        ).join(_demo().assets.select("asset_id", "rated_power_kw"), on="asset_id")
        off = (pl.col("active_power_kw") - pl.col("curtailment_limit_kw")) / pl.col("rated_power_kw")
        return held.with_columns(off.alias("off"))

    assert beside_limit("plain")["off"].abs().max() == 0
    loose = beside_limit("field")
    assert loose["off"].abs().quantile(0.5) < 0.012
    assert loose["off"].n_unique() > 0.5 * loose.height
    nothing_but = beside_limit("field", limit_wobble=0.0, limit_ramp_min=0.0)
    assert nothing_but["off"].abs().max() < 0.0085
    by_unit = nothing_but.group_by("asset_id").agg(pl.col("off").median())
    assert by_unit["off"].max() - by_unit["off"].min() > 0.004
    exact = beside_limit("field", limit_wobble=0.0, limit_ramp_min=0.0, limit_offset=0.0)
    assert exact["off"].abs().max() < 1e-4
    slow = beside_limit("field", limit_wobble=0.0, limit_offset=0.0)["off"]
    assert slow.max() > 0.01 and slow.min() > -1e-4


def test_summer_time_begins_and_ends_on_the_zones_own_hour() -> None:
    spring = in_summer_time("Europe/Berlin", date(2025, 3, 30), 30)
    assert spring.tolist() == [False] * 4 + [True] * 46
    autumn = in_summer_time("Europe/Berlin", date(2025, 10, 26), 30)
    assert autumn.tolist() == [True] * 4 + [False] * 46
    assert not in_summer_time("America/Phoenix", date(2025, 7, 1), 60).any()
    assert in_summer_time("Australia/Sydney", date(2025, 1, 1), 60).all()
    assert local_midnight("America/Phoenix", DAY) == 420
    assert local_midnight("Asia/Kolkata", DAY) == 1110


def test_a_summer_clock_writes_each_hour_one_later_and_leaves_out_one_in_spring() -> None:
    days = SPRING[2:5]
    always = {"clock_keeps_summer_time": 100.0}
    made = (
        Simulator(_demo(30), 8, "none", "rough", always),
        Simulator(_demo(30), 8, "none", "rough", {"clock_keeps_summer_time": 0.0}),
    )
    late, true = (pl.concat(m.day(day).weather for day in days) for m in made)
    berlin = "nordermarsch-w-01"
    wrong, good = (f.filter(pl.col("asset_id") == berlin) for f in (late, true))
    start = pl.datetime(2025, 3, 30, 1, time_zone="UTC")
    hour = timedelta(hours=1)
    before = wrong.filter(pl.col("timestamp") < start)
    assert before.equals(good.filter(pl.col("timestamp") < start))
    hole = wrong.filter(pl.col("timestamp") >= start, pl.col("timestamp") < start + hour)
    assert hole.height == 2 and hole["wind_speed_ms"].is_null().all()
    moved = wrong.filter(pl.col("timestamp") >= start + hour).drop("timestamp")
    assert moved.equals(good.filter(pl.col("timestamp") >= start).drop("timestamp")[: moved.height])


def test_spans_are_written_beside_the_key_and_go_with_the_world(tmp_path: Path) -> None:
    window = Window(DAY, DAY + timedelta(days=2))
    done = generate(_demo(60), window, data_dir=tmp_path, seed=1, world="rough")
    assert done.written == 6
    spans = conditions_path(tmp_path / "truth" / f"truth_{DAY}.parquet")
    known = simulator(_demo(60), 1, "typical", "rough").day(DAY).conditions
    assert known is not None and pl.read_parquet(spans).equals(known)
    generate(_demo(60), window, data_dir=tmp_path, seed=1, world="plain", overwrite=True)
    assert not spans.exists()


def test_all_loss_kinds_come_in_the_order_of_the_key() -> None:
    assert LOSS_KINDS[-1] == "soiling" and WORLD_LOSS_KINDS == ("underperformance",)
    assert ("plain", *OTHERS) == WORLDS


def test_an_outage_of_a_site_stops_all_its_units_at_once() -> None:
    def stopped(factor: float) -> pl.DataFrame:
        made = Simulator(_demo(60), 8, "typical", "rough", {"site_outage": factor})
        keys = pl.concat(made.day(day).truth for day in WINTER)
        return keys.filter(pl.col("kind") == "downtime").select(KEY)

    site = _demo().assets.select("asset_id", "site_id")
    added = stopped(1.0).join(stopped(0.0), on=KEY, how="anti").join(site, on="asset_id")
    units = (
        added.group_by("site_id", "timestamp").len().join(site.group_by("site_id").len("of"), on="site_id")
    )
    assert units.height > 3
    assert (units["len"] == units["of"]).mean() > 0.8


def test_the_command_makes_the_world_of_the_setting_or_the_one_that_is_asked_for(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = tmp_path / "data" / "truth" / "conditions"
    arguments = ["generate", "--start", "2025-01-01"]
    assert call(*arguments)[0] == 0
    assert not spans.exists()
    assert call("generate", "--start", "2025-01-02", "--world", "rough")[0] == 0
    monkeypatch.delenv("RENEWABLE_WORLD")
    assert call("generate", "--start", "2025-01-03")[0] == 0
    assert {path.stem for path in spans.iterdir()} == {"conditions_2025-01-02", "conditions_2025-01-03"}
    code, _, error = call(*arguments, "--world", "wild", "--overwrite")
    assert code == 2 and "choose one of plain, field, rough" in error
    code, _, error = call(*arguments, "--world", "field", "--scale", "cleaning_rain_mm", "--overwrite")
    assert code == 2 and "write NAME=FACTOR" in error


def test_a_day_of_which_nothing_arrives_is_an_empty_table_with_a_whole_key() -> None:
    alone = Fleet(_demo(60).assets[:1], _demo().power_curves)
    made = Simulator(alone, 8, "harsh", "rough", {"link_loss": 100.0, "link_loss_keeps_weather": 0.0})
    days = [made.day(DAY + timedelta(days=i)) for i in range(70)]
    silent = [day for day in days if day.generation.is_empty()]
    assert silent
    assert all(day.weather.is_empty() and day.truth.height == 24 for day in silent)
    GenerationSchema.validate(silent[0].generation)
    assert silent[0].weather.schema == days[-1].weather.schema


def test_instruments_are_off_by_their_own_calibration_and_by_no_more_than_the_bounds() -> None:
    names = ("anemometer_gain", "anemometer_bias_ms", "thermometer_offset_k", "pyranometer_gain")
    world = world_named("field")
    assert world is not None
    # With all channels, so that each can be seen.
    there = dict.fromkeys(world.shares, 0.0)
    read = Simulator(_demo(60), 4, "none", "field", there).day(DAY).weather
    right = Simulator(_demo(60), 4, "none", "field", there | dict.fromkeys(names, 0.0)).day(DAY).weather
    both = read.join(right, on=KEY, suffix="_right").join(
        _demo().assets.select("asset_id", "technology"), on="asset_id"
    )
    warm = both.group_by("asset_id").agg(
        (pl.col("air_temperature_c") - pl.col("air_temperature_c_right")).mean()
    )
    low, high = world.constants["thermometer_offset_k"].low, world.constants["thermometer_offset_k"].high
    assert warm["air_temperature_c"].is_between(low - 0.1, high + 0.1).all()
    assert warm["air_temperature_c"].max() - warm["air_temperature_c"].min() > 0.5
    sunny = both.filter(pl.col("poa_irradiance_wm2_right") > 200)
    gain = sunny.group_by("asset_id").agg(
        (pl.col("poa_irradiance_wm2") / pl.col("poa_irradiance_wm2_right")).mean()
    )
    gains = world.constants["pyranometer_gain"]
    assert gain["poa_irradiance_wm2"].is_between(gains.low - 0.002, gains.high + 0.002).all()
    assert gain["poa_irradiance_wm2"].n_unique() > 5
    windy = both.filter(pl.col("technology") == "wind", pl.col("wind_speed_ms_right") > 1)
    most = (world.constants["anemometer_gain"].high - 1.0) * windy["wind_speed_ms_right"] + world.constants[
        "anemometer_bias_ms"
    ].high
    off = (windy["wind_speed_ms"] - windy["wind_speed_ms_right"]).abs()
    assert (off <= most + 0.011).all() and off.max() > 0.1
    plants = both.filter(pl.col("technology") == "solar")
    assert plants["wind_speed_ms"].equals(plants["wind_speed_ms_right"].alias("wind_speed_ms"))


def test_plants_lose_and_idle_as_they_do_and_not_as_the_registry_says() -> None:
    fleet = make_fleet(20, 60, 2, interval_minutes=5)
    world = world_named("rough")
    (plain,), (built,) = (build_groups(fleet.assets, fleet.power_curves, 3, of) for of in (None, world))
    loss = 1.0 - plain.solar.system_loss
    error = (built.solar.dc_factor / plain.solar.dc_factor - 1.0) * loss
    assert error.min() < -0.03 and error.max() > 0.03 and np.abs(error).max() <= 0.09
    rated = built.solar.rated_kw / plain.solar.rated_kw
    assert (rated != 1.0).any() and (rated == 1.0).any() and np.abs(rated - 1.0).max() <= 0.06
    fleet_rated = np.concatenate([built.rated_kw[built.wind_rows], built.rated_kw[built.solar_rows]])
    idle = np.concatenate([built.wind.standby_kw, built.solar.tare_kw]) / fleet_rated
    assert idle.min() >= 0.0001 and idle.max() <= 0.015 and len(np.unique(idle)) == len(idle)
    made = Simulator(_demo(30), 3, "none", "rough").day(DAY).truth.join(_demo().assets, on="asset_id")
    lowest = made.group_by("asset_id").agg((pl.col("potential_power_kw") / pl.col("rated_power_kw")).min())
    assert lowest["potential_power_kw"].is_between(-0.0151, 0.9).all()


def test_the_wait_after_a_storm_is_as_long_as_the_controller_makes_it() -> None:
    wind = np.array([24.0, 25.5, 24.0, 23.4, 22.5, 21.9, 20.4])
    waits = {below: stopped_by_storm(25.0, np.empty(0), wind, below).sum() for below in (1.5, 3.0, 5.0)}
    assert waits == {1.5: 2, 3.0: 4, 5.0: 6}
