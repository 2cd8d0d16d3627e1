"""A draft says what a file tells, and asks for the rest by choices that each make it a mapping."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from benchmarks.drafts import answered

from renewable.importers.asset_facts import AssetFacts
from renewable.importers.convert import import_files
from renewable.importers.draft import draft_mapping
from renewable.importers.mapping import load_mapping

pytestmark = pytest.mark.unit
START = datetime(2024, 5, 14)
ASSETS = pl.DataFrame(
    {
        "asset_id": ["WTG-01", "WTG-02"],
        "timezone": ["Europe/Paris"] * 2,
        "interval_minutes": [15] * 2,
        "rated_power_kw": [2000.0] * 2,
    }
)


def table(form: str, row: str, minutes: int = 15, rows: int = 40) -> str:
    """Lines of stamps `form` apart by `minutes`; in `row` {t} is the stamp and {n} the number of the row."""
    times = (START + timedelta(minutes=minutes * n) for n in range(rows))
    return "".join(
        row.format(t=time.strftime(form), n=n, half=n + 0.5) + "\n" for n, time in enumerate(times)
    )


SHAPES = {
    "plain": "time,turbine,power_kw\n" + table("%Y-%m-%d %H:%M", "{t},WTG01,{n}"),
    "decimal comma": "Zeit;Anlage;Leistung [kW]\n" + table("%d.%m.%Y %H:%M", "{t};WTG-01;{n},5"),
    "preamble": 'Site: Hill\n\n"Date","Power (kW)"\n' + table("%m/%d/%Y %I:%M:%S %p", '"{t}","{n}"'),
    "comments": "# Turbine: 1\n#\n# Date and time,Wind speed (m/s),Power (kW)\n"
    + table("%Y-%m-%d %H:%M:%S", "{t},{half},{n}"),
    "three header lines": '"TOA5","X"\n"TIMESTAMP","RECORD","Pwr_Avg"\n"TS","RN","kW"\n"","","Avg"\n'
    + table("%Y-%m-%d %H:%M:%S", '"{t}",{n},{n}.5'),
    "no header": table("%Y %m %d %H %M", "{t} {half} {n}.25", minutes=1),
    "two clocks": "Date,Time,Energy (kWh)\n" + table("%Y/%m/%d,%H:%M", "{t},{n}.5"),
    "range": "MTU;Generation (MW)\n" + table("%d/%m/%Y %H:%M:%S", "{t} - {t};{n}"),
    "side by side": "Time;INV1 [kW];INV2 [kW]\n" + table("%d/%m/%Y %H:%M", "{t};{n};{n}.5"),
    "day in a row": "Day;"
    + ";".join(f"{h:02d}:00-{h + 1:02d}:00" for h in range(24))
    + "\n"
    + table("%d/%m/%Y", "{t}" + ";1,5" * 24, minutes=1440, rows=3),
    "hour only": "STATION;DATUM;TT\n" + table("%Y%m%d%H", "3987;{t};{half}", minutes=60),
    "offsets": "stamp,unit,value\n" + table("%Y-%m-%dT%H:%M:%S+02:00", "{t},WTG-02,{n}"),
    "epoch": "ts,power_w\n" + table("%s", "{t},{n}"),
    "irregular": "Time,Power(W)\n" + "".join(table("%Y-%m-%d %H:%M", "{t},{n}", m, 9) for m in (1, 7, 11)),
    "only a header": "time,unit,power\n",
    "one row": "time;unit;power\n2024-02-01 00:00;A1;1,5",
    "no time": "a,b\n" + "".join(f"x{n},{n}\n" for n in range(9)),
    "period": "Settlement Date,Settlement Period,Quantity MWh\n"
    + "".join(f"2024-05-{13 + n // 48},{1 + n % 48},{n}.5\n" for n in range(96)),
}


@pytest.mark.parametrize(
    ("shape", "registry"),
    [
        *((shape, ASSETS) for shape in SHAPES),
        *((shape, None) for shape in ("plain", "side by side", "no time")),
    ],
)
def test_each_choice_of_each_question_makes_a_draft_a_mapping(
    tmp_path: Path, shape: str, registry: pl.DataFrame | None
) -> None:
    (tmp_path / "export.csv").write_text(SHAPES[shape])
    draft = draft_mapping(tmp_path / "export.csv", registry)
    mapping = tmp_path / "mapping.yaml"
    # The n-th choice of each question, or its last.
    for number in (0, 1, 40):
        mapping.write_text(answered(draft, lambda _, choices, at=number: min(at, len(choices) - 1)))
        load_mapping(mapping)
    assert "TODO" in draft or shape == "epoch"


def drafted(place: Path, text: str, *wanted: str, name: str = "export.csv") -> tuple[str, pl.DataFrame]:
    """The draft, and the generation it gives where questions are answered by the wanted lines, else by the first."""
    (place / name).write_text(text)
    draft = draft_mapping(place / name, ASSETS)

    def choose(_: str, choices: list[str]) -> int:
        return next((at for at, choice in enumerate(choices) if any(word in choice for word in wanted)), 0)

    (place / "mapping.yaml").write_text(answered(draft, choose))
    import_files(place / "mapping.yaml", place / "raw", None, AssetFacts.of_registry(ASSETS))
    files = sorted((place / "raw" / "generation").glob("*.parquet"))
    return draft, pl.concat([pl.read_parquet(file) for file in files]).sort("asset_id", "timestamp")


def test_a_comma_before_decimals_is_seen_and_so_is_a_name_that_is_nearly_the_registrys(
    tmp_path: Path,
) -> None:
    text = "Zeit;Anlage;Leistung [kW]\n" + table("%d.%m.%Y %H:%M", "{t};WTG01;1.00{n},5", rows=9)
    draft, made = drafted(tmp_path, text)
    assert "decimal_comma: true" in draft and 'thousands: "."' in draft
    assert "asset: {column: Anlage, rename: {WTG01: WTG-01}}" in draft
    assert made["active_power_kw"].to_list() == [1000.5 + n for n in range(9)]


@pytest.mark.parametrize(("first", "asked"), [(1, True), (14, False)])
def test_day_and_month_are_asked_for_where_both_orders_fit(tmp_path: Path, first: int, asked: bool) -> None:
    rows = "".join(f"{first:02d}/05/2024 {hour:02d}:00,1\n" for hour in range(24))
    (tmp_path / "export.csv").write_text("Time,P [kW]\n" + rows)
    draft = draft_mapping(tmp_path / "export.csv", ASSETS)
    both = '# format: "%d/%m/%Y %H:%M"' in draft and '# format: "%m/%d/%Y %H:%M"' in draft
    assert both is asked and (asked or '  format: "%d/%m/%Y %H:%M"' in draft)


def test_months_first_are_told_by_the_order_of_days(tmp_path: Path) -> None:
    rows = "".join(f"05/{day:02d}/2024 {hour:02d}:00,1\n" for day in range(1, 13) for hour in range(24))
    (tmp_path / "export.csv").write_text("Time,P [kW]\n" + rows)
    assert '  format: "%m/%d/%Y %H:%M"' in draft_mapping(tmp_path / "export.csv", ASSETS)


@pytest.mark.parametrize(
    ("values", "name", "said"),
    [
        (lambda n: 12000 + n, "Total energy (kWh)", ["counter: {resets: never}"]),
        (lambda n: n % 24, "Energy today (kWh)", ["counter: {resets: daily}"]),
        (lambda n: 12000 + n, "Energy (kWh)", ["resets: never}", "resets: daily}", "unit: kWh}"]),
        (lambda n: n % 24, "Total (kWh)", ["resets: never}", "resets: daily}", "unit: kWh}"]),
        (lambda n: n, "EacToday(kWh)", ["counter: {resets: daily}"]),
        (lambda n: min(n % 24, 24 - n % 24), "Energy (kWh)", ["unit: kWh}"]),
    ],
    ids=[
        "only rises",
        "falls to 0 each day",
        "only rises, and the name does not say so",
        "a total that falls",
        "never falls yet",
        "rises and falls",
    ],
)
def test_a_counter_is_known_by_how_it_behaves(
    tmp_path: Path, values: Callable[[int], int], name: str, said: list[str]
) -> None:
    rows = "".join(f"{START + timedelta(hours=n):%Y-%m-%d %H:%M},{values(n)}\n" for n in range(72))
    (tmp_path / "export.csv").write_text(f"Time,{name}\n" + rows)
    draft = draft_mapping(tmp_path / "export.csv", ASSETS)
    lines = [line for line in draft.splitlines() if "active_power_kw" in line]
    assert len(lines) == len(said) and all(word in line for word, line in zip(said, lines, strict=True))


def test_units_are_read_in_the_header_and_production_below_zero_is_turned(tmp_path: Path) -> None:
    text = "Time,Consumed [Wh]\n" + table("%Y-%m-%d %H:%M", "{t},-{half}")
    draft, made = drafted(tmp_path, text)
    assert "unit: Wh" in draft and "sign: -1" in draft
    assert made["active_power_kw"][0] == pytest.approx(0.5 / 1000 * 4)


def test_files_of_one_kind_are_drafted_together(tmp_path: Path) -> None:
    for month, names in ((5, "INV1 [kW]"), (6, "INV1 [kW];INV2 [kW]")):
        row = "{t};{n};{n}" if month == 6 else "{t};{n}"
        (tmp_path / f"plant-{month}.csv").write_text(
            f"Time;{names}\n" + table(f"%d/{month:02d}/%Y %H:%M", row)
        )
    draft = draft_mapping([tmp_path / "plant-5.csv", tmp_path / "plant-6.csv"], ASSETS)
    assert 'files: "plant-*.csv"' in draft and "optional: true" in draft
    assert "# asset: {wide: {INV1: WTG-01, INV2: WTG-02}}" in draft
    assert "# asset: {wide: {INV1: WTG-01, INV2: WTG-01}, combine: sum}" in draft


def test_the_turbine_in_a_line_above_is_taken_from_there(tmp_path: Path) -> None:
    for turbine in (1, 2):
        text = f"# Turbine: Hill {turbine}\n#\n# Date,Power (kW)\n" + table("%Y-%m-%d %H:%M:%S", "{t},{n}")
        (tmp_path / f"x{turbine}.csv").write_text(text)
    draft = draft_mapping([tmp_path / "x1.csv", tmp_path / "x2.csv"], ASSETS)
    assert (
        'rename: {"Hill 1": WTG-01, "Hill 2": WTG-02}' in draft
        or "rename: {Hill 1: WTG-01, Hill 2: WTG-02}" in draft
    )


def test_texts_and_nines_that_are_no_value_are_listed(tmp_path: Path) -> None:
    rows = table("%Y-%m-%d %H:%M", "{t},{n}.5") + "2024-05-20 00:00,-999\n2024-05-20 00:15,No Data\n"
    draft, made = drafted(tmp_path, "Time,P [kW]\n" + rows)
    assert "null_markers: [No Data, " in draft and made["active_power_kw"].null_count() == 2


def test_a_status_beside_a_column_says_which_cells_are_good(tmp_path: Path) -> None:
    text = (
        "Time,P [kW],P [kW] status\n" + table("%Y-%m-%d %H:%M", "{t},{n},Good") + "2024-05-20 00:00,5,Bad\n"
    )
    draft, made = drafted(tmp_path, text)
    assert 'quality: {column: "P [kW] status", good: [Good]}' in draft
    assert made["active_power_kw"].null_count() == 1


def test_a_table_of_tags_becomes_a_source_for_each_kind(tmp_path: Path) -> None:
    rows = "".join(
        f"{START + timedelta(minutes=15 * n):%Y-%m-%d %H:%M};{tag};{unit};{n % 7},5\n"
        for n in range(40)
        for tag, unit in (
            ("WTG01.ActivePower", "kW"),
            ("WTG01.WindSpeed", "m/s"),
            ("WTG02.ActivePower", "kW"),
        )
    )
    draft, made = drafted(tmp_path, "Time;Tag;Unit;Value\n" + rows)
    assert (
        "rename: {WTG01: WTG-01, WTG02: WTG-02}" in draft
        and "wind_speed_ms: {column: Value, unit: m/s}" in draft
    )
    assert made["asset_id"].unique().sort().to_list() == ["WTG-01", "WTG-02"]
    assert made["active_power_kw"].head(40).to_list() == [n % 7 + 0.5 for n in range(40)]
    assert len(list((tmp_path / "raw" / "weather").glob("*.parquet"))) == 1


def test_a_log_of_alarms_beside_the_power_becomes_a_source_of_states(tmp_path: Path) -> None:
    (tmp_path / "scada.csv").write_text(
        "Turbine;Time;Power (kW)\n" + table("%Y-%m-%d %H:%M", "WTG-01;{t};{n}")
    )
    (tmp_path / "alarms.csv").write_text(
        "Turbine;Start;End;Code;Description\n"
        "WTG-01;2024-05-14 01:00:10;2024-05-14 03:00:00;3112;Pitch fault\n"
        "WTG-01;2024-05-14 05:00:00;;7001;Scheduled service\n"
    )
    draft = draft_mapping([tmp_path / "scada.csv", tmp_path / "alarms.csv"], ASSETS)
    assert (
        'states: {"3112": fault, Pitch fault: fault, "7001": maintenance, Scheduled service: maintenance}'
        in draft
    )
    (tmp_path / "mapping.yaml").write_text(answered(draft, lambda *_: 0))
    import_files(tmp_path / "mapping.yaml", tmp_path / "raw", None, AssetFacts.of_registry(ASSETS))
    made = pl.read_parquet(tmp_path / "raw" / "generation" / "*.parquet").sort("timestamp")
    assert (
        made["operating_state"][4:12].to_list() == ["fault"] * 8
        and made["operating_state"][20] == "maintenance"
    )


def test_a_file_of_another_kind_is_named_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "scada.csv").write_text(
        "Turbine;Time;Power (kW)\n" + table("%Y-%m-%d %H:%M", "WTG-01;{t};{n}")
    )
    (tmp_path / "prices.csv").write_text("Day,Price\n2024-05-14,5\n")
    draft = draft_mapping([tmp_path / "scada.csv", tmp_path / "prices.csv"], ASSETS)
    assert "draft them alone: prices.csv" in draft and "files: scada.csv" in draft


def test_an_asset_that_nobody_names_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "roof.csv").write_text("time,power_kw\n" + table("%Y-%m-%d %H:%M", "{t},{n}"))
    draft = draft_mapping(tmp_path / "roof.csv")
    assert "# TODO: which asset" in draft and "# asset: {constant: roof}" in draft


def test_lines_of_a_title_are_no_part_of_the_header(tmp_path: Path) -> None:
    rows = table("%Y-%m-%d %H:%M", "{t},{n}")
    draft, made = drafted(
        tmp_path, "Plant: Roof,Period: 2024\nTime,Energy\n[dd.MM.yyyy],[kWh]\n" + rows, "unit: kWh}"
    )
    assert 'column: "Time [dd.MM.yyyy]"' in draft and made.height == 40


def test_a_point_before_three_digits_is_asked_for_unless_other_numbers_tell(tmp_path: Path) -> None:
    export, mapping = tmp_path / "export.csv", tmp_path / "mapping.yaml"
    rows = [f"2024-05-14 00:{n}0,{power}" for n, power in enumerate(("958", "1.028", "966"))]
    export.write_text("\n".join(["time,power (kW)", *rows, ""]))
    draft = draft_mapping(export, ASSETS)
    assert "is the point a mark of thousands?" in draft
    for chosen, power in (("decimals", 1.028), ("thousands", 1028.0)):
        text = answered(
            draft, lambda _, choices, word=chosen: next((n for n, c in enumerate(choices) if word in c), 0)
        )
        mapping.write_text(text)
        import_files(mapping, tmp_path / chosen, None, AssetFacts.of_registry(ASSETS))
        (made,) = (tmp_path / chosen / "generation").glob("*.parquet")
        assert power in pl.read_parquet(made)["active_power_kw"]
    export.write_text("\n".join(["time,power (kW)", *rows, "2024-05-14 00:30,0.5", ""]))
    assert "mark of thousands" not in draft_mapping(export, ASSETS)


def test_the_minus_of_typesetters_is_no_word_for_nothing(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    minus = "\u2212"
    rows = [f"2024-05-14 {n:02}:00;{minus if n % 4 == 0 else ''}8,{n}" for n in range(20)]
    export.write_text("\n".join(["time;power (kW)", *rows, ""]))
    draft = draft_mapping(export, ASSETS)
    assert "null_markers" not in draft and "decimal_comma: true" in draft


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("Cell temperature [°C]", True),
        ("Internal temperature [°C]", False),
        ("Diffuse [W/m2]", False),
        ("Sky [W/m2]", True),
        ("Gust [m/s]", False),
        ("Air temperature [°C]", None),
    ],
)
def test_a_unit_alone_makes_no_channel(tmp_path: Path, header: str, asked: bool | None) -> None:
    """It is asked for, unless a word says that another quantity is meant; None: its name says what it is."""
    (tmp_path / "export.csv").write_text(
        f"time,Power [kW],{header}\n" + table("%Y-%m-%d %H:%M", "{t},{n},{half}")
    )
    draft = draft_mapping(tmp_path / "export.csv", ASSETS)
    lines = [line for line in draft.splitlines() if f'column: "{header}"' in line]
    assert [line.lstrip().startswith("#") for line in lines] == {True: [True], False: [], None: [False]}[
        asked
    ]


def test_a_header_that_ends_in_a_sign_is_no_fault_of_the_draft(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "time,Power [kW],Temp(?)\n" + table("%Y-%m-%d %H:%M", "{t},{n},{half}")
    )
    assert "Power [kW]" in draft_mapping(tmp_path / "export.csv", ASSETS)
