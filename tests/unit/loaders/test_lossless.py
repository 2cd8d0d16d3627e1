"""Laws of conversion: what loses nothing loads as a canonical file would; what would lose something is refused."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from loaders.gate import inspect_file, judge_day, read_rows
from loaders.lossless import LossError, converted
from renewable.contract import polars_schema
from renewable.fleet import Fleet

pytestmark = pytest.mark.unit
DAY = date(2025, 1, 1)
SCHEMA = polars_schema("generation")
STAMPS = [datetime(2025, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
ASSETS = ["nordermarsch-w-01", "campo-claro-s-01"] * 2
CANONICAL = pa.table(
    {
        "asset_id": pa.array(ASSETS),
        "timestamp": pa.array(STAMPS, pa.timestamp("us", tz="UTC")),
        "active_power_kw": pa.array([0.0, -2.0, None, 100.0]),
        "curtailment_limit_kw": pa.array([None, 500.0, 3.0, None], pa.float64()),
        "operating_state": pa.array(["running", None, "fault", "running"]),
    }
)
LOSSLESS = [
    *(("timestamp", pa.timestamp(unit, tz="UTC")) for unit in ("s", "ms", "ns")),
    *(
        ("timestamp", pa.timestamp("us", tz=zone))
        for zone in ("Etc/UTC", "Z", "+00:00", "GMT", "utc", "Zulu", "+05:30", "-0330", "Europe/Paris")
    ),
    ("timestamp", pa.timestamp("ns", tz="America/New_York")),
    *(
        ("active_power_kw", kind)
        for kind in (
            *(pa.float16(), pa.float32(), pa.int8(), pa.int16(), pa.int32(), pa.int64()),
            *(pa.decimal128(10, 3), pa.decimal256(40, 2), pa.decimal32(6, 1), pa.decimal64(12, 0)),
        )
    ),
    *(("curtailment_limit_kw", kind) for kind in (pa.uint16(), pa.uint32(), pa.uint64())),
    *(
        (name, kind)
        for name in ("asset_id", "operating_state")
        for kind in (
            *(pa.large_string(), pa.string_view()),
            *(pa.dictionary(pa.int16(), pa.string()), pa.dictionary(pa.int32(), pa.large_string())),
        )
    ),
]
# Columns, and what is said of them.
LOSSY: list[tuple[str, pa.Array, str]] = [
    ("timestamp", pa.array(STAMPS, pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us")), "no time zone"),
    ("timestamp", pa.array([0] * 4, pa.timestamp("ns", tz="Mars/Base")), "Mars/Base"),
    ("timestamp", pa.array([0, 0, 1, 0], pa.timestamp("ns", tz="UTC")), "row 3"),
    ("timestamp", pa.array([0, -1, 0, 0], pa.timestamp("ns", tz="UTC")), "row 2"),
    ("timestamp", pa.array([2**62, 0, 0, 0], pa.timestamp("ms", tz="UTC")), "row 1"),
    ("timestamp", pa.array([1, 2, 3, 4], pa.date32()), "timestamp is Date"),
    ("timestamp", pa.array([str(stamp) for stamp in STAMPS]), "timestamp is String"),
    ("timestamp", pa.array([1, 2, 3, 4]), "timestamp is int64"),
    ("timestamp", pa.nulls(4), "timestamp is null"),
    ("asset_id", pa.nulls(4), "asset_id is null"),
    ("asset_id", pa.array([b"a"] * 4), "asset_id is binary"),
    ("active_power_kw", pa.array(["1", "2", "3", "4"]), "active_power_kw is String"),
    ("active_power_kw", pa.array([True] * 4), "active_power_kw is Boolean"),
    ("active_power_kw", pa.array([0, 1, 2**53 + 1, 0], pa.int64()), "row 3"),
    ("active_power_kw", pa.array([0, -(2**53) - 1, 0, 0], pa.int64()), "row 2"),
    ("active_power_kw", pa.array([2**64 - 1, 0, 0, 0], pa.uint64()), "row 1"),
    ("active_power_kw", pa.array([Decimal(0)] * 3 + [Decimal("0.1234567890123456789")]), "row 4"),
    ("operating_state", pa.array([1, 2, 3, 4]), "operating_state is int64"),
    ("operating_state", pa.array([["a"]] * 4), "operating_state is list"),
]


def _with(column: str, values: pa.Array) -> pa.Table:
    return CANONICAL.set_column(CANONICAL.column_names.index(column), column, values)


def _read(table: pa.Table, path: Path, **how: object) -> tuple[pl.DataFrame | None, str | None]:
    pq.write_table(table, path, **how)
    seen = inspect_file(path, "generation", max_rows=10_000)
    return (None, seen.refusal) if seen.refusal else read_rows(seen)


def _accepted(frame: pl.DataFrame, fleet: Fleet) -> pl.DataFrame:
    return judge_day("generation", DAY, {"file": frame}, fleet).accepted


@pytest.mark.parametrize(("column", "kind"), LOSSLESS, ids=str)
def test_another_type_without_loss_loads_as_the_contracts_own(
    fleet: Fleet, tmp_path: Path, column: str, kind: pa.DataType
) -> None:
    frame, refusal = _read(_with(column, CANONICAL[column].combine_chunks().cast(kind)), tmp_path / "a")
    own, _ = _read(CANONICAL, tmp_path / "b")
    assert refusal is None and frame is not None and own is not None
    assert frame.schema == SCHEMA and frame.equals(own)
    assert _accepted(frame, fleet).equals(_accepted(own, fleet))


def test_a_dictionary_of_numbers_is_read_as_its_numbers() -> None:
    numbers = pa.array([0, -2, None, 100], pa.int16()).dictionary_encode()
    assert converted("x", pa.chunked_array([numbers]), pl.Float64()).to_list() == [0.0, -2.0, None, 100.0]


@pytest.mark.parametrize("column", ["active_power_kw", "curtailment_limit_kw", "operating_state"])
def test_a_channel_of_nothing_but_nulls_needs_no_type(tmp_path: Path, column: str) -> None:
    frame, refusal = _read(_with(column, pa.nulls(4)), tmp_path / "a")
    assert refusal is None and frame is not None
    assert frame.schema == SCHEMA and frame[column].null_count() == 4


@pytest.mark.parametrize(("column", "values", "said"), LOSSY, ids=lambda part: str(part)[:20])
def test_what_would_lose_something_is_refused_and_named(
    tmp_path: Path, column: str, values: pa.Array, said: str
) -> None:
    frame, refusal = _read(_with(column, values), tmp_path / "a")
    assert frame is None and refusal is not None
    assert column in refusal and said in refusal


def test_sparks_timestamps_are_instants_by_its_own_rule_and_others_without_a_zone_are_not(
    tmp_path: Path,
) -> None:
    naive = _with("timestamp", CANONICAL["timestamp"].combine_chunks().cast(pa.timestamp("ns")))
    spark = naive.replace_schema_metadata({"org.apache.spark.version": "3.5.1"})
    frame, refusal = _read(spark, tmp_path / "a", use_deprecated_int96_timestamps=True)
    assert refusal is None and frame is not None and frame["timestamp"].to_list() == STAMPS
    _, refusal = _read(naive, tmp_path / "b", use_deprecated_int96_timestamps=True)
    assert "no time zone" in str(refusal)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
def test_a_text_that_is_no_utf8_is_refused_in_any_kind_of_column(tmp_path: Path, kind: pa.DataType) -> None:
    broken = pa.array([b"\xff\xfe", b"a", b"b", b"c"])
    text = pa.Array.from_buffers(pa.string(), 4, broken.buffers())
    states = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3], pa.int8()), text)
    table = _with("operating_state", states if pa.types.is_dictionary(kind) else text.cast(kind))
    # Another column needs conversion, so that the whole file takes that way.
    frame, refusal = _read(
        table.set_column(1, "timestamp", table["timestamp"].cast(pa.timestamp("ms", tz="UTC"))),
        tmp_path / "a",
    )
    assert frame is None and "cannot be read" in str(refusal)


def test_a_zone_that_is_no_text_is_refused(tmp_path: Path) -> None:
    table = _with("timestamp", pa.array([0] * 4, pa.timestamp("us", tz="Mars/Base")))
    pq.write_table(table, tmp_path / "a")
    described = pq.read_metadata(tmp_path / "a").metadata[b"ARROW:schema"]
    broken = b64encode(b64decode(described).replace(b"Mars/Base", b"Mars/\x83ase"))
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes().replace(described, broken))
    seen = inspect_file(tmp_path / "a", "generation", max_rows=10_000)
    assert "cannot be read as Parquet" in str(seen.refusal)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    twice = CANONICAL.append_column("operating_state", CANONICAL["operating_state"])
    assert "two columns of one name" in str(_read(twice, tmp_path / "a")[1])


@given(value=st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**54), 2**54))
def test_a_whole_number_comes_through_exactly_or_not_at_all(value: int) -> None:
    column = pa.chunked_array([pa.array([value], pa.int64())])
    if int(float(value)) == value:
        assert converted("x", column, pl.Float64()).to_list() == [float(value)]
    else:
        with pytest.raises(LossError, match="row 1"):
            converted("x", column, pl.Float64())


@given(
    digits=st.integers(-(10**20), 10**20) | st.integers(-(10**15) - 9, 10**15 + 9), scale=st.integers(0, 12)
)
@hypothesis_settings(max_examples=200)
def test_a_decimal_comes_through_as_python_reads_it_or_not_at_all(digits: int, scale: int) -> None:
    value = Decimal(digits).scaleb(-scale)
    column = pa.chunked_array([pa.array([value], pa.decimal128(38, scale))])
    if Decimal(repr(float(value))) == value:
        assert converted("x", column, pl.Float64()).to_list() == [float(value)]
    else:
        with pytest.raises(LossError, match="row 1"):
            converted("x", column, pl.Float64())


@pytest.mark.parametrize(
    "write",
    [
        lambda frame, path: frame.to_pandas().to_parquet(path),
        lambda frame, path: frame.with_columns(
            pl.col("asset_id").cast(pl.Categorical), pl.col("timestamp").dt.cast_time_unit("ms")
        ).write_parquet(path),
    ],
    ids=["pandas", "polars"],
)
def test_what_common_tools_write_by_default_is_taken(
    tmp_path: Path, write: Callable[[pl.DataFrame, Path], None]
) -> None:
    own = pl.from_arrow(CANONICAL)
    assert isinstance(own, pl.DataFrame)
    write(own, tmp_path / "a.parquet")
    seen = inspect_file(tmp_path / "a.parquet", "generation", max_rows=10_000)
    frame, refusal = read_rows(seen)
    assert (seen.refusal, refusal) == (None, None)
    assert frame is not None and frame.select(own.columns).equals(own)
    assert set(frame.columns) == set(SCHEMA.names()), "what came with later contracts is there, and null"
