"""Laws of tables in texts: whatever shape a delivery gives to the same rows, the import is the same."""

import gzip
import json
import sqlite3
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
import xlsxwriter

from renewable.errors import MappingError
from renewable.importers import source
from renewable.importers.encoding import recognised
from renewable.importers.markup_table import largest_table
from renewable.importers.source_settings import Source
from renewable.importers.text_table import header_of, text_table
from tests.unit.renewable.importers.reading import read

pytestmark = pytest.mark.unit
ROWS = [
    ("2024-06-01 00:00", "1.5", "20"),
    ("2024-06-01 00:10", "", "21"),
    ("2024-06-01 00:20", "2.25", "22"),
    ("2024-06-01 00:30", "-0.125", ""),
]
TIME, POWER, TEMPERATURE = "Zeit", "Leistung [kW]", "Außen (°C)"
CHANNELS = ("active_power_kw", "curtailment_limit_kw")


def settings(**changes: Any) -> dict[str, Any]:
    columns = {"time": TIME, "power": POWER, "temperature": TEMPERATURE} | changes.pop("named", {})
    return {
        "source": {"files": "export*", "delimiter": ";"} | changes.pop("source", {}),
        "timestamp": {"column": columns["time"], "format": "%Y-%m-%d %H:%M", "zone": "UTC"},
        "asset": {"constant": "T1"},
        "generation": {"active_power_kw": {"column": columns["power"], "unit": "kW"}},
        "weather": {"air_temperature_c": {"column": columns["temperature"], "unit": "degC"}},
    } | changes


def imported(place: Path, content: dict[str, Any]) -> tuple[list[Any], dict[str, int]]:
    """Stamps, assets, powers and temperatures; and the notes."""
    tables, notes = read(place, content)
    both = tables["generation"].join(
        tables["weather"], on=["asset_id", "timestamp"], how="full", coalesce=True
    )
    rows = both.with_columns(pl.col("timestamp").dt.to_string("%Y-%m-%d %H:%M")).sort("asset_id", "timestamp")
    return rows.select("timestamp", "asset_id", "active_power_kw", "air_temperature_c").rows(), notes


RIGHT = [
    (time, "T1", float(power) if power else None, float(degrees) if degrees else None)
    for time, power, degrees in ROWS
]


def text(
    header: str = f"{TIME};{POWER};{TEMPERATURE}", before: str = "", after: str = "", end: str = ""
) -> str:
    return before + header + "\n" + after + "".join(";".join(row) + end + "\n" for row in ROWS)


def aligned() -> str:
    rows = (f" {time.replace(' ', '  ')} {p or '-999'}\t{t or '-999'} \n" for time, p, t in ROWS)
    return " Station 7\n 40.1 -88.4 213 m\n" + "".join(rows)


SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": (text(), {}),
    "trailing delimiters in the rows": (text(end=";"), {}),
    "trailing delimiters everywhere": (text(f"{TIME};{POWER};{TEMPERATURE};;", end=";;"), {}),
    "lines above the header": (text(before="a\n\nb;c;d;e\n"), {"source": {"skip_rows": 3}}),
    "header by its text": (text(before="Zeit is a word\n\nb;c;d;e;f\n"), {"source": {"header_text": POWER}}),
    "comments above and between": (
        text(before="# a;b;c;d;e;f\n#\n", after="# more\n"),
        {"source": {"comment_prefix": "#"}},
    ),
    "the header is a comment": (
        text(f"# {TIME};{POWER};{TEMPERATURE}", before="#\n# Zeit zone: UTC\n"),
        {"source": {"comment_prefix": "#", "header_text": TIME}},
    ),
    "three lines of header": (
        text(f"{TIME};P;T\n;Leistung;Außen\n;[kW];(°C)"),
        {"source": {"header_rows": 3}, "named": {"power": f"P {POWER}", "temperature": f"T {TEMPERATURE}"}},
    ),
    "lines of header under others, units below": (
        text(f"{TIME};P;T\n;A;B", before="x\n", after="yyyy;kW;°C\n"),
        {
            "source": {"header_rows": 2, "header_text": "P", "skip_rows_after_header": 1},
            "named": {"power": "P A", "temperature": "T B"},
        },
    ),
    "no header": (
        "".join(";".join(row) + "\n" for row in ROWS),
        {
            "source": {"header_rows": 0},
            "named": {"time": "column_1", "power": "column_2", "temperature": "column_3"},
        },
    ),
    "no header, some names": (
        text(),
        {
            "source": {"header_rows": 0, "skip_rows": 1, "columns": [TIME, "p"]},
            "named": {"power": "p", "temperature": "column_3"},
        },
    ),
    "columns aligned with blanks": (
        aligned(),
        {
            "source": {
                "delimiter": "blanks",
                "header_rows": 0,
                "skip_rows": 2,
                "columns": ["day", "clock", "p", "t"],
                "null_markers": ["-999"],
            },
            "timestamp": {"columns": ["day", "clock"], "format": "%Y-%m-%d %H:%M", "zone": "UTC"},
            "named": {"power": "p", "temperature": "t"},
        },
    ),
    "quoted once more": (
        text().replace("1.5", '"=""1.5"""').replace("2.25", "'2.25").replace("-0.125", "\u22120.125"),
        {},
    ),
    "both decimal marks": (text().replace("1.5", "1,5"), {"source": {"decimal_comma": "either"}}),
    "other kinds of record": (
        "C;x;1\nI;OTHER;a;b;c;d;e\nD;OTHER;1;2;3;4;5;6;7;8;9;10;11\nI;OURS;"
        + text().replace("\n", "\nD;OURS;").removesuffix("D;OURS;")
        + "C;END\n",
        {"source": {"header_text": POWER, "keep": "\"I\" = 'D' AND \"OURS\" = 'OURS'"}},
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shape_of_a_text_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    monkeypatch.setattr(source.read_batches, "__defaults__", (None, 2))
    content, changes = SHAPES[shape]
    (tmp_path / "export.csv").write_text(content, encoding="utf-8")
    found, notes = imported(tmp_path, settings(**dict(changes)))
    assert found == RIGHT
    assert set(notes) <= {"rows left out by source.keep"}


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp850"],
)
def test_the_encoding_of_a_text_is_recognised(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "export.csv").write_bytes(text().encode(encoding))
    assert imported(tmp_path, settings())[0] == RIGHT


def test_a_byte_order_mark_is_believed_before_the_mapping(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_bytes(text().encode("utf-16"))
    assert imported(tmp_path, settings(source={"encoding": "cp1252"}))[0] == RIGHT


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("W/m²;°C;– €", "cp1252"),
        ("Température extérieure (°C);État", "cp1252"),
        ("Stan urządzenia;błąd", "cp1250"),
        ("Мощность;Время", "cp1251"),
        ("时间;功率", "gb18030"),
    ],
)
def test_names_of_the_mapping_tell_an_encoding_that_few_signs_leave_open(
    tmp_path: Path, words: str, encoding: str
) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes((words + "\n" + "2024-01-01;1.5;ok\n" * 50).encode(encoding))
    assert path.read_bytes().decode(recognised(path, words.split(";"))).startswith(words)


def sqlite_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f'CREATE TABLE "my data" ("{TIME}" TEXT, "{POWER}" REAL, "{TEMPERATURE}")')
        connection.executemany(
            'INSERT INTO "my data" VALUES (?, ?, ?)',
            [(t, float(p) if p else None, d or None) for t, p, d in ROWS],
        )


def duckdb_file(path: Path) -> None:
    import duckdb

    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f'CREATE TABLE a ("{TIME}" TEXT, "{POWER}" DECIMAL(9, 3), "{TEMPERATURE}" INTEGER)'
        )
        for time, power, degrees in ROWS:
            connection.execute("INSERT INTO a VALUES (?, ?, ?)", [time, power or None, degrees or None])


def json_records() -> list[dict[str, Any]]:
    return [
        {TIME: t} | ({POWER: float(p)} if p else {}) | {"of": {TEMPERATURE: d or None}} for t, p, d in ROWS
    ]


def json_file(path: Path) -> None:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in json_records()))


def json_list(path: Path) -> None:
    path.write_text(json.dumps(json_records(), ensure_ascii=False, indent=1))


def json_in_object(path: Path) -> None:
    """As interfaces of portals answer: the list lies deep within one object."""
    answer = {"ok": True, "of": {"unit": "kW", "none": [], "values": json_records(), "tags": ["a", "b"]}}
    path.write_text(json.dumps(answer, ensure_ascii=False, indent=1))


def json_in_a_line(path: Path) -> None:
    path.write_text(json.dumps({"data": json_records()}, ensure_ascii=False))


def json_of_lists(path: Path) -> None:
    """Columns beside one another, as weather services answer."""
    times, powers, degrees = zip(*ROWS, strict=True)
    columns = {
        TIME: times,
        POWER: [float(p) if p else None for p in powers],
        f"of.{TEMPERATURE}": [float(d) if d else None for d in degrees],
    }
    path.write_text(json.dumps({"unit": "kW", "hourly": columns}, ensure_ascii=False))


def json_within_rows(path: Path) -> None:
    """A list of rows in an object of a list, as of each device."""
    path.write_text(json.dumps({"series": [{"device": "T1", "points": json_records()}]}, ensure_ascii=False))


def excel_file(path: Path) -> None:
    with xlsxwriter.Workbook(path.with_suffix(".xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write(1, 0, "Station")
        for place, cells in enumerate(
            zip(f"{TIME};Leistung;Außen".split(";"), ["", "[kW]", "(°C)"], strict=True)
        ):
            sheet.write(3, place, cells[0])
            sheet.write(4, place, cells[1])
        for number, row in enumerate(ROWS):
            for place, cell in enumerate(row):
                sheet.write(5 + number, place, float(cell) if cell and place else cell)


def page(path: Path) -> None:
    """As portals give away under the name .xls: a page around a table, with a small one before it and inside a cell."""
    head = "<tr><th>Plant</th><th colspan=2>A &amp; B</th></tr>"
    names = "".join(f"<TH>{name}</TH>" for name in (TIME, POWER, TEMPERATURE))
    rows = "".join(
        f"<tr class=x><td>{t}<td align='right'>\n{p}\n</td><td>{d}<!-- no --></td></tr>" for t, p, d in ROWS
    )
    path.with_suffix(".xls").write_text(
        f"<!DOCTYPE html>\n<html><head><title>x</title></head><body><table><tr><td>1</td></tr></table>"
        f"<TABLE border=1>{head}<tr>{names}</tr>{rows}</TABLE></body></html>",
        encoding="cp1252",
    )


def xml_workbook(path: Path) -> None:
    """Of 2003. A cell says where it stands when empty ones were left out before it."""

    def row(cells: Sequence[str]) -> str:
        filled = (
            f'<Cell ss:Index="{place}"><Data ss:Type="String">{cell}</Data></Cell>'
            for place, cell in enumerate(cells, 1)
            if cell
        )
        return f"<Row>{''.join(filled)}</Row>"

    rows = "".join(map(row, [(TIME, POWER, TEMPERATURE), *ROWS]))
    path.write_text(
        '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
        ' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Worksheet ss:Name="a"><Table>{rows}</Table></Worksheet></Workbook>'
    )


def old_line_ends(path: Path) -> None:
    path.write_bytes(text().replace("\n", "\r").encode("cp1252"))


OF_PAGE = {"source": {"delimiter": ",", "header_text": TIME}}
OF_JSON = {"named": {"temperature": f"of.{TEMPERATURE}"}}


@pytest.mark.parametrize(
    ("write", "changes"),
    [
        (sqlite_file, {}),
        (duckdb_file, {"source": {"table": "a"}}),
        (json_file, OF_JSON),
        (json_list, OF_JSON),
        (json_in_object, OF_JSON),
        (json_in_a_line, OF_JSON),
        (json_of_lists, OF_JSON),
        (
            json_within_rows,
            {
                "named": {
                    "time": f"points.{TIME}",
                    "power": f"points.{POWER}",
                    "temperature": f"points.of.{TEMPERATURE}",
                }
            },
        ),
        (page, OF_PAGE),
        (xml_workbook, OF_PAGE),
        (old_line_ends, {}),
        (excel_file, {"source": {"header_text": TIME, "header_rows": 2}}),
        (excel_file, {"source": {"skip_rows": 3, "header_rows": 2}}),
    ],
)
def test_a_table_elsewhere_is_that_of_the_text(
    tmp_path: Path, write: Callable[[Path], None], changes: dict[str, Any]
) -> None:
    write(tmp_path / "export")
    assert imported(tmp_path, settings(**dict(changes)))[0] == RIGHT


def test_an_object_with_several_lists_of_objects_is_refused_with_their_names(tmp_path: Path) -> None:
    (tmp_path / "export").write_text(json.dumps({"a": json_records(), "b": {"c": json_records()}}))
    with pytest.raises(MappingError, match=r"holds several lists of objects \(a, b.c\)"):
        imported(tmp_path, settings(**OF_JSON))


def test_a_page_without_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "export").write_text("<html><body>Your session has ended.</body></html>")
    with pytest.raises(MappingError, match="is a page without a table"):
        imported(tmp_path, settings())


def test_one_of_several_tables_has_to_be_named(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "export")) as connection, connection:
        connection.execute("CREATE TABLE a (x)")
        connection.execute("CREATE VIEW b AS SELECT x FROM a")
    with pytest.raises(MappingError, match=r"has 2 tables \(a, b\); say which by source.table"):
        imported(tmp_path, settings())
    with pytest.raises(MappingError, match=r"has no table 'c', only a, b"):
        imported(tmp_path, settings(source={"table": "c"}))


def test_members_of_a_zip_are_files_of_their_own(tmp_path: Path) -> None:
    first, second = (f"{TIME};{POWER};{TEMPERATURE}\n" + ";".join(row) + "\n" for row in ROWS[:2])
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("in/b.csv", second.encode("utf-16"))
        archive.writestr("in/a.csv", first)
        archive.writestr("readme.txt", "no table")
    assert imported(tmp_path, settings(source={"members": "*.csv"}))[0] == RIGHT[:2]
    with pytest.raises(MappingError, match=r"holds 3 files \(in/a.csv, .*source.members"):
        imported(tmp_path, settings())
    with pytest.raises(MappingError, match=r"'\*.dat' matches none of its 3 files"):
        imported(tmp_path, settings(source={"members": "*.dat"}))


def test_packed_texts_are_recognised_as_unpacked_ones(tmp_path: Path) -> None:
    (tmp_path / "export.gz").write_bytes(gzip.compress(text(before="x\n").encode("utf-16")))
    assert imported(tmp_path, settings(source={"header_text": TIME}))[0] == RIGHT


def test_rows_with_more_cells_are_set_aside_never_cut(tmp_path: Path) -> None:
    # A decimal comma without quotes: 1,5 is two cells.
    rows = text().replace(";", ",")
    (tmp_path / "export.csv").write_text(rows.replace("2.25", "2,25"))
    lenient = {"delimiter": ",", "unreadable_rows_ratio": 0.3}
    found, notes = imported(tmp_path, settings(source=lenient))
    assert found == [RIGHT[0], RIGHT[1], RIGHT[3]]
    assert notes == {"rows '22' of column beyond the last set aside (have more cells than the header)": 1}
    with pytest.raises(MappingError, match=r"1 of 4 rows have more cells than the header.*'22' in row 4"):
        imported(tmp_path, settings(source={"delimiter": ","}))


def test_a_cell_that_is_missing_between_blanks_sets_the_row_aside(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("t p x\n2024-06-01T00:00 1 2\n2024-06-01T00:10 2\n")
    content = settings(
        named={"power": "p", "temperature": "x"},
        timestamp={"column": "t", "format": "%Y-%m-%dT%H:%M", "zone": "UTC"},
        source={"delimiter": "blanks", "unreadable_rows_ratio": 0.5},
    )
    found, notes = imported(tmp_path, content)
    assert [row[2] for row in found] == [1.0]
    assert sum(notes.values()) == 1


def test_a_header_that_is_not_there_is_named_with_what_is(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(text(before="Station 7\n"))
    with pytest.raises(
        MappingError, match=r"none of its .* lines has the cell 'Datum'.*begins with 'Station 7'"
    ):
        imported(tmp_path, settings(source={"header_text": "Datum"}))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"header_text": "a", "skip_rows": 2}, "header_text finds the header"),
        ({"columns": ["a"]}, "columns are for files without a header"),
        ({"columns": ["a", "a"], "header_rows": 0}, "columns names one column twice"),
        ({"delimiter": "tabs"}, "or the word blanks"),
        ({"decimal_comma": "either", "thousands": "."}, "is the decimal mark too"),
    ],
)
def test_settings_that_contradict_each_other_are_faults(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Source.model_validate({"files": "x"} | changes)


def test_names_that_come_again_or_are_blank_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,,a,b,a,\n1,2,3,4,5,6\n")
    table = text_table(tmp_path / "t.csv", "t.csv", Source(files="t.csv"))
    names = ["a", "column_2", "a_duplicated_0", "b", "a_duplicated_1", "column_6"]
    assert (
        table.frame.collect().rows(named=True)[0].items() >= dict(zip(names, "123456", strict=True)).items()
    )


def test_an_export_at_a_url_is_that_of_a_file(tmp_path: Path) -> None:
    place = fsspec.filesystem("memory")
    with place.open("/deliveries/export_1.csv", "wb") as file:
        file.write(text().encode())
    content = settings(source={"files": "memory://deliveries/export_*.csv"})
    assert imported(tmp_path, content)[0] == RIGHT
    with pytest.raises(MappingError, match="matches no file"):
        imported(tmp_path, settings(source={"files": "memory://deliveries/other_*.csv"}))
    with pytest.raises(MappingError, match=r"'nowhere://a\.csv' cannot be fetched"):
        imported(tmp_path, settings(source={"files": "nowhere://a.csv"}))


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["t;A;;B;;", ";P;W;P;W;"], ["t", "A P", "A W", "B P", "B W", "column_6"]),
        (["t;A;;;B", ";x;;y;", ";1;2;1;2"], ["t", "A x 1", "A x 2", "A y 1", "B 2"]),
        (["t;P;T", ";kW;"], ["t", "P kW", "T"]),
    ],
)
def test_a_cell_of_the_header_that_spans_columns_names_all_of_them(
    lines: list[str], names: list[str]
) -> None:
    rows = ((line.split(";"), number) for number, line in enumerate(lines, 1))
    assert header_of("x", rows, Source(files="x", header_rows=len(lines))).names == names


def test_cells_of_a_page_that_span_rows_and_columns_leave_the_others_in_their_columns() -> None:
    rows = (
        "<tr><th rowspan=2>Zeit<th colspan=2>WEA1<th rowspan='2'>x</tr><tr><th>Wind<th>P</tr>"
        "<tr><td>1<td>2<td>3<td>4</tr>"
    )
    assert largest_table(f"<table>{rows}</table>") == [
        ["Zeit", "WEA1", "", "x"],
        ["", "Wind", "P", ""],
        ["1", "2", "3", "4"],
    ]
