"""Breaks raw files on request, as files break in the wild, and logs each break.

What a gate makes of them is the gate's matter.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from mock_data.noise import text_key
from renewable.atomic_write import write_parquet_atomic, write_text_atomic
from renewable.contract import TABLES, RawTable
from renewable.errors import UsageError
from renewable.fleet import Fleet
from renewable.raw_files import RawFileName
from renewable.windows import Window

_VALUE = {"weather": "air_temperature_c", "generation": "active_power_kw"}


@dataclass(frozen=True)
class Defect:
    """One break.

    What was done to which file, how many rows it touched, and what a sample of them looks like.
    """

    kind: str
    table: RawTable
    day: date
    file: str
    rows: int
    detail: str


Breaker = Callable[[pl.DataFrame, "_Aim"], tuple[pl.DataFrame, int, str]]


@dataclass(frozen=True)
class _Aim:
    """Where a break goes: the table, its day, its value column, random numbers of the break's own."""

    table: RawTable
    day: date
    fleet: Fleet
    random: np.random.Generator

    @property
    def value(self) -> str:
        return _VALUE[self.table]

    def some_rows(self, frame: pl.DataFrame) -> list[int]:
        count = max(1, min(frame.height, 3 + frame.height // 500))
        return sorted(self.random.choice(frame.height, count, replace=False).tolist())


def inject_defects(
    data_dir: Path, window: Window, kinds: Sequence[str], seed: int, fleet: Fleet
) -> list[Defect]:
    """Break one raw file of `window` for each of `kinds`, and add what was done to truth/defects.jsonl.

    Each kind takes a file that no other kind of this call took, while there are any. The choice follows from
    the arguments only. A late file is moved to <data_dir>/late, from where it may be put back. Raises
    UsageError for an unknown kind and where there are fewer raw files than kinds.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        known = ", ".join([*DEFECTS, *FILE_DEFECTS])
        raise UsageError(f"there is no defect {', '.join(unknown)}; choose of {known}")
    names = [RawFileName(table, day) for day in window.days for table in TABLES]
    free = [name for name in names if name.path_under(data_dir / "raw").is_file()]
    if len(free) < len(kinds):
        raise UsageError(
            f"{len(kinds)} defects need as many raw files, {window} has {len(free)}; generate more days first"
        )
    done = []
    for number, kind in enumerate(kinds):
        random = np.random.default_rng(text_key("defect", seed, kind, number))
        name = free.pop(int(random.integers(len(free))))
        aim = _Aim(name.table, name.day, fleet, random)
        done.append(_break(kind, name.path_under(data_dir / "raw"), aim, data_dir))
    _log(done, data_dir / "truth" / "defects.jsonl")
    return done


def _break(kind: str, path: Path, aim: _Aim, data_dir: Path) -> Defect:
    if kind in FILE_DEFECTS:
        rows, detail = FILE_DEFECTS[kind](path, data_dir)
    else:
        frame, rows, detail = DEFECTS[kind](pl.read_parquet(path), aim)
        write_parquet_atomic(frame, path)
    return Defect(kind, aim.table, aim.day, path.name, rows, detail)


def _equal_duplicates(frame: pl.DataFrame, aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    rows = frame[aim.some_rows(frame)]
    return pl.concat([frame, rows]), rows.height, f"rows repeated, first {_key(rows)}"


def _conflicting_duplicates(frame: pl.DataFrame, aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    rows = frame[aim.some_rows(frame)].with_columns(pl.col(aim.value).fill_null(0.0) + 1.0)
    return pl.concat([frame, rows]), rows.height, f"keys repeated with {aim.value} + 1, first {_key(rows)}"


def _missing_rows(frame: pl.DataFrame, aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    rows = aim.some_rows(frame)
    left = frame.with_row_index("row").filter(~pl.col("row").is_in(rows)).drop("row")
    return left, len(rows), f"rows left out, first {_key(frame[rows])}"


def _wrong_type(frame: pl.DataFrame, aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    return frame.with_columns(pl.col(aim.value).cast(pl.String)), frame.height, f"{aim.value} as text"


def _naive_timestamps(frame: pl.DataFrame, _aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    naive = frame.with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    return naive, frame.height, "timestamps without a time zone"


def _extra_column(frame: pl.DataFrame, _aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    return frame.with_columns(pl.lit(1.0).alias("spare_channel")), frame.height, "column spare_channel added"


def _missing_column(frame: pl.DataFrame, aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    return frame.drop(aim.value), frame.height, f"column {aim.value} left out"


def _out_of_range(frame: pl.DataFrame, aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    rows = aim.some_rows(frame)
    largest_kw = max(aim.fleet.assets["rated_power_kw"].to_list())
    absurd = -273.2 if aim.table == "weather" else 10.0 * largest_kw
    hit = pl.int_range(pl.len()).is_in(rows)
    broken = frame.with_columns(pl.when(hit).then(absurd).otherwise(pl.col(aim.value)).alias(aim.value))
    return broken, len(rows), f"{aim.value} = {absurd}, first {_key(frame[rows])}"


def _off_grid(frame: pl.DataFrame, aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    rows = aim.some_rows(frame)
    hit = pl.int_range(pl.len()).is_in(rows)
    later = pl.col("timestamp") + timedelta(minutes=1)
    moved = frame.with_columns(pl.when(hit).then(later).otherwise(pl.col("timestamp")).alias("timestamp"))
    return moved, len(rows), f"stamped one minute late, first {_key(frame[rows])}"


def _corrected_file(frame: pl.DataFrame, aim: _Aim) -> tuple[pl.DataFrame, int, str]:
    rows = aim.some_rows(frame)
    hit = pl.int_range(pl.len()).is_in(rows)
    other = frame.with_columns(pl.when(hit).then(pl.col(aim.value) * 0.5).otherwise(pl.col(aim.value)))
    return other, len(rows), f"written again with {aim.value} halved, first {_key(frame[rows])}"


def _truncated(path: Path, _data_dir: Path) -> tuple[int, str]:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    return 0, f"cut from {len(content)} to {len(content) * 2 // 3} bytes"


def _late(path: Path, data_dir: Path) -> tuple[int, str]:
    waiting = data_dir / "late" / path.name
    waiting.parent.mkdir(parents=True, exist_ok=True)
    rows = int(pl.scan_parquet(path).select(pl.len()).collect().item())
    path.replace(waiting)
    return rows, f"moved to {waiting.relative_to(data_dir)}, to be put back later"


DEFECTS: dict[str, Breaker] = {
    "equal_duplicates": _equal_duplicates,
    "conflicting_duplicates": _conflicting_duplicates,
    "missing_rows": _missing_rows,
    "wrong_type": _wrong_type,
    "naive_timestamps": _naive_timestamps,
    "extra_column": _extra_column,
    "missing_column": _missing_column,
    "out_of_range": _out_of_range,
    "off_grid": _off_grid,
    "corrected_file": _corrected_file,
}
FILE_DEFECTS: dict[str, Callable[[Path, Path], tuple[int, str]]] = {"truncated": _truncated, "late": _late}
KINDS = (*DEFECTS, *FILE_DEFECTS)


def _key(rows: pl.DataFrame) -> str:
    return f"{rows['asset_id'][0]} {rows['timestamp'][0].isoformat()}" if rows.height else "none"


def _log(defects: Sequence[Defect], path: Path) -> None:
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    lines = [json.dumps(asdict(defect) | {"day": defect.day.isoformat()}) for defect in defects]
    write_text_atomic(before + "".join(f"{line}\n" for line in lines), path)
