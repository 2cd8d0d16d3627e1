"""The unit that a column's name tells, in the spelling that mappings use."""

import re

from renewable.importers.units import CONVERSIONS, conversion, is_energy

_SPELLINGS = {
    "w": "W",
    "kw": "kW",
    "mw": "MW",
    "wh": "Wh",
    "kwh": "kWh",
    "mwh": "MWh",
    "gwh": "GWh",
    "deg": "deg",
    "°": "deg",
    "degrees": "deg",
    "c": "degC",
    "°c": "degC",
    "℃": "degC",
    "degc": "degC",
    "°f": "degF",
    "degf": "degF",
    "f": "degF",
    "k": "K",
    "m/s": "m/s",
    "ms-1": "m/s",
    "km/h": "km/h",
    "mph": "mph",
    "kn": "knots",
    "w/m2": "W/m2",
    "w/m²": "W/m2",
    "w/m^2": "W/m2",
    "wm2": "W/m2",
    "kw/m2": "kW/m2",
    "hpa": "hPa",
    "pa": "Pa",
    "kpa": "kPa",
    "mbar": "mbar",
    "%": "%",
    "mm": "mm",
    "rad": "rad",
}
# Letters that are units in brackets alone.
_ONLY_IN_BRACKETS = {"w", "c", "f", "k", "pa", "kn"}
_BRACKETED = re.compile(r"[\[(]([^\[\]()]+)[\])]")
_USUAL = {"kW": ("kW", "W", "MW"), "kWh": ("kWh", "Wh", "MWh")}


def unit_in(name: str, contract_unit: str) -> str | None:
    """The unit in a column's name that is of the contract's kind (of power also one of energy); None where none is."""
    text = re.sub(r"(?i)deg(?:rees?)?[ _.]?([CF])\b", r"deg\1", name)
    brackets = [word.strip() for word in _BRACKETED.findall(text)][::-1]
    words = re.split(r"[\s\[\](),;|_.:]+", text)[::-1]
    for word in [*brackets, *(word for word in words if word.lower() not in _ONLY_IN_BRACKETS)]:
        unit = _SPELLINGS.get(word.lower())
        if unit is not None and is_of_kind(unit, contract_unit):
            return unit
    return next((word for word in brackets if word.isascii() and is_of_kind(word, contract_unit)), None)


def spelled(word: str) -> str | None:
    """A unit as mappings write it; None for a word that is none of the usual ones."""
    return _SPELLINGS.get(word.strip().lower())


def is_of_kind(unit: str, contract_unit: str) -> bool:
    """Whether numbers in a unit can become the contract's; energy can become power."""
    try:
        conversion(contract_unit, unit, 3600)
    except ValueError:
        return False
    return True


def usual_units(contract_unit: str, *, energy: bool = False) -> list[str]:
    """What is asked for where the name tells no unit, the contract's own first."""
    if contract_unit == "kW":
        return list(_USUAL["kWh" if energy else "kW"])
    # Two spellings of one unit are one choice.
    units = [unit for unit in CONVERSIONS.get(contract_unit, {contract_unit: None}) if unit.isascii()]
    return units or [contract_unit]


def energy(unit: str | None) -> bool:
    """Whether a unit is one of energy."""
    return is_energy(unit)
