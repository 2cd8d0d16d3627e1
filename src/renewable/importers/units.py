"""Units that an export may use and how they become the contract's. The mapping says which it is."""

import math
import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pint


@dataclass(frozen=True)
class Conversion:
    """`(value + plus) * times / over`: exact numbers, where 0.001 would be a rounded one."""

    plus: float = 0.0
    times: float = 1.0
    over: float = 1.0

    def apply(self, value: pl.Expr) -> pl.Expr:
        """The converted value; `value` itself when the unit stays, so that no bit changes."""
        return value if self == SAME else (value + self.plus) * self.times / self.over


SAME = Conversion()

# Contract unit -> spelling in a mapping -> conversion. All but rad are exact by definition of the unit; what is not
# listed goes through pint.
CONVERSIONS: MappingProxyType[str, dict[str, Conversion]] = MappingProxyType(
    {
        "kW": {"kW": SAME, "W": Conversion(over=1000), "MW": Conversion(times=1000)},
        "°C": {
            "degC": SAME,
            "°C": SAME,
            "K": Conversion(plus=-273.15),
            "degF": Conversion(plus=-32, times=5, over=9),
        },
        "m/s": {
            "m/s": SAME,
            "km/h": Conversion(times=5, over=18),
            "mph": Conversion(times=1397, over=3125),  # 0.44704 m/s
            "knots": Conversion(times=463, over=900),  # 1852 m in 3600 s
        },
        "hPa": {"hPa": SAME, "Pa": Conversion(over=100), "kPa": Conversion(times=10)},
        "W/m²": {
            "W/m2": SAME,
            "W/m²": SAME,
            "kW/m2": Conversion(times=1000),
            "kW/m²": Conversion(times=1000),
        },
        "deg": {"deg": SAME, "rad": Conversion(times=180, over=math.pi)},
        "%": {"%": SAME, "1": Conversion(times=100)},
        "mm": {"mm": SAME, "inch": Conversion(times=254, over=10)},
        "kWh": {"kWh": SAME, "Wh": Conversion(over=1000), "MWh": Conversion(times=1000)},
    }
)
# Instead of a unit: it stands in the column's name, or behind the number in each cell.
FROM_HEADER, FROM_CELL = "from_header", "from_cell"
_IN_BRACKETS = re.compile(r"[\[(]([^\[\]()]+)[\])]\s*$")
_PINT_SPELLING = {"°C": "degC", "W/m²": "W/m**2", "%": "percent"}
_ENERGY_KWH = {"kWh": Conversion(), "Wh": Conversion(over=1000), "MWh": Conversion(times=1000)}


def conversion(contract_unit: str, unit: str, interval_seconds: int | None = None) -> Conversion:
    """How numbers in `unit` become `contract_unit`; a unit of energy is that of one interval and becomes mean power.

    Raises ValueError, a half sentence, for a unit that is unknown, of another dimension, or energy without an interval.
    """
    exact = CONVERSIONS.get(contract_unit, {contract_unit: SAME}).get(unit)
    if exact is not None:
        return exact
    if contract_unit == "kW" and is_energy(unit):
        if interval_seconds is None:
            raise ValueError("is energy: state timestamp.interval_minutes, so that it can become power")
        energy = _ENERGY_KWH.get(unit) or _by_pint("kWh", unit)
        minutes, rest = divmod(interval_seconds, 60)
        if rest:
            return Conversion(energy.plus, energy.times * 3600, energy.over * interval_seconds)
        return Conversion(energy.plus, energy.times * 60, energy.over * minutes)
    usual = ", ".join(CONVERSIONS.get(contract_unit, [contract_unit]))
    try:
        return _by_pint(_PINT_SPELLING.get(contract_unit, contract_unit), unit)
    except _unknown_units() as error:
        raise ValueError(f"is none of {usual}, nor another unit of that kind") from error


def unit_of_header(header: str) -> str:
    """The unit at the end of a column's name: in brackets, or its last word.

    Raises ValueError, a half sentence, where there is none.
    """
    bracketed = _IN_BRACKETS.search(header)
    last = bracketed[1] if bracketed else re.split(r"[\s,;/_]+(?=\S+$)", header.strip())[-1]
    if last.strip() == header.strip():
        raise ValueError("is not in that name: write the unit itself")
    return last.strip()


@cache
def is_energy(unit: str | None) -> bool:
    """Whether `unit` is one of energy."""
    if unit is None or unit in _ENERGY_KWH:
        return unit is not None
    try:
        return bool(_registry().Unit(unit).is_compatible_with("joule"))
    except _unknown_units():
        return False


@cache
def _by_pint(target: str, unit: str) -> Conversion:
    if not unit:
        raise ValueError("no unit")
    quantity = _registry().Quantity
    at_zero, at_one = (quantity(value, unit).to(target).magnitude for value in (0.0, 1.0))
    slope = at_one - at_zero
    return Conversion(plus=at_zero / slope, times=slope)


def _unknown_units() -> tuple[type[Exception], ...]:
    """What pint raises for a text that is no unit, or one of another kind."""
    import pint

    # It asserts where a text is signs alone.
    return pint.PintError, AssertionError, AttributeError, TypeError, ValueError


@cache
def _registry() -> "pint.UnitRegistry[float]":
    # Slow to import, and most mappings have usual units.
    import pint

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
