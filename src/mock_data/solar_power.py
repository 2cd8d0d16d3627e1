"""Power of solar plants without outages: module temperature, PVWatts DC and inverter.

Irradiance is sun.py's and weather.py's.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mock_data.noise import Floats, Ints, Keys, channel_keys, uniform

FAIMAN_U0 = 25.0
FAIMAN_U1 = 6.84
INVERTER_NOMINAL = 0.96
INVERTER_REFERENCE = 0.9637
DC_SCATTER = 0.006


@dataclass(frozen=True)
class SolarAssets:
    """Constants of plants, one value a plant. `system_loss` is the registry's, `dc_factor` holds the true one."""

    rated_kw: Floats
    dc_kw: Floats
    temperature_ratio_per_k: Floats
    dc_factor: Floats
    tare_kw: Floats
    night_offset_wm2: Floats
    system_loss: Floats
    heat_loss_u0: Floats
    scatter: Floats

    def take(self, rows: Ints) -> "SolarAssets":
        return SolarAssets(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def solar_assets(solar: pl.DataFrame, keys: Keys) -> SolarAssets:
    """The solar rows of a registry. Plants differ from their data sheet by up to 1.5 %."""
    rated = solar["rated_power_kw"].to_numpy().copy()
    loss = solar["system_loss_pct"].cast(pl.Float64).to_numpy() / 100.0
    return SolarAssets(
        rated_kw=rated,
        dc_kw=solar["dc_capacity_kw"].cast(pl.Float64).to_numpy().copy(),
        temperature_ratio_per_k=solar["temperature_coefficient_pct_per_c"].cast(pl.Float64).to_numpy()
        / 100.0,
        dc_factor=(1.0 - loss) * (0.985 + 0.03 * uniform(channel_keys(keys, "sheet"))),
        tare_kw=rated * (0.0003 + 0.0009 * uniform(channel_keys(keys, "tare"))),
        night_offset_wm2=-2.5 * uniform(channel_keys(keys, "night offset")),
        system_loss=loss,
        heat_loss_u0=np.full(len(rated), FAIMAN_U0),
        scatter=np.full(len(rated), DC_SCATTER),
    )


def module_temperature(air_c: Floats, poa_wm2: Floats, wind_ms: Floats, u0: Floats) -> Floats:
    """Temperature of the modules in °C (Faiman 2008)."""
    return np.asarray(air_c + np.maximum(poa_wm2, 0.0) / (u0 + FAIMAN_U1 * wind_ms))


def dc_power(solar: SolarAssets, row: Ints, poa_wm2: Floats, module_c: Floats) -> Floats:
    """Clean DC power in kW (PVWatts) at pairs of plant `row`."""
    scale = (solar.dc_kw * solar.dc_factor / 1000.0).take(row)
    return np.asarray(scale * poa_wm2 * (1.0 + solar.temperature_ratio_per_k.take(row) * (module_c - 25.0)))


def ac_power(solar: SolarAssets, row: Ints, dc_kw: Floats) -> Floats:
    """AC power in kW: PVWatts inverter curve, clipped at rated power.

    The night's consumption is its floor.
    """
    rated = solar.rated_kw.take(row)
    limit = rated / INVERTER_NOMINAL
    ratio = dc_kw / limit
    scale = INVERTER_NOMINAL / INVERTER_REFERENCE
    power = limit * scale * (ratio * (0.9858 - 0.0162 * ratio) - 0.0059)
    return np.minimum(np.maximum(power, -solar.tare_kw.take(row)), rated)
