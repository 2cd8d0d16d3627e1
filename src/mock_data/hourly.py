"""Slow weather at whole hours: pressure, temperature, dew point, direction, rain and snow. Fast weather is weather.py's.

An hour block is a pure function of its day, so events that look back (soiling, snow, icing) read as many blocks as they need.
"""

from dataclasses import dataclass

import numpy as np

from mock_data.noise import Floats
from mock_data.places import Band, Climate, Follows, Places

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
# Clouds of hours and days; minutes are added where the sun matters. Positive is clear.
SLOW_CLOUD = (
    Band(48 * 60, 0.48, 0.85, Follows("pressure", 0.45)),
    Band(12 * 60, 0.10, 0.60),
    Band(60, 0.07, 0.0),
)
SLOW_CLOUD_SHARE = sum(band.share for band in SLOW_CLOUD)


@dataclass(frozen=True)
class HourBlock:
    """Values at the 24 whole hours of a UTC day, shape (places, 24)."""

    pressure_hpa: Floats
    temperature_c: Floats
    dew_point_c: Floats
    direction_deg: Floats
    rain_mm_h: Floats

    def stacked(self) -> Floats:
        return np.stack([self.pressure_hpa, self.temperature_c, self.dew_point_c, self.direction_deg])


def hour_block(places: Places, day_number: int) -> HourBlock:
    """The block of the day that many days after 1970-01-01."""
    minutes = day_number * 1440.0 + 60.0 * np.arange(24)
    climate = places.climate
    summer = season(minutes) * climate.season_sign[:, None]
    slow_cloud = places.series("cloud", SLOW_CLOUD, minutes) / np.sqrt(SLOW_CLOUD_SHARE)
    clear = 1.0 / (1.0 + np.exp(-1.7 * (slow_cloud - climate.cloud_offset[:, None])))
    pressure_waves = places.series("pressure", PRESSURE, minutes)
    air_mass = (
        climate.temperature_mean_c[:, None]
        + climate.temperature_season_c[:, None] * summer
        + TEMPERATURE_SD_K * places.series("temperature", TEMPERATURE, minutes)
    )
    swing = (1.2 + 4.3 * clear) * (0.75 + 0.25 * climate.dryness[:, None])
    temperature = air_mass + swing * day_wave(climate.longitude_deg, minutes, 15.0)
    spread = (0.4 + 4.5 * clear) * climate.dryness[:, None]
    moisture = 1.2 * places.series("moisture", MOISTURE, minutes)
    return HourBlock(
        pressure_hpa=climate.pressure_mean_hpa[:, None] + PRESSURE_SD_HPA * pressure_waves,
        temperature_c=temperature,
        dew_point_c=air_mass - spread + moisture,
        direction_deg=climate.direction_deg[:, None] + 75.0 * places.series("direction", DIRECTION, minutes),
        rain_mm_h=rain_rate(climate, slow_cloud),
    )


def rain_rate(climate: Climate, slow_cloud: Floats) -> Floats:
    """Rain in mm/h before showers are told apart; zero while the slow cloud series stays above the place's threshold."""
    excess = np.maximum(-climate.rain_threshold[:, None] - slow_cloud, 0.0)
    return np.asarray(2.8 * excess * (0.5 + excess))


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
    """Cubic values at the middles of a day's intervals.

    `hours` ends with the axis of hours -1 to 25 of the day; the answer ends with the axis of intervals.
    """
    per_hour = 60 // interval_minutes
    f = (np.arange(per_hour) + 0.5) / per_hour
    weights = (
        -f * (f - 1.0) * (f - 2.0) / 6.0,
        (f + 1.0) * (f - 1.0) * (f - 2.0) / 2.0,
        -(f + 1.0) * f * (f - 2.0) / 2.0,
        (f + 1.0) * f * (f - 1.0) / 6.0,
    )
    total = np.zeros((*hours.shape[:-1], 24, per_hour))
    for i, weight in enumerate(weights):
        total += hours[..., i : i + 24, None] * weight
    return total.reshape(*hours.shape[:-1], 24 * per_hour)
