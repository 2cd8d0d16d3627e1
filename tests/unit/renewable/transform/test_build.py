"""Which windows a build is cut into, what is stale and why, and the books' way to disk and back."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewable.errors import PipelineError
from renewable.reported import Span, reported_by_day
from renewable.settings import Settings
from renewable.transform.books import (
    BUILT_FILES_SCHEMA,
    Books,
    Build,
    BuiltDay,
    Held,
    built_identity,
    read_copies,
    registry_version,
    write_copies,
)
from renewable.transform.build import PIECE_ROWS, piece_rows, pieces_of
from renewable.transform.staleness import (
    CUT,
    INSIDE,
    OUTSIDE,
    WHOLE,
    Versions,
    days_of_every_build,
    days_to_build,
    find_stale,
    needs_upgrade,
)
from renewable.windows import ONE_DAY, Window

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)
REGISTRY = {
    "a": {"asset_id": "a", "commissioned_on": "2024-01-01", "interval_minutes": 30, "power_curve": "x"},
    "b": {"asset_id": "b", "commissioned_on": "2024-01-01", "interval_minutes": 30, "power_curve": None},
}
NOW = Versions("models-1", "tests-1", REGISTRY)


def _day(number: int) -> date:
    return FIRST + timedelta(days=number)


def _files(*rows: tuple[int, str, str]) -> pl.DataFrame:
    """(day, file, content) of each file, as the books hold them."""
    full = [("weather", _day(day), file, content, 10, 0, None) for day, file, content in rows]
    return pl.DataFrame(full, schema=BUILT_FILES_SCHEMA, orient="row").sort(BUILT_FILES_SCHEMA.names())


def _books(files: pl.DataFrame, **other: object) -> Books:
    version = registry_version(REGISTRY)
    days = {day: BuiltDay("b1", "models-1", version) for day in set(files["day"])}
    return Books(**{"files": files, "days": days, "registries": {version: REGISTRY}} | other)  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(0, 60_000), st.integers(1, 500_000))
def test_pieces_hold_every_day_once_and_in_order(numbers: list[int], rows_a_day: int, rows: int) -> None:
    days = {_day(number) for number in numbers}
    pieces = list(pieces_of(days, rows_a_day, rows))
    held = [day for piece in pieces for day in piece.days]
    assert held == sorted(set(held)) and days <= set(held)
    assert all(piece.start in days and piece.end - ONE_DAY in days for piece in pieces)
    assert all(len(piece.days) == 1 or len(piece.days) * rows_a_day <= rows for piece in pieces)


def test_a_piece_grows_with_the_memory_that_duckdb_may_take() -> None:
    rows = [piece_rows(Settings(duckdb_memory_limit=limit)) for limit in ("500MB", "1500MB", "6GB")]
    assert rows == [PIECE_ROWS // 3, PIECE_ROWS, 4 * PIECE_ROWS]
    on_spark = Settings(engine="spark", spark_remote="sc://127.0.0.1")
    assert len(list(pieces_of([_day(number) for number in range(3650)], 10**9, piece_rows(on_spark)))) == 1


def test_many_days_that_are_not_adjacent_are_few_pieces() -> None:
    assert len(list(pieces_of([_day(2 * number) for number in range(735)], 1_000, 1_000_000))) == 2


def test_what_was_built_as_it_is_loaded_is_not_stale() -> None:
    files = _files((0, "f0", "x"), (1, "f1", "y"))
    assert find_stale(files, _books(files), NOW) == []
    assert find_stale(_files(), Books(), NOW) == []


@pytest.mark.parametrize(
    "loaded",
    [
        _files((0, "f0", "x")),
        _files((0, "f0", "x"), (1, "f1", "z")),
        _files((0, "f0", "x"), (1, "f1", "y"), (1, "g", "y")),
    ],
    ids=["gone", "changed", "come"],
)
def test_a_file_that_came_changed_or_went_makes_its_day_stale_and_is_named(loaded: pl.DataFrame) -> None:
    (stale,) = find_stale(loaded, _books(_files((0, "f0", "x"), (1, "f1", "y"))), NOW)
    assert (stale.window, stale.why) == (Window.of_day(_day(1)), "files")
    assert "f1" in stale.sentence or "g" in stale.sentence


def test_another_verdict_on_the_same_file_makes_its_day_stale() -> None:
    files = _files((0, "f0", "x"))
    for column, value in (("values_set_aside", 1), ("rows_loaded", 9), ("contract_version", "other")):
        loaded = files.with_columns(pl.lit(value).cast(BUILT_FILES_SCHEMA[column]).alias(column))
        assert [stale.why for stale in find_stale(loaded, _books(files), NOW)] == ["files"], column


def test_a_mark_is_stale_until_it_is_cleared_and_says_since_when_and_by_whom() -> None:
    files = _files((0, "f0", "x"), (1, "f1", "y"))
    build = Build("b2", datetime(2025, 2, 1, 3, 4, tzinfo=UTC), None, "process 7 (renewable transform)")
    books = _books(files, half_built={_day(1): "b2"}, builds={"b2": build})
    found = find_stale(files, books, NOW)
    assert [(stale.why, stale.window) for stale in found] == [("half built", Window.of_day(_day(1)))]
    assert "since 2025-02-01 03:04:00 UTC by process 7" in found[0].sentence
    assert days_to_build(found, books, NOW) == days_of_every_build(found) == [_day(1)]


def test_only_the_days_that_know_a_changed_asset_are_stale_and_the_change_is_told() -> None:
    files = _files((0, "f0", "x"), (1, "f1", "y"))
    changed = {**REGISTRY, "a": {**REGISTRY["a"], "interval_minutes": 15}}
    found = find_stale(files, _books(files), Versions("models-1", "tests-1", changed))
    assert {(s.asset_id, s.why, s.detail) for s in found} == {("a", "registry", "interval_minutes 30 → 15")}
    assert days_of_every_build(found) == [_day(0), _day(1)]
    late = {**REGISTRY, "c": {"asset_id": "c", "commissioned_on": str(_day(2))}}
    (new,) = find_stale(files, _books(files), Versions("models-1", "tests-1", late))
    assert (new.asset_id, new.window) == ("c", Window.of_day(_day(1))), (
        "days before it was there are as they were"
    )


def test_a_column_that_the_registry_gains_makes_nothing_stale_while_it_is_empty() -> None:
    files = _files((0, "f0", "x"))
    wider = {asset: {**row, "valid_from": None} for asset, row in REGISTRY.items()}
    assert find_stale(files, _books(files), Versions("models-1", "tests-1", wider)) == []


def _changed_history(**ratings: float) -> Versions:
    """REGISTRY where a has other rows from a local day on: their rated powers by that day's number."""
    history = {str(_day(int(number[3:]))): {"rated_power_kw": kw} for number, kw in ratings.items()}
    return Versions("models-1", "tests-1", {**REGISTRY, "a": {**REGISTRY["a"], "history": history}})


def _stale_days(files: pl.DataFrame, before: Versions, after: Versions) -> list[date]:
    version = registry_version(before.registry)
    days = {day: BuiltDay("b1", "models-1", version) for day in set(files["day"])}
    books = Books(files=files, days=days, registries={version: before.registry})
    found = find_stale(files, books, after)
    assert {(stale.why, stale.asset_id) for stale in found} <= {("registry", "a")}
    return days_to_build(found, books, after)


def test_a_rating_that_changes_makes_the_days_stale_that_it_touches_and_no_others() -> None:
    files = _files(*((number, f"f{number}", "x") for number in range(20)))
    none, ten = _changed_history(), _changed_history(day10=5.0)
    # In the east local day 10 begins on UTC day 9.
    assert _stale_days(files, none, ten) == [_day(number) for number in range(9, 20)]
    both = _changed_history(day10=5.0, day15=7.0)
    assert _stale_days(files, ten, both) == [_day(number) for number in range(14, 20)]
    # In the west local day 14 ends on UTC day 15.
    other = _changed_history(day10=6.0, day15=7.0)
    assert _stale_days(files, both, other) == [_day(number) for number in range(9, 16)]
    assert _stale_days(files, both, both) == []


def test_a_span_that_changes_makes_the_days_stale_that_come_or_go() -> None:
    files = _files(*((number, f"f{number}", "x") for number in range(20)))

    def spanning(**days: int) -> Versions:
        span = {name: str(_day(number)) for name, number in days.items()}
        return Versions("models-1", "tests-1", {**REGISTRY, "a": {**REGISTRY["a"], **span}})

    assert _stale_days(files, NOW, spanning(data_from=4)) == [_day(number) for number in range(5)]
    assert _stale_days(files, spanning(data_from=4), spanning(first_day=6)) == [
        _day(number) for number in range(3, 7)
    ]
    assert _stale_days(files, NOW, spanning(decommissioned_on=16)) == [
        _day(number) for number in range(16, 20)
    ]


def test_days_between_days_that_have_data_are_stale_until_they_are_built() -> None:
    files = _files((0, "f0", "x"), (4, "f4", "y"), (7, "f7", "z"))
    books = _books(files)
    found = find_stale(files, books, NOW)
    assert {stale.why for stale in found} == {"calendar"}
    between = [_day(number) for number in (1, 2, 3, 5, 6)]
    assert days_to_build(found, books, NOW) == days_of_every_build(found) == between
    days = {**books.days, **dict.fromkeys(between, BuiltDay("b1", "models-1", registry_version(REGISTRY)))}
    built = Books(files=files, days=days, registries=books.registries)
    assert find_stale(files, built, NOW) == []
    fewer = files.filter(pl.col("day") < _day(7))
    gone = find_stale(fewer, built, NOW)
    assert {(stale.why, stale.window) for stale in gone} == {
        ("files", Window.of_day(_day(7))),
        ("calendar", Window(_day(5), _day(7))),
    }


def test_a_day_whose_files_have_no_rows_is_built_once_data_follow_it_and_again_when_they_go() -> None:
    empty = pl.when(pl.col("day") == _day(1)).then(0).otherwise("rows_loaded").alias("rows_loaded")
    files = _files((0, "f0", "x"), (1, "f1", "y"), (2, "f2", "z")).with_columns(empty)
    version = registry_version(REGISTRY)

    def found(place: str, days: int) -> dict[str, str]:
        built = {_day(0): INSIDE if days > 2 else WHOLE, _day(1): place, _day(2): WHOLE}
        loaded = files.head(days)
        books = Books(
            files=loaded,
            days={day: BuiltDay("b1", "models-1", version, at) for day, at in [*built.items()][:days]},
            registries={version: REGISTRY},
        )
        return {str(stale.window.start): stale.detail for stale in find_stale(loaded, books, NOW)}

    assert found(OUTSIDE, 2) == {} == found(INSIDE, 3)
    assert found(OUTSIDE, 3) == {str(_day(1)): "it lies between days that have data now"}
    assert found(INSIDE, 2) == {str(_day(1)): "it no longer lies between days that have data"}


def test_files_without_rows_make_no_day() -> None:
    files = _files((0, "f0", "x"), (4, "f4", "y")).with_columns(
        rows_loaded=pl.when(pl.col("day") == _day(0)).then(pl.col("rows_loaded")).otherwise(0)
    )
    assert find_stale(files, _books(files), NOW) == []


@pytest.mark.parametrize(
    ("edge", "now_last", "why"),
    [
        (CUT, 1, {"its data were the last ones when it was built"}),
        (WHOLE, 1, set()),
        (INSIDE, 0, {"its data are the last ones now"}),
        (CUT, 0, set()),
    ],
)
def test_a_day_whose_data_end_within_it_is_built_again_once_others_follow(
    edge: str, now_last: int, why: set[str]
) -> None:
    files = _files((0, "f0", "x"), (1, "f1", "y"))
    version = registry_version(REGISTRY)
    days = {_day(0): BuiltDay("b1", "models-1", version, edge)}
    if now_last:
        days[_day(1)] = BuiltDay("b1", "models-1", version, WHOLE)
    loaded = files.filter(pl.col("day") <= _day(now_last))
    found = find_stale(loaded, Books(files=loaded, days=days, registries={version: REGISTRY}), NOW)
    assert {stale.detail for stale in found} == why
    assert all((stale.why, stale.window) == ("calendar", Window.of_day(_day(0))) for stale in found)


def test_other_models_need_an_upgrade_and_unknown_ones_too() -> None:
    files = _files((0, "f0", "x"))
    assert needs_upgrade(find_stale(files, _books(files), Versions("models-2", "tests-1", REGISTRY)))
    assert needs_upgrade(find_stale(files, Books(files=files, is_legacy=True), NOW))
    assert not needs_upgrade(find_stale(files, _books(files), NOW))


def _told(first: int, days: int, what: str = "x", asset_id: str = "a") -> Span:
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=first)
    return Span(asset_id, start, start + timedelta(days=days), what)


def _told_stale(
    before: tuple[Span, ...], present: tuple[Span, ...]
) -> dict[tuple[str | None, str], list[int]]:
    """Asset and reason -> stale days, of books built on days 0, 1 and 9 when `before` was reported."""
    files = _files((0, "f0", "x"), (1, "f1", "y"), (9, "f9", "z"))
    books = _books(files, reported=reported_by_day(before, _day(0), _day(9)))
    # The days between, which no file names, wait to be built for the first time.
    found = [
        stale
        for stale in find_stale(files, books, Versions("models-1", "tests-1", REGISTRY, present))
        if stale.why != "calendar"
    ]
    assert {stale.why for stale in found} <= {"reported"}
    assert days_of_every_build(found) == [], "other days can be built without them"
    stale_days: dict[tuple[str | None, str], list[int]] = {}
    for stale in found:
        days = [(day - FIRST).days for day in stale.window.days]
        stale_days.setdefault(
            (stale.asset_id, stale.detail.removeprefix("events.csv or bad_readings.csv ")), []
        ).extend(days)
    return stale_days


def test_what_is_reported_makes_the_days_it_touches_stale_and_no_others() -> None:
    event, other = _told(1, 2), _told(1, 2, asset_id="b")
    new, else_, gone = (
        f"{said} of it" for said in ("says something new", "says something else", "no longer says anything")
    )
    assert _told_stale((event,), (event,)) == {}
    assert _told_stale((), (event, other)) == {("a", new): [1, 2], ("b", new): [1, 2]}
    assert _told_stale((event, other), (other,)) == {("a", gone): [1, 2]}
    assert _told_stale((event,), (_told(1, 3),)) == {("a", new): [3]}, "the days before are as they were"
    assert _told_stale((event,), (_told(1, 2, "another note"),)) == {("a", else_): [1, 2]}
    assert _told_stale((), (_told(-9, 10), _told(9, 9, asset_id="b"))) == {("a", new): [0], ("b", new): [9]}


def test_a_held_asset_waits_until_the_tests_change() -> None:
    files = _files((0, "f0", "x"))
    books = _books(files, held=(Held("a", _day(0), "a_test", "b1", "tests-1"),))
    found = find_stale(files, books, NOW)
    assert [(s.asset_id, s.why) for s in found] == [("a", "failed test")] and "a_test" in found[0].detail
    assert days_to_build(found, books, NOW) == []
    assert days_to_build(found, books, Versions("models-1", "tests-2", REGISTRY)) == [_day(0)]


def test_the_copies_of_the_books_are_the_books(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert read_copies(settings).days == {} and read_copies(settings).files.is_empty()
    settings.warehouse_path.parent.mkdir(parents=True)
    settings.warehouse_path.touch()
    files = _files((0, "f0", "x"), (1, "f1", "y"), (3, "f3", "y"))
    builds = {
        "b1": Build("b1", datetime(2025, 2, 1, tzinfo=UTC), datetime(2025, 2, 2, tzinfo=UTC), "process 7")
    }
    held = (Held("a", _day(0), "a_test", "b1", "tests-1"), Held("a", _day(1), "a_test", "b1", "tests-1"))
    reported = {_day(0): {"a": "1"}, _day(1): {"a": "1", "b": "2"}, _day(3): {"a": "1"}}
    books = _books(files, half_built={_day(3): "b1"}, held=held, builds=builds, reported=reported)
    write_copies(settings, books)
    read = read_copies(settings)
    assert read.files.equals(books.files)
    for name in ("days", "registries", "reported", "half_built", "held", "builds", "is_legacy"):
        assert getattr(read, name) == getattr(books, name), name
    (settings.published_dir / "build_state.json").write_text("{half")
    with pytest.raises(
        PipelineError, match=r"build_state.json cannot be read.*`renewable transform` writes it anew"
    ):
        read_copies(settings)


def test_the_load_log_of_any_version_has_an_identity() -> None:
    log = pl.DataFrame(
        {"file": ["f", "odd"], "day": [FIRST, None], "sha256": ["x", "y"], "table_name": ["weather", None]}
    )
    assert built_identity(log)["file"].to_list() == ["f"]


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("models-2", "built by other models than the present ones"),
        ("models-1+spark", "built on another engine than spark"),
    ],
)
def test_an_upgrade_is_told_whether_models_or_the_engine_are_others(version: str, why: str) -> None:
    files = _files((0, "f0", "x"))
    found = find_stale(files, _books(files), Versions(version, "tests-1", REGISTRY))
    assert {stale.detail for stale in found if stale.why == "models"} == {why}
