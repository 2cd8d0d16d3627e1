"""Laws of stamps: however an export writes them, they name one instant, or they are left out and counted."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from renewable.errors import MappingError
from renewable.importers.clock import interval_starts_utc
from renewable.importers.convert import ImportSummary, import_files
from renewable.importers.mapping import Mapping
from renewable.importers.notes import Notes
from renewable.importers.rows import table_rows
from renewable.importers.set_aside import SetAside
from renewable.importers.source import SourceFrame
from renewable.importers.times_across import one_time_a_row
from renewable.importers.timestamp import Timestamp
from renewable.importers.together import assembled
from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.unit
PARIS = ZoneInfo("Europe/Paris")
ISO = "%Y-%m-%d %H:%M"


def found(
    rows: dict[str, list[str | None]] | list[str],
    name: str = "export.csv",
    lines: tuple[str, ...] = (),
    **settings: Any,
) -> list[Any]:
    """UTC starts of rows (column: texts; a list is the column t), as texts; None where a row is set aside."""
    cells = rows if isinstance(rows, dict) else {"t": list(rows)}
    told = {} if {"columns", "expression"} & settings.keys() else {"column": "t"}
    stamp = Timestamp.model_validate({"zone": "UTC", "format": ISO} | told | settings)
    table = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
    batch = SourceFrame(name, table, set_aside=SetAside(name), lines=lines)
    starts = interval_starts_utc(batch, stamp)["timestamp"]
    return [start and f"{start:%Y-%m-%d %H:%M}" for start in starts]


def faults(**settings: Any) -> str:
    with pytest.raises(ValidationError) as error:
        Timestamp.model_validate({"zone": "UTC", "format": ISO, "column": "t"} | settings)
    return str(error.value)


def delivered(
    place: Path, text: str, timestamp: dict[str, Any], **changes: Any
) -> tuple[pl.DataFrame, ImportSummary]:
    """Rows of generation of a delivery, whose power is in column P."""
    (place / "export.csv").write_text(text)
    mapping = {
        "source": {"files": "export.csv", "delimiter": ";"},
        "timestamp": {"column": "t", "format": ISO} | timestamp,
        "asset": {"constant": "A"},
        "generation": {"active_power_kw": {"column": "P", "unit": "kW"}},
    } | changes
    (place / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    summary = import_files(place / "mapping.yaml", place / "raw")
    return pl.concat(
        pl.read_parquet(path) for path in sorted((place / "raw" / "generation").iterdir())
    ), summary


# How a stamp is written


@pytest.mark.parametrize(
    ("text", "format", "right"),
    [
        ("07/01/2022 24:00", "%m/%d/%Y %H:%M", "2022-07-02 00:00"),
        ("2022-12-31T24:00:00", "%Y-%m-%dT%H:%M:%S", "2023-01-01 00:00"),
        ("2022-12-31 24", "%Y-%m-%d %H", "2023-01-01 00:00"),
        ("2024011005", "%Y%m%d%H", "2024-01-10 05:00"),
        ("2024011005:03", "%Y%m%d%H:%M", "2024-01-10 05:03"),
        ("2019 121 15", "%Y %j %H%M", "2019-05-01 00:15"),
        ("2019 121 100", "%Y %j %H%M", "2019-05-01 01:00"),
        ("2019 121 0", "%Y %j %H%M", "2019-05-01 00:00"),
        ("2019 121 2400", "%Y %j %H%M", "2019-05-02 00:00"),
        ("2020 366 2345", "%Y %j %H%M", "2020-12-31 23:45"),
        ("2019 1 5 930", "%Y %m %d %H%M", "2019-01-05 09:30"),
        ("05.01.19 3", "%d.%m.%y %H", "2019-01-05 03:00"),
        ("3 PM, 5 Jan 2019", "%I %p, %d %b %Y", "2019-01-05 15:00"),
        ("45444", "excel_serial", "2024-06-01 00:00"),
        ("45444.010416667", "excel_serial", "2024-06-01 00:15"),
        ("45444,989583333", "excel_serial", "2024-06-01 23:45"),
    ],
)
def test_stamps_that_exports_write_are_read(text: str, format: str, right: str) -> None:
    assert found([text], format=format) == [right]


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("07/01/2022 24:15", "%m/%d/%Y %H:%M"),
        ("07/01/2022 25:00", "%m/%d/%Y %H:%M"),
        ("2019 121 2460", "%Y %j %H%M"),
        ("2019 366 0000", "%Y %j %H%M"),
        # Of nine digits nobody knows which field lacks one.
        ("202401105", "%Y%m%d%H"),
        ("2024115 00:00", "%Y%m%d %H:%M"),
        ("1012024 00:00", "%d%m%Y %H:%M"),
        # A year of two digits, and numbers that are no days.
        ("01/02/24 10:00", "%d/%m/%Y %H:%M"),
        ("1717200000", "excel_serial"),
        ("45,444", "excel_serial"),
        ("1717200000000", "epoch_s"),
    ],
)
def test_a_stamp_that_could_be_several_instants_or_none_is_set_aside(text: str, format: str) -> None:
    zone = {} if format != "epoch_s" else {"zone": None}
    assert found([text], format=format, **zone) == [None]


@given(at=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))
@hypothesis_settings(max_examples=8, deadline=None)
def test_a_stamp_reads_back_as_what_was_written(at: datetime) -> None:
    at = at.replace(second=0, microsecond=0)
    days = (at - datetime(1899, 12, 30)) / timedelta(days=1)
    texts = {
        "%Y %j %H%M": f"{at:%Y %j} {100 * at.hour + at.minute}",
        "%Y%m%d%H%M": f"{at:%Y%m%d%H%M}",
        "%d.%m.%Y %H:%M": f"{at.day}.{at.month}.{at:%Y %H:%M}",
        "excel_serial": f"{days:.9f}",
    }
    for format, text in texts.items():
        assert found([text], format=format) == [f"{at:%Y-%m-%d %H:%M}"]
    # The end of a day is the start of the next one.
    midnight = at.replace(hour=0, minute=0)
    before = midnight - timedelta(days=1)
    assert found([f"{before:%Y-%m-%d} 24:00"]) == [f"{midnight:%Y-%m-%d %H:%M}"]


# Where its parts stand


def test_a_range_is_read_by_the_end_that_the_pattern_cuts_out() -> None:
    text = ["01/02/2024 00:00 - 01/02/2024 00:15"]
    form = {"format": "%d/%m/%Y %H:%M"}
    assert found(text, pattern="^(.*) - ", **form) == ["2024-02-01 00:00"]
    ends = form | {"label": "end", "interval_minutes": 15}
    assert found(text, pattern=" - (.*)$", **ends) == ["2024-02-01 00:00"]


def test_a_pattern_may_fit_stamps_of_two_shapes() -> None:
    pattern = r"^(?:from (\S+ \S+) on|until (\S+ \S+))$"
    texts = ["from 2024-01-01 00:00 on", "until 2024-01-01 01:00", "2024-01-01 02:00"]
    assert found(texts, pattern=pattern) == ["2024-01-01 00:00", "2024-01-01 01:00", None]


def test_parts_from_the_files_name_lines_above_the_data_and_cells_make_one_stamp() -> None:
    rows = {"day": ["121", "122"], "clock": ["15", "2400"]}
    by_header = {"columns": ["{lines}", "day", "clock"], "pattern": r"^\d+\s(\d{4})\s.* (\d+) (\d+)$"}
    by_name = {"columns": ["{file}", "day", "clock"], "pattern": r"_(\d\d)\d\d\.txt (\d+) (\d+)$"}
    right = ["2019-05-01 00:15", "2019-05-03 00:00"]
    lines = ("94255\t2019\t1000\t0",)
    assert found(rows, lines=lines, format="%Y %j %H%M", **by_header) == right
    assert found(rows, "/some/where/EUO_1905.txt", format="%y %j %H%M", **by_name) == right


def test_an_expression_makes_the_text_of_a_stamp() -> None:
    rows = {"day": ["2024-01-01", "2024-01-01"], "hour": ["1", "24"]}
    expression = "day || ' ' || (CAST(hour AS INT) - 1)"
    assert found(rows, expression=expression, format="%Y-%m-%d %H") == [
        "2024-01-01 00:00",
        "2024-01-01 23:00",
    ]


def test_a_text_that_the_pattern_does_not_fit_is_set_aside_with_its_text(tmp_path: Path) -> None:
    rows = "".join(f"2024-01-01 {hour:02}:00 - x;1\n" for hour in range(24)) + "Total;24\n"
    rows_found, summary = delivered(tmp_path, f"t;P\n{rows}", {"zone": "UTC", "pattern": "^(.*) - x"})
    assert rows_found.height == 24
    assert [(text.partition(" of column")[0], n) for text, n in summary.notes.items()] == [
        ("rows 'Total'", 1)
    ]
    with pytest.raises(
        MappingError, match=r"1 of 2 rows .*'Total' in row 3.*unreadable|unreadable_rows_ratio"
    ):
        delivered(tmp_path, "t;P\n2024-01-01 00:00 - x;1\nTotal;2\n", {"zone": "UTC", "pattern": "^(.*) - x"})


def test_of_a_row_that_cannot_be_read_its_own_cells_are_told() -> None:
    rows = {"day": ["x"], "clock": ["15"]}
    stamp = {
        "columns": ["{lines}", "day", "clock"],
        "pattern": r"(\d{4}) .* (\d+) (\d+)$",
        "format": "%Y %j %H%M",
    }
    table = pl.DataFrame(rows)
    batch = SourceFrame("e.csv", table, set_aside=SetAside("e.csv"), lines=("2019 " + 200 * "x",))
    batch.set_aside.rows_seen = 1
    interval_starts_utc(batch, Timestamp.model_validate(stamp | {"zone": "UTC"}))
    with pytest.raises(MappingError, match=r"allows: 'x 15' in row 2\."):
        batch.set_aside.settle()


# Periods


@pytest.mark.parametrize(
    "zone", ["Europe/London", "Africa/Cairo", "America/Havana", "+05:30", "Australia/Lord_Howe"]
)
@pytest.mark.parametrize(
    "day", [date(2024, 3, 31), date(2024, 4, 26), date(2024, 10, 27), date(2024, 11, 3), date(2024, 3, 10)]
)
def test_periods_count_the_time_that_passes_from_the_first_instant_of_a_day(zone: str, day: date) -> None:
    step = timedelta(minutes=30)
    place = ZoneInfo(zone) if zone[0] != "+" else None
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)

    def local(instant: datetime) -> date:
        return (
            instant.astimezone(place).date() if place else (instant + timedelta(hours=5, minutes=30)).date()
        )

    starts = [at + n * step for n in range(200) if local(at + n * step) == day]
    # Havana has the first hour of a day twice, which another day may not come between.
    rows = {"day": [f"{day}"] * (len(starts) + 2), "n": [str(n) for n in range(len(starts) + 2)]}
    settings = {"columns": ["day", "n"], "pattern": r"^(\S+) (?<period>\d+)$", "interval_minutes": 30}
    right = [None, *(f"{start:%Y-%m-%d %H:%M}" for start in starts), None]
    assert found(rows, zone=zone, format="%Y-%m-%d", **settings) == right
    assert found(rows, zone=zone, format="%Y-%m-%d", first_period=0, **settings) == [*right[1:], None]


# A day in a row


def test_a_day_in_a_row_is_its_long_table(tmp_path: Path) -> None:
    times = [f"{q // 4:02}:{q % 4 * 15:02}" for q in range(96)]
    ends = [*times[1:], "00:00"]
    wide = ";".join(["Giorno", *(f"{a}-{b}" for a, b in zip(times, ends, strict=True))]) + "\n"
    wide += "".join(
        f"{day:02}/09/2024;" + ";".join(str(100 * day + q) for q in range(96)) + "\n" for day in (1, 2)
    )
    settings = {
        "columns": ["Giorno", "{time}"],
        "column": "",
        "across": r"\d\d:\d\d-\d\d:\d\d",
        "pattern": r"^(\S+ \d\d:\d\d)-",
        "format": "%d/%m/%Y %H:%M",
        "zone": "+02:00",
    }
    power = {"generation": {"active_power_kw": {"column": "{time}", "unit": "kW"}}}
    rows, _ = delivered(tmp_path, wide, settings, **power)
    first = datetime(2024, 8, 31, 22, tzinfo=UTC)
    right = [(first + timedelta(minutes=15 * n), float(100 * (1 + n // 96) + n % 96)) for n in range(192)]
    assert rows.select("timestamp", "active_power_kw").rows() == right


def test_several_channels_and_assets_of_a_day_in_a_row(tmp_path: Path) -> None:
    text = "day;a P 1;a P 2;a T 1;a T 2;b P 1;b P 2;b T 1;b T 2\n2024-01-01;1;2;11;12;3;4;13;\n"
    settings = {
        "columns": ["day", "{time}"],
        "column": "",
        "across": r"\d",
        "pattern": r"^(\S+) (?<period>\d+)$",
        "format": "%Y-%m-%d",
        "zone": "UTC",
        "interval_minutes": 60,
    }
    rest = {
        "asset": {"wide": {"a": "A", "b": "B"}},
        "generation": {"active_power_kw": {"column": "{asset} P {time}", "unit": "kW"}},
        "weather": {"air_temperature_c": {"column": "{asset} T {time}", "unit": "degC"}},
    }
    rows, _ = delivered(tmp_path, text, settings, **rest)
    assert rows.select("asset_id", pl.col("timestamp").dt.hour(), "active_power_kw").rows() == [
        ("A", 0, 1.0),
        ("A", 1, 2.0),
        ("B", 0, 3.0),
        ("B", 1, 4.0),
    ]
    weather = pl.read_parquet(tmp_path / "raw" / "weather" / "*.parquet")
    assert weather["air_temperature_c"].to_list() == [11.0, 12.0, 13.0, None]


def test_a_day_that_cannot_be_read_is_set_aside_with_its_times(tmp_path: Path) -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 31)]
    days[3] = "Total"
    text = "day;00:00;01:00;02:00\n" + "".join(f"{day};1;2;3\n" for day in days)
    settings = {"columns": ["day", "{time}"], "column": "", "across": r"\d\d:\d\d", "zone": "UTC"}
    power = {"generation": {"active_power_kw": {"column": "{time}", "unit": "kW"}}}
    rows, summary = delivered(tmp_path, text, settings, **power)
    assert rows.height == 3 * 29
    assert sum(summary.notes.values()) == 3 and all("Total" in text for text in summary.notes)


def test_times_keep_the_order_of_rows_and_columns_and_the_numbers_of_rows() -> None:
    content = {
        "source": {"files": "x"},
        "timestamp": {
            "columns": ["day", "{time}"],
            "across": r"\d\d",
            "format": "%Y-%m-%d %H",
            "zone": "UTC",
        },
        "asset": {"constant": "A"},
        "generation": {"active_power_kw": {"column": "{time}", "unit": "kW"}},
    }
    table = pl.DataFrame({"day": ["a", "b"], "01": ["1", "3"], "00": ["2", "4"]})
    batch = SourceFrame("x", table, first_row=5)
    long = one_time_a_row(batch, Mapping.model_validate(content))
    assert long.rows["{time}"].to_list() == ["1", "2", "3", "4"]
    assert [long.number(row) for row in range(4)] == [5, 5, 6, 6]


def test_empty_cells_of_an_hour_that_a_day_leaves_out_are_no_rows(tmp_path: Path) -> None:
    text = "day;1:30;2:30;3:30\n2024-03-31;1;;3\n"
    settings = {"columns": ["day", "{time}"], "column": "", "across": r"\d:\d\d", "zone": "Europe/Paris"}
    power = {"generation": {"active_power_kw": {"column": "{time}", "unit": "kW"}}}
    rows, _ = delivered(tmp_path, text, settings, **power)
    assert rows["timestamp"].dt.to_string("%H:%M").to_list() == ["00:30", "01:30"]
    with pytest.raises(MappingError, match=r"leaves out in spring: '' in row 2|leaves out in spring"):
        delivered(tmp_path, text.replace(";;", ";2;"), settings, **power)


def test_a_file_without_a_column_of_a_time_is_named(tmp_path: Path) -> None:
    settings = {"columns": ["day", "{time}"], "column": "", "across": r"\d\d:\d\d", "zone": "UTC"}
    power = {"generation": {"active_power_kw": {"column": "{time}", "unit": "kW"}}}
    with pytest.raises(MappingError, match=r"export\.csv: no column is named \{time\}.*it has day, 1, 2"):
        delivered(tmp_path, "day;1;2\n2024-01-01;1;2\n", settings, **power)
    with pytest.raises(MappingError, match=r"names column\(s\) day that the file does not have"):
        delivered(tmp_path, "Tag;00:00\n2024-01-01;1\n", settings, **power)


def test_a_channel_of_which_a_day_in_a_row_has_no_column_is_missed_unless_it_is_optional(
    tmp_path: Path,
) -> None:
    settings = {"columns": ["day", "{time}"], "column": "", "across": r"\d\d:\d\d", "zone": "UTC"}

    def channels(**more: object) -> dict[str, Any]:
        power = {"active_power_kw": {"column": "P {time}", "unit": "kW"}}
        return {"generation": power, "weather": {"ghi_wm2": {"column": "G {time}", "unit": "W/m2"} | more}}

    text = "day;P 00:00;P 00:10\n2024-01-01;1;2\n"
    with pytest.raises(MappingError, match=r"no column is named G \{time\} with a time"):
        delivered(tmp_path, text, settings, **channels())
    rows, _ = delivered(tmp_path, text, settings, **channels(optional=True))
    assert rows["active_power_kw"].to_list() == [1.0, 2.0]


# Hours that come twice


def local_quarters(first: datetime, number: int) -> list[datetime]:
    return [first + timedelta(minutes=15 * n) for n in range(number)]


# Two hours before and after the hour that Paris has twice.
AUTUMN = local_quarters(datetime(2024, 10, 26, 22, tzinfo=UTC), 24)


def autumn_rows(order: list[int], value: Any = float, **settings: Any) -> str:
    """A delivery of AUTUMN in an order of its rows; `value` by their number."""
    lines = [f"{AUTUMN[n].astimezone(PARIS):%Y-%m-%d %H:%M};{value(n)}" for n in order]
    return "t;P\n" + "\n".join(lines) + "\n"


RIGHT = [(at, float(n)) for n, at in enumerate(AUTUMN)]
IN_ORDER = {"zone": "Europe/Paris", "ambiguous_hour": "in_order"}
OLD_FIRST = list(range(24))
# Of the hour first all stamps once, or each stamp twice.
PAIRED = [*range(8), *(n for q in range(4) for n in (8 + q, 12 + q)), *range(16, 24)]


@pytest.mark.parametrize("order", [OLD_FIRST, OLD_FIRST[::-1], PAIRED, PAIRED[::-1]])
def test_the_order_of_a_file_tells_the_hours_from_old_to_new_and_from_new_to_old(
    tmp_path: Path, order: list[int]
) -> None:
    rows, summary = delivered(tmp_path, autumn_rows(order), IN_ORDER)
    assert rows.select("timestamp", "active_power_kw").rows() == RIGHT
    assert summary.notes == {"stamps of a repeated hour given to the skipped or the second one": 4}


def test_assets_of_one_file_may_run_in_different_orders(tmp_path: Path) -> None:
    lines = autumn_rows(OLD_FIRST).splitlines()
    back = autumn_rows(OLD_FIRST[::-1]).splitlines()
    text = (
        "\n".join(["t;P;unit", *(f"{line};A" for line in lines[1:]), *(f"{line};B" for line in back[1:])])
        + "\n"
    )
    rows, _ = delivered(tmp_path, text, IN_ORDER, asset={"column": "unit"})
    for asset in ("A", "B"):
        own = rows.filter(pl.col("asset_id") == asset)
        assert own.select("timestamp", "active_power_kw").rows() == RIGHT


def test_a_file_without_order_has_no_repeated_hour(tmp_path: Path) -> None:
    shuffled = [*range(6, 16), *range(6), *range(16, 24)]
    shuffled[0], shuffled[9] = shuffled[9], shuffled[0]
    rows, summary = delivered(tmp_path, autumn_rows(shuffled), IN_ORDER)
    assert set(rows["timestamp"]).isdisjoint(AUTUMN[8:16])
    assert [n for text, n in summary.notes.items() if "neither from old to new" in text] == [8]


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_spring_pair_is_given_back_whatever_the_order_of_the_file(
    tmp_path: Path, newest_first: bool
) -> None:
    lines = ["2024-03-31 01:30;0", "2024-03-31 03:00;1", "2024-03-31 03:30;2", "2024-03-31 03:00;3"]
    lines += ["2024-03-31 03:30;4", "2024-03-31 04:00;5"]
    text = "\n".join(["t;P", *(lines[::-1] if newest_first else lines), ""])
    rows, _ = delivered(tmp_path, text, {"zone": "+01:00", "spring_pairs": "Europe/Paris"})
    assert rows["active_power_kw"].to_list() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert rows["timestamp"].dt.to_string("%H:%M").to_list() == [
        "00:30",
        "01:00",
        "01:30",
        "02:00",
        "02:30",
        "03:00",
    ]


BY_VALUES = IN_ORDER | {"ambiguous_hour": "by_values"}


@pytest.mark.parametrize(
    "order", [OLD_FIRST, OLD_FIRST[::-1], [*range(8), *range(12, 16), *range(8, 12), *range(16, 24)]]
)
def test_the_values_tell_the_hours_where_they_go_on_without_a_jump(tmp_path: Path, order: list[int]) -> None:
    rows, _ = delivered(tmp_path, autumn_rows(order), BY_VALUES)
    assert rows.select("timestamp", "active_power_kw").rows() == RIGHT


def test_values_that_fit_both_ways_leave_their_rows_out(tmp_path: Path) -> None:
    def value(n: int) -> float:
        return 5.0 if n < 8 or n >= 16 else 5.0 + (1.0 if n < 12 else -1.0)

    rows, summary = delivered(tmp_path, autumn_rows(OLD_FIRST, value), BY_VALUES)
    assert rows.height == 16 and set(rows["timestamp"]).isdisjoint(AUTUMN[8:16])
    assert summary.notes == {"rows of a repeated hour that no value tells apart, set aside": 8}


def test_equal_values_of_both_hours_need_no_order(tmp_path: Path) -> None:
    rows, _ = delivered(tmp_path, autumn_rows(OLD_FIRST, lambda _: 0.0), BY_VALUES)
    assert rows.select("timestamp", "active_power_kw").rows() == [(at, 0.0) for at in AUTUMN]


def test_one_hour_alone_is_not_placed_by_values(tmp_path: Path) -> None:
    rows, summary = delivered(tmp_path, autumn_rows([*range(8), *range(12, 24)]), BY_VALUES)
    assert rows.height == 16
    assert summary.notes == {"rows of a repeated hour that no value tells apart, set aside": 4}


MARKED = {"column": "t", "zone": "Europe/Paris", "pattern": r"^(\S+ \S+)(?: \(?(?<marker>\w+)\)?)?$"}


@pytest.mark.parametrize("markers", [{"CEST": "+02:00", "CET": "+01:00"}, {"CEST": "first", "CET": "second"}])
def test_markers_tell_the_hour_that_comes_twice(markers: dict[str, str]) -> None:
    texts = ["2024-10-27 01:00", "2024-10-27 02:00 (CET)", "2024-10-27 02:00 (CEST)", "2024-10-27 03:00 CET"]
    right = ["2024-10-26 23:00", "2024-10-27 01:00", "2024-10-27 00:00", "2024-10-27 02:00"]
    assert found(texts, markers=markers, **MARKED) == right


def test_an_unmarked_repeated_hour_stays_an_error_and_a_wrong_marker_is_set_aside() -> None:
    markers = {"CEST": "+02:00", "CET": "+01:00"}
    with pytest.raises(MappingError, match="twice in autumn"):
        found(["2024-10-27 02:00"], markers=markers, **MARKED)
    wrong = ["2024-07-01 02:00 (CET)", "2024-10-27 02:00 (GMT)"]
    assert found(wrong, markers=markers, **MARKED) == [None, None]


def test_a_flag_in_a_column_of_its_own_is_a_marker_too() -> None:
    rows = {"day": ["2024-10-27"] * 3, "hour": ["2", "2", "3"], "again": [None, "Y", None]}
    settings = {
        "columns": ["day", "hour", "again"],
        "pattern": r"^(\S+ \d+) ?(?<marker>Y?)$",
        "markers": {"Y": "second"},
        "format": "%Y-%m-%d %H",
        "zone": "Europe/Paris",
        "ambiguous_hour": "earliest",
    }
    assert found(rows, **settings) == ["2024-10-27 00:00", "2024-10-27 01:00", "2024-10-27 02:00"]


def test_stamps_are_put_onto_the_grid_of_their_own_clock() -> None:
    settings = {"zone": "Australia/Adelaide", "interval_minutes": 60, "snap_minutes": 2}
    assert found(["2025-06-09 10:01", "2025-06-09 10:59"], **settings) == [
        "2025-06-09 00:30",
        "2025-06-09 01:30",
    ]


# Faults of a mapping


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"format": "%d/%m/%Y %H:%M - %d/%m/%Y %H:%M"}, "names the day 2 times.*timestamp.pattern"),
        ({"format": "%Y %y %m-%d %H"}, "names the year 2 times"),
        ({"format": "%F %d %H:%M"}, "names the day 2 times"),
        ({"format": "%Y-%m-%d %H:%I %p"}, "names the hour twice"),
        ({"format": "%Y-%m-%d %j %H"}, "names the day twice"),
        ({"format": "%d.%m. %H:%M"}, r"lacks year \(%Y\).*\{file\}"),
        ({"format": "%j %H%M"}, r"lacks year \(%Y\)"),
        ({"format": "%Y-%d %H:%M"}, r"lacks month \(%m\)"),
        ({"format": "%Y-%m-%d"}, r"lacks hour \(%H\)"),
        ({"format": "%Y-%m-%d %H::%S"}, r"lacks minute \(%M\)"),
        ({"format": "%Y-%m-%d %I:%M"}, "no %p that says which half"),
        ({"pattern": "("}, "no regular expression"),
        ({"pattern": "^.*$"}, "no group for the stamp"),
        ({"pattern": "(.*) (?<mark>.)"}, "mark: no such group; there are marker and period"),
        ({"pattern": "(.*) (?<marker>.)"}, "markers: needs a group"),
        ({"markers": {"A": "first"}}, "markers: needs a group"),
        (
            {"pattern": "(.*) (?<marker>.)", "markers": {"A": "third"}, "zone": "Europe/Paris"},
            "neither first, second",
        ),
        ({"pattern": "(.*) (?<marker>.)", "markers": {"A": "first"}}, "a zone with summer time"),
        ({"pattern": "(.*) (?<period>.)", "format": "%Y-%m-%d"}, "a period needs interval_minutes"),
        ({"pattern": "(.*) (?<period>.)", "interval_minutes": 30}, "names a clock, and a period tells"),
        ({"first_period": 0}, "first_period: needs a group"),
        ({"across": r"\d\d"}, 'across: is of no use: name "{time}"'),
        ({"column": "{time}"}, "needs timestamp.across"),
        ({"expression": "a"}, "give either column or columns, or expression"),
        ({"column": "", "expression": "a ||"}, "no SQL expression that can be read"),
    ],
)
def test_a_stamp_that_cannot_be_meant_is_a_fault_of_the_mapping(settings: dict[str, Any], said: str) -> None:
    assert re.search(said, faults(**settings)), faults(**settings)


def test_a_fault_of_the_format_comes_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "source: {files: x.csv}\ntimestamp:\n  column: t\n  zone: UTC\n  format: '%d.%m. %H:%M'\n"
        "asset: {constant: A}\ngeneration:\n  active_power_kw: {column: P, unit: kW}\n"
    )
    with pytest.raises(MappingError, match=r"line 5: timestamp: format: '%d\.%m\. %H:%M' lacks year"):
        import_files(path, tmp_path / "raw")


@pytest.mark.parametrize(
    ("channel", "across", "said"),
    [("{time} kW", None, "needs timestamp.across"), ("P", r"\d\d", "every time would get it")],
)
def test_channels_and_across_go_together(channel: str, across: str | None, said: str) -> None:
    timestamp = {
        "columns": ["day", *(["{time}"] if across else [])],
        "format": ISO,
        "zone": "UTC",
        "across": across,
    }
    content = {
        "source": {"files": "x"},
        "timestamp": timestamp,
        "asset": {"constant": "A"},
        "generation": {"active_power_kw": {"column": channel, "unit": "kW"}},
    }
    with pytest.raises(ValidationError, match=said):
        Mapping.model_validate(content)


def test_the_examples_of_the_guide_are_settings_that_work() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (REPO / "examples" / "MAPPING.md").read_text(), re.DOTALL)
    sections = [content for block in blocks if "timestamp" in (content := yaml.safe_load(block))]
    stamps = [Timestamp.model_validate(section["timestamp"]) for section in sections]
    assert len([stamp for stamp in stamps if stamp.pattern]) >= 4


@given(
    order=st.sampled_from([OLD_FIRST, OLD_FIRST[::-1], PAIRED, PAIRED[::-1]]), batch_rows=st.integers(1, 24)
)
@hypothesis_settings(max_examples=10, deadline=None)
def test_where_batches_end_within_a_pair_the_hours_stay(order: list[int], batch_rows: int) -> None:
    lines = autumn_rows(order).splitlines()[1:]
    rows = pl.DataFrame([line.split(";") for line in lines], ["t", "P"], orient="row")
    content = {
        "source": {"files": "x"},
        "timestamp": {"column": "t", "format": ISO, **IN_ORDER},
        "asset": {"constant": "A"},
        "generation": {"active_power_kw": {"column": "P", "unit": "kW"}},
    }
    mapping, notes = Mapping.model_validate(content), Notes()
    batches = [
        table_rows(SourceFrame("x", rows[start : start + batch_rows]), mapping, notes)["generation", "rows"]
        for start in range(0, rows.height, batch_rows)
    ]
    whole = assembled("generation", {(0, "rows"): pl.concat(batches)}, mapping, {}, notes)
    told = [(at, power) for at, power in whole.select("timestamp", "active_power_kw").rows()]
    # A batch of which no row tells the order follows the rule as it is stated.
    if batch_rows > 4:
        assert told == RIGHT
    assert len(told) == len(RIGHT)


def test_an_export_of_newest_first_laid_over_one_of_oldest_first_fills_the_same_hours(tmp_path: Path) -> None:
    def value(n: int) -> str:
        return "" if n % 3 else f"{n}.0"

    delivered(tmp_path, autumn_rows(OLD_FIRST), IN_ORDER)
    rows, _ = delivered(tmp_path, autumn_rows(OLD_FIRST[::-1], value), IN_ORDER)
    assert rows.select("timestamp", "active_power_kw").rows() == RIGHT
