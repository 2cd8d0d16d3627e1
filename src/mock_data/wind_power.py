"""Power of wind turbines without events: published curves, density, wakes, scatter, cut-out.

Losses are losses.py's.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mock_data.noise import Floats, Ints, Keys, channel_keys, text_key, uniform

REFERENCE_DENSITY = 1.225
# Speeds that a nacelle anemometer reads scatter around those that the rotor feels.
ROTOR_SCATTER = 0.025
RESTART_BELOW_CUT_OUT_MS = 3.0
_CELLS_PER_MS = 50
_TOP_MS = 60.0


@dataclass(frozen=True)
class WindAssets:
    """Constants of turbines, one value or row a turbine.

    `rated_factor` and `partial_factor` are full load and power below it beside the registry, `shape` bends the curve
    between them; None where turbines do what the registry says.
    """

    rated_kw: Floats
    curve: Ints
    curves_kw: Floats
    cut_out_ms: Floats
    standby_kw: Floats
    wake_ratio: Floats
    restart_below_ms: Floats
    scatter: Floats
    rated_factor: Floats | None = None
    partial_factor: Floats | None = None
    shape: Floats | None = None

    def take(self, rows: Ints) -> "WindAssets":
        return WindAssets(
            self.rated_kw[rows],
            self.curve[rows],
            self.curves_kw,
            self.cut_out_ms[rows],
            self.standby_kw[rows],
            self.wake_ratio[rows],
            self.restart_below_ms[rows],
            self.scatter[rows],
            *(
                None if values is None else values[rows]
                for values in (self.rated_factor, self.partial_factor, self.shape)
            ),
        )


def wind_assets(wind: pl.DataFrame, curves: pl.DataFrame, keys: Keys) -> WindAssets:
    """The wind rows of a registry, with their power curves resampled to 0.02 m/s."""
    models = sorted(set(wind["turbine_model"].to_list()))
    speeds = np.arange(int(_TOP_MS * _CELLS_PER_MS) + 2) / _CELLS_PER_MS
    tables, cut_outs = [], []
    for model in models:
        points = curves.filter(pl.col("turbine_model") == model).sort("wind_speed_ms")
        at, power = points["wind_speed_ms"].to_numpy(), points["power_kw"].to_numpy()
        producing = at[power > 0]
        cut_outs.append(float(producing[-1]) if len(producing) else _TOP_MS)
        tables.append(
            np.where(speeds <= cut_outs[-1], np.interp(speeds, at, power, left=0.0, right=0.0), 0.0)
        )
    number = {model: i for i, model in enumerate(models)}
    curve = np.array([number[model] for model in wind["turbine_model"].to_list()], dtype=np.int64)
    rated = wind["rated_power_kw"].to_numpy().copy()
    return WindAssets(
        rated_kw=rated,
        curve=curve,
        curves_kw=np.array(tables).reshape(len(models), len(speeds)),
        cut_out_ms=np.array(cut_outs)[curve] if len(curve) else np.empty(0),
        standby_kw=rated * (0.0015 + 0.0045 * uniform(channel_keys(keys, "standby"))),
        wake_ratio=_wakes(wind["site_id"].to_list(), keys),
        restart_below_ms=np.full(len(curve), RESTART_BELOW_CUT_OUT_MS),
        scatter=np.full(len(curve), ROTOR_SCATTER),
    )


def wake_factor(wind: WindAssets, direction_deg: Floats, wind_ms: Floats) -> Floats:
    """What wakes leave of the wind speed, shape (turbines, times); they fade where the rotor thrust does."""
    sector = (direction_deg - 360.0 * np.floor(direction_deg * (1.0 / 360.0))).astype(np.int64)
    np.minimum(sector, 359, out=sector)
    sector += 360 * np.arange(len(sector))[:, None]
    deficit = wind.wake_ratio.ravel().take(sector)
    return np.asarray(1.0 - deficit * np.minimum(1.0, 121.0 / np.maximum(wind_ms * wind_ms, 1.0)))


def curve_power(wind: WindAssets, rotor_ms: Floats) -> Floats:
    """Power in kW on the published curve at density-normalised speeds, shape (turbines, times)."""
    position = np.minimum(rotor_ms, _TOP_MS) * _CELLS_PER_MS
    cell = position.astype(np.int64)
    rest = position - cell
    cell += (wind.curve * wind.curves_kw.shape[1])[:, None]
    table = wind.curves_kw.ravel()
    low = table.take(cell)
    return np.asarray(low + (table.take(cell + 1) - low) * rest)


def built_power(wind: WindAssets, rotor_ms: Floats) -> Floats:
    """Power in kW of the turbines as built, shape (turbines, times): the published curve where nothing else is known.

    A better or worse rotor reaches full load in less or more wind; full load itself is the controller's.
    """
    if wind.rated_factor is None or wind.partial_factor is None or wind.shape is None:
        return curve_power(wind, rotor_ms)
    felt = rotor_ms * ((wind.partial_factor / wind.rated_factor) ** (1.0 / 3.0))[:, None]
    # The curve ends at the wind's own speed, not at that of the better rotor.
    np.minimum(felt, np.maximum(rotor_ms, wind.cut_out_ms[:, None]), out=felt)
    full = wind.curves_kw.max(axis=1)[wind.curve][:, None]
    load = curve_power(wind, felt) / full
    return np.asarray((wind.rated_factor[:, None] * full) * load ** (1.0 + wind.shape[:, None]))


def stopped_by_storm(
    cut_out_ms: float, before_ms: Floats, wind_ms: Floats, restart_below_ms: float = RESTART_BELOW_CUT_OUT_MS
) -> Floats:
    """1 where a turbine waits after a storm: from above cut-out until the wind is `restart_below_ms` below it again.

    `before_ms` is the wind of the day before, as far as the look-back reaches; within it a turbine starts
    out running.
    """
    speeds = np.concatenate([before_ms, wind_ms])
    number = np.arange(1, len(speeds) + 1)
    tripped = np.maximum.accumulate(np.where(speeds > cut_out_ms, number, 0))
    released = np.maximum.accumulate(np.where(speeds < cut_out_ms - restart_below_ms, number, 0))
    return (tripped > released)[len(before_ms) :].astype(np.float64)


def air_density_ratio(temperature_c: Floats, pressure_hpa: Floats, humidity_ratio: Floats) -> Floats:
    """Density of moist air over 1.225 kg/m³ (IEC 61400-12-1)."""
    kelvin = temperature_c + 273.15
    vapour = humidity_ratio * (0.0000205 * np.exp(0.0631846 * kelvin))
    density = (pressure_hpa * (100.0 / 287.05) - vapour * (1.0 / 287.05 - 1.0 / 461.5)) / kelvin
    return np.asarray(density * (1.0 / REFERENCE_DENSITY))


def _wakes(sites: list[str], keys: Keys) -> Floats:
    """Speed deficit by whole degree of direction: along the rows of the site, and from one more neighbour.

    The site's name sets the axis of its rows, the asset's own name its rank in them: the list of assets
    plays no part.
    """
    if not sites:
        return np.empty((0, 360))
    axis = np.array([360.0 * text_key("wake axis", site) / 2.0**64 for site in sites])
    rank, side, stray = (uniform(channel_keys(keys, "wake", name)) for name in ("rank", "side", "stray"))
    degrees = np.arange(360)[None, :]
    deficit = np.zeros((len(sites), 360))
    for centre, depth, width in (
        (axis, 0.11 * rank, 11.0),
        (axis + 180.0, 0.11 * (1.0 - rank), 11.0),
        (axis + 50.0 + 80.0 * stray, 0.05 * side, 8.0),
    ):
        away = (degrees - centre[:, None] + 180.0) % 360.0 - 180.0
        deficit += depth[:, None] * np.exp(-0.5 * (away / width) ** 2)
    return deficit
