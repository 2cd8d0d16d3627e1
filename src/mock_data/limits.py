"""How a unit holds a limit that the grid sets: with a ramp, an offset of its own, and a wobble."""

from datetime import date

import numpy as np

from mock_data.events import Event
from mock_data.group import Group
from mock_data.noise import Floats, Octave, channel_keys, hashed, local_series, uniform

# A controller's wobble has minutes and hours in it.
_WOBBLE = (Octave(10, 0.5), Octave(60, 0.3), Octave(180, 0.2))
_LARGEST_WOBBLE = 2.0


def held_power(group: Group, day: date, event: Event, before_kw: Floats, cap_kw: float) -> Floats:
    """Power in kW of one unit under a limit, on the intervals of `event`; nowhere more than it could give.

    The unit comes down in a line from the power that it had free, and then holds the limit loosely.
    """
    row, rated = event.row, float(group.rated_kw[event.row])
    middles = group.middles(day)[event.columns]
    wobble = local_series(group.keys[row : row + 1], "limit wobble", _WOBBLE, middles)[0]
    wobble = np.clip(wobble, -_LARGEST_WOBBLE, _LARGEST_WOBBLE) * group.own("limit_wobble")[row]
    # Each limit is met by another part of the unit's own error.
    key = channel_keys(group.keys[row : row + 1], "limit offset")
    part = 0.5 + 0.5 * float(uniform(hashed(key, np.array([event.start_minute])))[0])
    aim = cap_kw + rated * (part * group.own("limit_offset")[row] + wobble)
    ramp = max(float(group.own("limit_ramp_min")[row]), 1e-9)
    above = np.maximum(1.0 - (middles - event.start_minute) / ramp, 0.0)
    aim = aim + above * np.maximum(before_kw - aim, 0.0)
    return np.asarray(np.minimum(before_kw, np.maximum(aim, 0.0)))
