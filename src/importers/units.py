"""Units that an export may use and how they become the contract's. The mapping says which it is."""

import math
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl


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

# Contract unit -> spelling in a mapping -> conversion. All but rad are exact by definition of the unit.
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
    }
)


def allowed_units(contract_unit: str) -> list[str]:
    """Spellings of the units that convert to `contract_unit`; none for columns that hold words."""
    return list(CONVERSIONS.get(contract_unit, {}))
