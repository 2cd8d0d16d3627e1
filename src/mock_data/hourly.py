"""Slow weather at whole hours: air, direction, rain, slow bands of wind and clouds.

Fast weather is weather.py's.

A block of hours is a pure function of its number, so events that look back (soiling, snow, icing) read as
many as they need.
"""

from dataclasses import dataclass

import numpy as np

from mock_data.noise import Floats, Octave, local_series
from mock_data.places import Band, Climate, Clock, Follows, Places

YEAR_MINUTES = 365.2425 * 1440.0
PRESSURE_SD_HPA = 7.5
TEMPERATURE_SD_K = 3.4

PRESSURE = (
    Band(27 * 60, 0.10, 0.98),
    Band(48 * 60, 0.25, 0.98),
    Band(81 * 60, 0.30, 0.98),
    Band(243 * 60, 0.35, 0.98),
)
TEMPERATURE = (
    Band(6 * 60, 0.08, 0.50),
    Band(27 * 60, 0.27, 0.85, Follows("pressure", -0.45, rise=True)),
    Band(96 * 60, 0.65, 0.95),
)
DIRECTION = (
    Band(9 * 60, 0.10, 0.60),
    Band(27 * 60, 0.35, 0.90, Follows("pressure", 0.6, rise=True)),
    Band(81 * 60, 0.55, 0.95, Follows("pressure", 0.6, rise=True)),
)
MOISTURE = (Band(27 * 60, 1.0, 0.7),)
WIND = (
    Band(81 * 60, 0.21, 0.95, Follows("pressure", -0.4)),
    Band(27 * 60, 0.19, 0.90, Follows("pressure", -0.3)),
    Band(9 * 60, 0.36, 0.75),
)
# Clouds: positive is clear. Minutes are added where the sun matters.
SLOW_CLOUD = (
    Band(48 * 60, 0.48, 0.85, Follows("pressure", 0.45)),
    Band(12 * 60, 0.10, 0.60),
)
HOUR_CLOUD = (Octave(60, 0.07),)
CLOUD_SHARE = sum(band.share for band in (*SLOW_CLOUD, *HOUR_CLOUD))
# Rain falls from clouds, but comes and goes faster than they do.
RAIN = (Band(12 * 60, 0.5, 0.6), Band(6 * 60, 0.5, 0.4))
RAIN_FROM_CLOUD = 0.62
BLOCK_DAYS = 5


@dataclass(frozen=True)
class HourBlock:
    """Values at whole hours, shape (places, hours); wind and clouds are latents, of which only slow bands."""

    pressure_hpa: Floats
    temperature_c: Floats
    dew_point_c: Floats
    direction_deg: Floats
    wind_latent: Floats
    cloud_latent: Floats
    rain_latent: Floats
    rain_mm_h: Floats

    def of_day(self, number: int) -> "HourBlock":
        """The 24 hours of the day that many days after the block's first."""
        hours = slice(24 * number, 24 * number + 24)
        return HourBlock(*(getattr(self, name)[:, hours] for name in self.__dataclass_fields__))

    def smooth(self) -> Floats:
        """The channels that are interpolated, stacked."""
        return np.stack(
            [
                self.pressure_hpa,
                self.temperature_c,
                self.dew_point_c,
                self.direction_deg,
                self.wind_latent,
                self.cloud_latent,
                self.rain_latent,
            ]
        )


def hour_block(places: Places, block_number: int) -> HourBlock:
    """The block of five days that many blocks after 1970-01-01."""
    minutes = _hours_of(block_number)
    climate, clock = places.climate, places.clock(minutes)
    summer = season(minutes) * climate.season_sign[:, None]
    slow_cloud = places.series("cloud", SLOW_CLOUD, clock)
    cloud = (slow_cloud + local_series(places.keys, "cloud", HOUR_CLOUD, minutes)) / np.sqrt(CLOUD_SHARE)
    clear = 1.0 / (1.0 + np.exp(-1.7 * (cloud - climate.cloud_offset[:, None])))
    air_mass = (
        climate.temperature_mean_c[:, None]
        + climate.temperature_season_c[:, None] * summer
        + TEMPERATURE_SD_K * places.series("temperature", TEMPERATURE, clock)
    )
    swing = (1.2 + 4.3 * clear) * (0.85 + 0.15 * climate.dryness[:, None])
    spread = (0.4 + 4.5 * clear) * climate.dryness[:, None]
    rain = _rain_latent(places, clock, slow_cloud)
    moisture = 1.2 * places.series("moisture", MOISTURE, clock)
    return HourBlock(
        pressure_hpa=climate.pressure_mean_hpa[:, None]
        + PRESSURE_SD_HPA * places.series("pressure", PRESSURE, clock),
        temperature_c=air_mass + swing * day_wave(climate.longitude_deg, minutes, 15.0),
        dew_point_c=air_mass - spread + moisture,
        direction_deg=climate.direction_deg[:, None] + 75.0 * places.series("direction", DIRECTION, clock),
        wind_latent=places.series("wind", WIND, clock),
        cloud_latent=slow_cloud,
        rain_latent=rain,
        rain_mm_h=rain_rate(climate, rain),
    )


def rain_block(places: Places, block_number: int) -> Floats:
    """The rain of `hour_block` alone, for those who look back for months."""
    clock = places.clock(_hours_of(block_number))
    slow_cloud = places.series("cloud", SLOW_CLOUD, clock)
    return rain_rate(places.climate, _rain_latent(places, clock, slow_cloud))


def _hours_of(block_number: int) -> Floats:
    return block_number * BLOCK_DAYS * 1440.0 + 60.0 * np.arange(24 * BLOCK_DAYS, dtype=np.float64)


def _rain_latent(places: Places, clock: Clock, slow_cloud: Floats) -> Floats:
    overcast = slow_cloud / np.sqrt(sum(band.share for band in SLOW_CLOUD))
    own_rain = np.sqrt(1.0 - RAIN_FROM_CLOUD**2) * places.series("rain", RAIN, clock)
    return np.asarray(-RAIN_FROM_CLOUD * overcast + own_rain)


def rain_rate(climate: Climate, latent: Floats) -> Floats:
    """Rain in mm/h before showers are told apart; zero while the latent stays below the place's threshold."""
    excess = np.maximum(latent - climate.rain_threshold[:, None], 0.0)
    return np.asarray(2.3 * excess)


def season(minutes: Floats) -> Floats:
    """+1 in mid July, -1 in mid January."""
    return np.asarray(np.cos((minutes / YEAR_MINUTES - 196.0 / 365.2425) * (2.0 * np.pi)))


def day_wave(longitude_deg: Floats, minutes: Floats, peak_hour: float) -> Floats:
    """A daily cosine that peaks at a local solar hour; shape (places, times)."""
    offset = (longitude_deg / 360.0 - peak_hour / 24.0) * (2.0 * np.pi)
    turn = (minutes % 1440.0) * (2.0 * np.pi / 1440.0)
    return np.asarray(
        np.cos(offset)[:, None] * np.cos(turn)[None, :] - np.sin(offset)[:, None] * np.sin(turn)[None, :]
    )


def between_hours(hours: Floats, interval_minutes: int) -> Floats:
    """Values at the middles of a day's intervals by polynomials of fifth degree through six hours.

    Measured against direct evaluation it errs by at most 2e-4 of a standard deviation for bands of nine hours
    and more and by 1e-3 for six hours, too little to move a variance. `hours` ends with the axis of hours
    -2 to 26 of the day; the answer ends with the axis of intervals.
    """
    per_hour = 60 // interval_minutes
    f = (np.arange(per_hour) + 0.5) / per_hour
    nodes = range(-2, 4)
    total = np.zeros((*hours.shape[:-1], 24, per_hour))
    for i, node in enumerate(nodes):
        weight = np.prod([(f - other) / (node - other) for other in nodes if other != node], axis=0)
        total += hours[..., i : i + 24, None] * weight
    return total.reshape(*hours.shape[:-1], 24 * per_hour)
