"""Expected rows beside a mapping: what somebody worked out by hand, held against what an import gives."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from renewable.contract import KEY, TABLES, column_unit, measurements, polars_schema
from renewable.errors import MappingError
from renewable.importers.asset_facts import Facts
from renewable.importers.convert import import_files

# Expected values are written with as many digits as people write.
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Checked:
    """How many expected cells were compared, and a sentence for each that came out otherwise."""

    cells: int
    differences: tuple[str, ...]


def expected_path(mapping_path: Path) -> Path:
    """Where the expected rows of a mapping lie: mapping.expected.csv beside mapping.yaml."""
    return mapping_path.with_suffix(".expected.csv")


def check_mapping(mapping_path: Path, known: Facts | None = None) -> Checked:
    """Import into a directory that is thrown away, and compare with the expected rows.

    These have asset_id, timestamp (start of the interval, UTC, such as 2024-03-01T12:00Z) and any channels of the raw
    tables, in their units. An empty cell says that there is no value. Rows and channels that are not named are not
    looked at. Raises MappingError for a table that cannot be read so, and as the import does.
    """
    path = expected_path(mapping_path)
    wanted = _read(path)
    with TemporaryDirectory(prefix="renewable-check-") as place:
        raw_dir = Path(place) / "raw"
        import_files(mapping_path, raw_dir, None, known)
        differences, cells = list[str](), 0
        for table in TABLES:
            channels = [name for name in wanted.columns if name in measurements(table)]
            files = sorted((raw_dir / table).glob("*.parquet"))
            made = (
                pl.concat(map(pl.read_parquet, files)) if files else pl.DataFrame(schema=polars_schema(table))
            )
            met = wanted.select(*KEY, *channels).join(
                made.select(*KEY, *channels), on=KEY, how="left", suffix="_made", maintain_order="left"
            )
            for channel in channels:
                cells += met.height
                if made[channel].null_count() == made.height and met[channel].count():
                    differences.append(
                        f"{channel}: the mapping gives no value at all, expected {met[channel].count()}"
                    )
                    continue
                differences += _differences(met, channel, is_number=column_unit(table, channel) != "")
    return Checked(cells, tuple(differences))


def _read(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise MappingError(
            f"{path}: the expected rows cannot be read: {error}. Write a CSV file with asset_id, timestamp and channels"
        ) from error
    known = {**polars_schema("weather"), **polars_schema("generation")}
    strange = [name for name in table.columns if name not in known]
    missing = [name for name in KEY if name not in table.columns]
    if strange or missing:
        faults = [f"no channel is called {name}" for name in strange] + [
            f"{name} is missing" for name in missing
        ]
        raise MappingError(
            f"{path}: {'; '.join(faults)}. It has asset_id, timestamp and channels of the raw tables"
        )
    stamps = table["timestamp"].str.to_datetime(
        "%Y-%m-%dT%H:%M%#z", time_unit="us", time_zone="UTC", strict=False
    )
    numbers = [name for name in table.columns if name not in KEY and known[name] == pl.Float64]
    read = table.with_columns(stamps, *(pl.col(name).cast(pl.Float64, strict=False) for name in numbers))
    for name in ("timestamp", *numbers):
        wrong = (read[name].is_null() & table[name].is_not_null()).arg_true()
        if wrong.len() or (name == "timestamp" and read[name].null_count()):
            row = wrong[0] if wrong.len() else 0
            raise MappingError(
                f"{path}, row {row + 2}, column {name}: {table[name][row]!r} cannot be read. Stamps are UTC, such as"
                " 2024-03-01T12:00Z; numbers have a point"
            )
    return read


def _differences(met: pl.DataFrame, channel: str, *, is_number: bool) -> list[str]:
    wanted, made = pl.col(channel), pl.col(f"{channel}_made")
    same = wanted.eq_missing(made)
    if is_number:
        bound = _TOLERANCE * pl.max_horizontal(wanted.abs(), pl.lit(1.0))
        same |= ((wanted - made).abs() <= bound).fill_null(False)
    return [
        f"{asset_id} {at:%Y-%m-%dT%H:%MZ}: {channel} is {_told(got)}, expected {_told(want)}"
        for asset_id, at, want, got in met.filter(~same).select(*KEY, wanted, made).iter_rows()
    ]


def _told(value: object) -> str:
    return "empty" if value is None else str(value)
