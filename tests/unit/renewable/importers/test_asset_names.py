"""Laws of which assets a delivery is about: names by pattern, sources that append rows, columns that come and go."""

import zipfile
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from renewable.errors import MappingError
from renewable.importers.asset_settings import Asset
from renewable.importers.source import read_batches
from tests.unit.renewable.importers.reading import read

pytestmark = pytest.mark.unit
CLOCK = {"column": "time", "format": "%Y-%m-%d %H:%M", "zone": "UTC", "interval_minutes": 10}


def imported(place: Path, **changes: Any) -> tuple[list[tuple[str, str, float | None]], dict[str, int]]:
    """Asset, HH:MM and power of each row; and the notes."""
    content = {
        "source": {"files": "export*.csv"},
        "timestamp": CLOCK,
        "generation": {"active_power_kw": {"column": "power", "unit": "kW"}},
    } | changes
    tables, notes = read(place, content)
    rows = tables["generation"].sort("asset_id", "timestamp", maintain_order=True)
    stamps = pl.col("timestamp").dt.to_string("%H:%M")
    return rows.select("asset_id", stamps, "active_power_kw").rows(), notes


def write(path: Path, powers: list[str], header: str = "time,power", above: str = "") -> None:
    rows = "".join(f"2024-06-01 00:{10 * i:02},{power}\n" for i, power in enumerate(powers))
    path.write_text(f"{above}{header}\n{rows}")


TWO = [("WTG-1", "00:00", 1.0), ("WTG-2", "00:00", 2.0)]


@pytest.mark.parametrize("rename", [{"1": "WTG-1", "2": "WTG-2"}, "WTG-{asset}"])
def test_a_file_names_its_asset_in_its_name_or_above_its_header(tmp_path: Path, rename: Any) -> None:
    for number in "12":
        write(tmp_path / f"export_T{number}_2024.csv", [number], above=f"# Park: 9\n# Turbine: T {number}\n")
    source = {"files": "export*.csv", "skip_rows": 2}
    by_name, _ = imported(tmp_path, source=source, asset={"file_name": r"T(?P<asset>\d)_", "rename": rename})
    by_line, _ = imported(
        tmp_path, source=source, asset={"line": r"Turbine: T (?<asset>\d+)$", "rename": rename}
    )
    assert by_name == by_line == TWO


def test_a_member_of_a_zip_names_its_asset(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export_9.zip", "w") as archive:
        for number in "12":
            archive.writestr(f"T{number}.csv", f"time,power\n2024-06-01 00:00,{number}\n")
    asset = {"file_name": r"(?P<asset>\d+)\.csv$", "rename": "WTG-{asset}"}
    assert imported(tmp_path, source={"files": "*.zip", "members": "*"}, asset=asset)[0] == TWO


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        (r"Unit: (?P<asset>\w+)", r"asset\.line: .* finds no asset in 'Turbine: 1'; 'Turbine: 2'.*Mend"),
        (r"Turbine: (?P<asset>\d)", r"export\.csv: asset\.line: .* finds several assets \(1, 2\)"),
    ],
)
def test_a_file_that_names_no_asset_or_several_is_refused(tmp_path: Path, pattern: str, fault: str) -> None:
    write(tmp_path / "export.csv", ["1"], above="Turbine: 1\nTurbine: 2\n")
    with pytest.raises(MappingError, match=fault):
        imported(tmp_path, source={"files": "export.csv", "skip_rows": 2}, asset={"line": pattern})


def test_the_pattern_takes_the_asset_out_of_the_text_of_each_row(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "time,tag,power\n2024-06-01 00:00,p1.Power,1\n2024-06-01 00:00,p2.Power,2\n2024-06-01 00:00,total,3\n"
    )
    asset = {"column": "tag", "pattern": r"^p(?P<asset>\d)\.", "rename": "WTG-{asset}"}
    lenient = {"files": "export.csv", "unreadable_rows_ratio": 0.4}
    found, notes = imported(tmp_path, asset=asset, source=lenient)
    assert found == TWO
    assert notes == {"rows 'total' of column tag set aside (name no asset by asset.pattern)": 1}
    with pytest.raises(MappingError, match=r"column tag: 1 of 3 rows name no asset.*'total' in row 4"):
        imported(tmp_path, asset=asset)


@pytest.mark.parametrize(
    ("asset", "fault"),
    [
        ({"file_name": "T1"}, "does not say which part is the asset"),
        ({"line": "(?P<asset>"}, "no regular expression"),
        ({"constant": "a", "pattern": "(?P<asset>.)"}, "pattern needs column"),
        ({"column": "a", "rename": "WTG"}, "gives all assets one name"),
        ({"column": "a", "rename": "W{asset}", "combine": "sum"}, "combine needs rename, or expected"),
    ],
)
def test_patterns_that_cannot_work_are_faults_of_the_mapping(asset: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Asset.model_validate(asset)


def part(name: str, asset: str, **channels: str) -> dict[str, Any]:
    return {
        "source": {"files": name},
        "timestamp": CLOCK,
        "asset": {"constant": asset},
        "generation": {target: {"column": column, "unit": "kW"} for target, column in channels.items()},
    }


def test_sources_of_one_channel_append_their_rows_in_any_order(tmp_path: Path) -> None:
    powers = {"a": ["1", "2"], "b": ["", "3", "4"], "c": ["5"]}
    for name, cells in powers.items():
        write(tmp_path / f"{name}.csv", cells)
    parts = [part("a.csv", "A", active_power_kw="power"), part("b.csv", "B", active_power_kw="power")]
    # The same asset again: its empty cells contradict nothing.
    parts.append(part("c.csv", "B", active_power_kw="power"))
    right = [
        ("A", "00:00", 1.0),
        ("A", "00:10", 2.0),
        ("B", "00:00", 5.0),
        ("B", "00:10", 3.0),
        ("B", "00:20", 4.0),
    ]
    for first, *others in permutations(parts):
        found, notes = imported(tmp_path, **first, also=others)
        assert (found, notes) == (right, {})


def test_where_two_sources_differ_that_value_alone_is_empty_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,power,limit\n2024-06-01 00:00,1,7\n2024-06-01 00:10,2,8\n")
    write(tmp_path / "b.csv", ["1", "3"])
    both = part("a.csv", "A", active_power_kw="power", curtailment_limit_kw="limit")
    tables, notes = read(tmp_path, both | {"also": [part("b.csv", "A", active_power_kw="power")]})
    assert tables["generation"]["active_power_kw"].to_list() == [1.0, None]
    assert tables["generation"]["curtailment_limit_kw"].to_list() == [7.0, 8.0]
    assert notes == {"values of active_power_kw left empty, as two sources differ": 1}


def test_rows_of_one_key_within_a_source_are_left_to_the_gate(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,power\n2024-06-01 00:00,1\n2024-06-01 00:00,2\n")
    write(tmp_path / "b.csv", ["9"])
    found, _ = imported(
        tmp_path,
        **part("a.csv", "A", active_power_kw="power"),
        also=[part("b.csv", "B", active_power_kw="power")],
    )
    assert found == [("A", "00:00", 1.0), ("A", "00:00", 2.0), ("B", "00:00", 9.0)]


def test_columns_that_come_later_are_empty_before_and_assets_without_any_have_no_row(tmp_path: Path) -> None:
    write(tmp_path / "export_1.csv", ["1"], header="time,A P")
    (tmp_path / "export_2.csv").write_text("time,B P,t,A P,A L\n2024-06-01 00:10,3,20,2,9\n")
    optional = {
        "active_power_kw": {"column": "{asset} P", "unit": "kW", "optional": True},
        "curtailment_limit_kw": {"column": "{asset} L", "unit": "kW", "optional": True},
    }
    found, notes = imported(tmp_path, asset={"wide": {"A": "A", "B": "B"}}, generation=optional)
    assert found == [("A", "00:00", 1.0), ("A", "00:10", 2.0), ("B", "00:10", 3.0)]
    assert notes == {
        "file(s) without the optional column A L": 1,
        "file(s) without the optional column B P": 1,
        "file(s) without the optional column B L": 2,
    }
    with pytest.raises(MappingError, match=r"export_1\.csv: the mapping names column\(s\) B P"):
        imported(
            tmp_path,
            asset={"wide": {"A": "A", "B": "B"}},
            generation={"active_power_kw": {"column": "{asset} P", "unit": "kW"}},
        )


def test_an_optional_column_that_another_channel_needs_is_needed(tmp_path: Path) -> None:
    write(tmp_path / "export.csv", ["1"])
    generation = {
        "active_power_kw": {"column": "other", "unit": "kW"},
        "curtailment_limit_kw": {"column": "other", "unit": "kW", "optional": True},
    }
    with pytest.raises(MappingError, match="names column"):
        imported(tmp_path, asset={"constant": "A"}, generation=generation)


def test_a_file_with_none_of_the_optional_columns_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "export.csv", ["1"], header="time,Power")
    generation = {"active_power_kw": {"column": "power", "unit": "kW", "optional": True}}
    with pytest.raises(MappingError, match=r"export\.csv: has none of the mapping's optional columns: power"):
        imported(tmp_path, asset={"constant": "A"}, generation=generation)


def test_a_column_that_is_called_otherwise_in_some_files_is_one(tmp_path: Path) -> None:
    write(tmp_path / "export_1.csv", ["1"], header="time,P")
    (tmp_path / "export_2.csv").write_text("power,time\n2,2024-06-01 00:10\n")
    source: dict[str, Any] = {"files": "export*.csv", "rename": {"P": "power", "Power": "power"}}
    found, _ = imported(tmp_path, asset={"constant": "A"}, source=source)
    assert found == [("A", "00:00", 1.0), ("A", "00:10", 2.0)]
    (tmp_path / "export_3.csv").write_text("power,P,time\n2,3,2024-06-01 00:20\n")
    with pytest.raises(MappingError, match=r"export_3\.csv: source\.rename gives power to several"):
        imported(tmp_path, asset={"constant": "A"}, source=source)
    with pytest.raises(MappingError, match="rename leads to names that it renames: power"):
        imported(tmp_path, asset={"constant": "A"}, source=source | {"rename": {"P": "power", "power": "x"}})


def of_meters(asset: dict[str, Any], keep: str) -> dict[str, Any]:
    """A mapping of records of meters (200) above those of their readings (300)."""
    return {
        "source": {"files": "export*.csv", "header_rows": 0, "columns": ["record", "a", "b"], "keep": keep},
        "timestamp": CLOCK | {"column": "a"},
        "asset": asset,
        "generation": {"active_power_kw": {"column": "b", "unit": "kW"}},
    }


METERS = """100,NEM12
200,NMI1,kWh
300,2024-06-01 00:00,1
300,2024-06-01 00:10,2
200,NMI2,kWh
300,2024-06-01 00:00,3
400,1,A
300,2024-06-01 00:10,4
900
"""


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_the_closest_row_above_names_the_asset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(read_batches, "__defaults__", (None, batch))
    for number in "12":
        # The second file has meters of its own: nothing of the first one lies above them.
        (tmp_path / f"export{number}.csv").write_text(METERS.replace("NMI", f"NMI{number}"))
    asset = {"column": "a", "above": "record = '200'", "pattern": r"NMI(?P<asset>\d+)"}
    settings = of_meters(asset, "record = '300'")
    found, notes = imported(tmp_path, **settings)
    assert found == [
        (meter, stamp, power)
        for meter, powers in (("11", (1.0, 2.0)), ("12", (3.0, 4.0)), ("21", (1.0, 2.0)), ("22", (3.0, 4.0)))
        for stamp, power in zip(("00:00", "00:10"), powers, strict=True)
    ]
    assert set(notes) == {"rows left out by source.keep"}
    (tmp_path / "export1.csv").write_text("300,2024-06-01 00:00,9\n" + METERS)
    with pytest.raises(MappingError, match="1 of 5 rows have no row above that names their asset"):
        imported(tmp_path, **settings)


def test_a_row_above_names_the_asset_of_all_times_of_a_day_in_a_row(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "100,NEM12\n200,NMI1\n300,20240601,1,2\n200,NMI2\n300,20240601,3,\n900\n"
    )
    found, _ = imported(
        tmp_path,
        source={
            "files": "export.csv",
            "header_rows": 0,
            "columns": ["record", "day", "00:00", "00:10"],
            "keep": "record = '300'",
        },
        timestamp={
            "columns": ["day", "{time}"],
            "across": r"\d\d:\d\d",
            "format": "%Y%m%d %H:%M",
            "zone": "UTC",
            "interval_minutes": 10,
        },
        asset={"column": "day", "above": "record = '200'"},
        generation={"active_power_kw": {"column": "{time}", "unit": "kW"}},
    )
    assert found == [("NMI1", "00:00", 1.0), ("NMI1", "00:10", 2.0), ("NMI2", "00:00", 3.0)]


METERS_OF_CHANNELS = """\
200,NMI1,E1
300,2024-06-01 00:00,7
200,NMI1,B1
300,2024-06-01 00:00,1
200,NMI2,B1
300,2024-06-01 00:00,2
"""


def test_several_cells_of_a_row_above_name_the_asset_and_choose_the_rows(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(METERS_OF_CHANNELS)
    asset = {"columns": ["a", "b"], "above": "record = '200'", "pattern": r"(?P<asset>\S+) B1"}
    settings = of_meters(asset, "record = '300' AND \"{above}\" LIKE '% B1'")
    found, notes = imported(tmp_path, **settings)
    assert found == [("NMI1", "00:00", 1.0), ("NMI2", "00:00", 2.0)]
    assert notes == {"rows left out by source.keep": 4}
    settings["asset"] = {"columns": ["a", "b"]}
    with pytest.raises(MappingError, match=r"source.keep: \{above\} is what asset.above finds"):
        imported(tmp_path, **settings)


def test_several_columns_of_a_row_name_its_asset(tmp_path: Path) -> None:
    rows = "FR,Solar,1\nFR,Wind,2\nDE,Solar,3\nDE,,4\n"
    (tmp_path / "export.csv").write_text(
        "time,area,kind,power\n"
        + rows.replace("FR", "2024-06-01 00:00,FR").replace("DE", "2024-06-01 00:00,DE")
    )
    found, _ = imported(tmp_path, asset={"columns": ["area", "kind"], "rename": {"FR Solar": "sun"}})
    assert [(asset, power) for asset, _, power in found if asset] == [
        ("DE Solar", 3.0),
        ("FR Wind", 2.0),
        ("sun", 1.0),
    ]


def test_blanks_around_a_name_in_the_header_are_no_matter_where_it_is_the_only_one(tmp_path: Path) -> None:
    write(tmp_path / "export.csv", ["1"], header="time , power")
    assert imported(tmp_path, asset={"constant": "A"})[0] == [("A", "00:00", 1.0)]
    (tmp_path / "export.csv").write_text("time,power ,  power\n2024-06-01 00:00,1,2\n")
    with pytest.raises(MappingError, match="names column"):
        imported(tmp_path, asset={"constant": "A"})
