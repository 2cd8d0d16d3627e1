"""Which columns of an unknown table are power, energy, a counter or weather, by their names and by how they behave."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from renewable.contract import RawTable, column_called, column_unit, measurements
from renewable.importers.asset_settings import PLACE
from renewable.importers.draft_lines import Line, Todo, asked, listed, quoted
from renewable.importers.draft_units import energy, unit_in, usual_units

_ENERGY = re.compile(
    r"energ|yield|ertrag|produ|generat|erzeug|consum|export|einspeis|kwh|mwh|\bwh\b|scadavalue|reading|import",
    re.IGNORECASE,
)
# Columns that are beside the mean of what they name, and power that is not what reaches the grid.
_BESIDE = re.compile(
    r"std|dev\b|deviation|\bmax|\bmin\b|minimum|maximum|reactive|\bvar\b|\bdc\b|status|quality|flag|price|limit|setpoint"
    r"|factor|theor|potential|possible|available|expected|forecast|predict|prognos|type|_max$|_min$"
    r"|apparent|\bk?va\b|batter|charg|ladung",
    re.IGNORECASE,
)
# Words of a quantity in the same unit that is another one.
_ANOTHER = {
    "air_temperature_c": r"intern|innen|wewn|interior|heat.?sink|gear|oil|bearing|lager|stator|rotor|winding|transform|"
    r"cabinet|inverter|\bdew|tau|chill|soil|boden|battery|nacelle.?temp|内部|logger|ptemp",
    "ghi_wm2": r"\bdni\b|direct|beam|diffus|\bdhi\b|reflect|long.?wave|infra|\bir\b|\buv|net|albedo|up.?well|inclin|"
    r"poa|tilt|plane|geneigt",
    "wind_speed_ms": r"gust|böe|tip|rotor|precip|rain|regen|niederschlag|vertical",
    "air_pressure_hpa": r"hydraul|oil|accumul|brake|vapou?r",
    "relative_humidity_pct": r"cabinet|nacelle|intern|soil|schrank",
}
_OF_DAY = re.compile(r"today|daily|heute|tagesertrag|jour|hoy", re.IGNORECASE)
_OF_LIFE = re.compile(r"counter|cumul|lifetime|total|meter.?reading|z[äa]hler|gesamt|index", re.IGNORECASE)
_FEW_DAYS = 3
_NEVER, _DAILY = ", counter: {resets: never}", ", counter: {resets: daily}"
_QUALITY = re.compile(r"status|quality|flag|\bqc|valid", re.IGNORECASE)
_GOOD = re.compile(r"^(?:good|ok|valid|true|normal|192|a|v)$", re.IGNORECASE)
POWER = "active_power_kw"
# Short names that only a table of them tells, and units that only one channel has as a rule.
_SHORT = {
    "wind_speed_ms": r"^(?:v|u|ff|wind|wspd)$",
    "wind_direction_deg": r"^(?:dd|dir|wdir)$",
    "air_temperature_c": r"^(?:t|ta|tt|tt_.*|temp|air_?t.*|t_?amb.*|t2m)$",
    "air_pressure_hpa": r"^(?:bp|pp|press|slp)(?:[_ ].*)?$",
    "ghi_wm2": r"^(?:g|gh|dw_solar|global.*)$",
}
_MOST_CHOICES, _MOST_FLAGS = 24, 12
_RISES_PER_FALL, _FALL_RATIO = 5, 0.5


@dataclass(frozen=True)
class Shape:
    """Columns that are one for each asset, side by side: their name with {asset}, and what stands for it."""

    column: str
    tokens: tuple[str, ...]

    @property
    def first(self) -> str:
        return self.column.replace(PLACE, self.tokens[0]) if self.tokens else self.column


@dataclass(frozen=True)
class Channels:
    """Lines by table, the columns that they use, and whether power is among them."""

    lines: Mapping[RawTable, list[Line]]
    used: frozenset[str]


def side_by_side(names: Sequence[str]) -> list[Shape]:
    """Columns whose names differ in one word with a number, as INV1 [kW] and INV2 [kW]."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        words = re.split(r"([A-Za-z]*[-_]?\d+)", name)
        groups.setdefault(tuple(words[::2]), []).append(name)
    found = []
    for members in groups.values():
        words = [re.split(r"([A-Za-z]*[-_]?\d+)", name)[1::2] for name in members]
        differ = [place for place in range(len(words[0])) if len({each[place] for each in words}) > 1]
        tokens = [{each[place] for place in differ} for each in words]
        if len(members) > 1 and differ and all(len(each) == 1 for each in tokens):
            own = tuple(each.pop() for each in tokens)
            found.append(Shape(members[0].replace(own[0], PLACE), own))
    return found


def find_channels(
    table: pl.DataFrame,
    numbers: pl.DataFrame,
    names: Sequence[str],
    keys: pl.Series | None,
    clock: pl.Series,
    shapes: Sequence[Shape],
    across: str | None = None,
    optional: frozenset[str] = frozenset(),
) -> Channels:
    """Lines of the channels. `names` are free columns, `numbers` those of them that hold numbers."""
    if across is not None:
        choices = [
            f"{POWER}: {{column: {quoted(across)}, unit: {unit}}}"
            for unit in ("kWh", "kW", "MWh", "MW", "Wh", "W")
        ]
        known = unit_in(across, "kW")
        if known:
            choices = [f"{POWER}: {{column: {quoted(across)}, unit: {known}}}"]
        return Channels(
            {"generation": [asked("what is the unit? kWh is the energy of one interval.", choices)]},
            frozenset(),
        )
    columns = [*shapes] if shapes else [Shape(name, ()) for name in names]
    has_rows = table.height > 0
    columns = [each for each in columns if each.first in numbers.columns or not has_rows]
    taken: set[str] = set()
    lines: dict[RawTable, list[Line]] = {}
    power = _power(table, numbers, columns, keys, clock, optional, taken)
    for kind in ("weather", "generation"):
        for target in measurements(kind):
            unit = column_unit(kind, target)
            if target in (POWER, "gap_energy_kwh"):
                continue
            if not unit:
                continue
            fitting = _of_the_quantity(target, columns)
            called = _called(fitting, (*column_called(kind, target), *_short(target)), taken)
            found = called or (_by_unit(target, unit, fitting, taken) if kind == "weather" else None)
            if found is None:
                continue
            taken.add(found.column)
            known = unit_in(found.first, unit)
            units = [known] if known else usual_units(unit)
            choices = [_channel(target, found, each, table, optional) for each in units]
            lines.setdefault(kind, []).append(
                asked(f"what is the unit of {found.first!r}?", choices)
                if called is not None
                # A unit alone does not say what is measured.
                else Todo(f"is {found.first!r} {target}?", tuple(choices), or_none=True)
            )
    if power:
        lines.setdefault("generation", []).insert(0, power)
    if not lines:
        lines = _any_column(columns, numbers, table, names, optional)
    return Channels(lines, frozenset(taken))


def _any_column(
    columns: Sequence[Shape],
    numbers: pl.DataFrame,
    table: pl.DataFrame,
    names: Sequence[str],
    optional: frozenset[str],
) -> dict[RawTable, list[Line]]:
    """Asks which column is what, where no name tells."""
    varying = [each for each in columns if each.first in numbers.columns and not is_flag(numbers[each.first])]
    named = varying or [Shape(name, ()) for name in names] or [Shape("column_1", ())]

    def choices(target: str, units: Sequence[str]) -> tuple[str, ...]:
        found = [
            _channel(target, each, unit, table, optional, more)
            for each in named[:_MOST_CHOICES]
            for unit in units
            for more in dict.fromkeys((_flags_beside(each.first, table), ""))
        ]
        return tuple(found)

    power = Todo(
        "which column is the power, and in which unit?",
        choices(POWER, ("kW", "W", "MW", "kWh")),
        or_none=True,
    )
    weather: list[Line] = [
        Todo(
            f"which column is {target}?",
            choices(target, usual_units(column_unit("weather", target))[:1]),
            or_none=True,
        )
        for target in _SHORT
    ]
    return {"weather": weather, "generation": [power]}


def is_flag(values: pl.Series) -> bool:
    """Whether numbers are one and the same, or a few whole ones, as flags are."""
    filled = values.drop_nulls()
    distinct = filled.unique()
    return distinct.len() < 2 or (
        distinct.len() <= _MOST_FLAGS < filled.len() / 4 and bool((distinct % 1 == 0).all())
    )


def _flags_beside(name: str, table: pl.DataFrame) -> str:
    """The column of flags to the right, with those that are not all nines; 0 alone where there is one."""
    place = table.columns.index(name) + 1 if name in table.columns else table.width
    if place >= table.width or table.schema[table.columns[place]] != pl.String:
        return ""
    words = table[table.columns[place]].drop_nulls().unique().sort().to_list()
    if not 2 <= len(words) <= _MOST_FLAGS or not all(re.fullmatch(r"\d{1,3}", word) for word in words):
        return ""
    good = [word for word in words if not re.fullmatch("9+", word)]
    return f", quality: {{column: {quoted(table.columns[place])}, good: {listed(['0'] if '0' in good else good)}}}"


def _power(
    table: pl.DataFrame,
    numbers: pl.DataFrame,
    columns: Sequence[Shape],
    keys: pl.Series | None,
    clock: pl.Series,
    optional: frozenset[str],
    taken: set[str],
) -> Line | None:
    """The power, or energy that becomes power; asked for where several columns could be it."""
    ranked: list[tuple[int, Shape]] = []
    for column in columns:
        rank = power_rank(column.first)
        if rank is not None:
            ranked.append((rank, column))
    if not ranked:
        return None
    ranked.sort(key=lambda each: each[0])
    choices: list[str] = []
    for _, column in ranked[:_MOST_CHOICES]:
        unit = unit_in(column.first, "kW")
        is_energy = energy(unit) or (unit is None and bool(_ENERGY.search(column.first)))
        units = (
            [unit]
            if unit
            else [*usual_units("kW", energy=is_energy), *(usual_units("kW") if is_energy else [])]
        )
        values = numbers[column.first] if column.first in numbers.columns else pl.Series([], dtype=pl.Float64)
        how = counters(column.first, values, keys, clock)
        for each in units:
            for counter in how if energy(each) else ("",):
                if _is_negative(values):
                    choices.append(_channel(POWER, column, each, table, optional, f"{counter}, sign: -1"))
                choices.append(_channel(POWER, column, each, table, optional, counter))
    taken.update(column.column for _, column in ranked)
    several = "power, or the energy of an interval that becomes power"
    return asked(f"which column is the {several}, and in which unit?", choices)


def power_rank(name: str) -> int | None:
    if _BESIDE.search(name):
        return None
    unit = unit_in(name, "kW")
    if unit is not None and not energy(unit):
        return 0
    if any(re.search(each, name, re.IGNORECASE) for each in column_called("generation", POWER)):
        return 1
    if unit is not None or _ENERGY.search(name):
        return 2
    if re.search(r"(?:^|[\s_.])p_?ac(?:$|[\s_.\[(])", name, re.IGNORECASE):
        return 1
    return 3 if re.fullmatch(r"p|pac|p_?ac|value|wert|power.*", name, re.IGNORECASE) else None


def _by_unit(target: str, unit: str, columns: Sequence[Shape], taken: set[str]) -> Shape | None:
    """The only free column in a unit that this channel has as a rule."""
    free = [each for each in columns if each.column not in taken and not _BESIDE.search(each.first)]
    fit = [each for each in free if unit_in(each.first, unit)]
    return fit[0] if target in _SHORT and unit != "deg" and len(fit) == 1 else None


def _of_the_quantity(target: str, columns: Sequence[Shape]) -> list[Shape]:
    """The columns whose names have no word of another quantity in the same unit."""
    another = _ANOTHER.get(target)
    return [each for each in columns if another is None or not re.search(another, each.first, re.IGNORECASE)]


def _short(target: str) -> list[str]:
    return [_SHORT[target]] if target in _SHORT else []


def _called(columns: Sequence[Shape], patterns: Sequence[str], taken: set[str]) -> Shape | None:
    for pattern in patterns:
        for column in columns:
            name = column.first
            if (
                column.column not in taken
                and not _BESIDE.search(name)
                and re.search(pattern, name, re.IGNORECASE)
            ):
                return column
    return None


def _channel(
    target: str,
    column: Shape,
    unit: str,
    table: pl.DataFrame,
    optional: frozenset[str],
    more: str = "",
) -> str:
    """One channel as a line."""
    quality = _quality(column, table)
    may_lack = (
        ", optional: true"
        if optional & {column.column.replace(PLACE, t) for t in column.tokens or ("",)}
        else ""
    )
    return f"{target}: {{column: {quoted(column.column)}, unit: {quoted(unit)}{more}{quality}{may_lack}}}"


def _quality(column: Shape, table: pl.DataFrame) -> str:
    """The status column that belongs to a column by its name, with the words there that sound good."""
    for name in table.columns:
        rest = name.removeprefix(column.first)
        if name == column.first or rest == name or not _QUALITY.search(rest):
            continue
        words = table[name].cast(pl.String).drop_nulls().unique().sort().to_list()
        good = [word for word in words if _GOOD.match(word)]
        if good and len(words) <= _MOST_FLAGS:
            status = name.replace(column.tokens[0], PLACE) if column.tokens else name
            return f", quality: {{column: {quoted(status)}, good: {listed(good)}}}"
    return ""


def _is_negative(values: pl.Series) -> bool:
    """Whether what is not zero is mostly below it."""
    filled = values.drop_nulls()
    filled = filled.filter(filled != 0)
    return bool(filled.len()) and int((filled < 0).sum()) > 0.8 * filled.len()


def counters(name: str, values: pl.Series, keys: pl.Series | None, clock: pl.Series) -> list[str]:
    """What a column of energy may be, by its values and its name: settings of a counter, or nothing.

    Values that only rise in a short file may also be those of intervals, so a name has to say that they are counted.
    """
    seen = _behaviour(values, keys, clock)
    if _OF_DAY.search(name):
        return [_DAILY] if seen else [_DAILY, ""]
    if _OF_LIFE.search(name):
        return [_NEVER] if seen == _NEVER else [_NEVER, _DAILY, ""]
    if not seen:
        return [""]
    # A file of a day or two shows no reset.
    return [seen, *([_DAILY] if seen == _NEVER and clock.dt.date().n_unique() <= _FEW_DAYS else []), ""]


def _behaviour(values: pl.Series, keys: pl.Series | None, clock: pl.Series) -> str:
    """Of a column of energy: nothing where it is that of an interval, else what kind of counter it is."""
    if values.len() != clock.len() or not values.len():
        return ""
    key = keys if keys is not None else pl.Series([""]).new_from_index(0, values.len())
    frame = pl.DataFrame(
        [values.alias("value"), clock.alias("clock"), key.cast(pl.String).alias("key")]
    ).drop_nulls()
    steps = (
        frame.sort("key", "clock").with_columns(pl.col("value").diff().over("key").alias("step")).drop_nulls()
    )
    rises, falls = int((steps["step"] > 0).sum()), steps.filter(pl.col("step") < 0)
    if rises < 2:
        return ""
    if falls.is_empty():
        return _NEVER
    highest = float(frame["value"].max() or 0)  # type: ignore[arg-type]
    deep = falls.filter(-pl.col("step") > _FALL_RATIO * highest)
    days = frame.select(pl.struct(pl.col("clock").dt.date(), "key").n_unique()).item()
    if rises >= _RISES_PER_FALL * falls.height and deep.height and falls.height <= 2 * days:
        return _DAILY
    return ""
