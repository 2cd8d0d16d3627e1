"""What an import would change, and what about it looks wrong. Nothing is written but a mirror that is thrown away."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from renewable.contract import KEY, RawTable, polars_schema
from renewable.errors import MappingError
from renewable.importers.asset_facts import AssetFacts
from renewable.importers.convert import ImportSummary, import_files
from renewable.importers.evidence import STAMPS_SCHEMA, Evidence
from renewable.importers.inbox import label_of
from renewable.importers.kept_rows import STREAM
from renewable.importers.ledger import looked_at, store_of
from renewable.importers.mapping import Mapping, load_mapping
from renewable.importers.mirror import changes, clashes, mirrored
from renewable.importers.overlay import Change
from renewable.importers.preview_picture import coverage_calendar, daily_profiles, draw_preview
from renewable.importers.reading_doubts import doubt_sentences
from renewable.importers.source import source_paths
from renewable.importers.streams import Stream
from renewable.importers.suspicious_names import suspicious_names
from renewable.importers.suspicious_neighbours import suspicious_neighbours
from renewable.importers.suspicious_stamps import open_order, suspicious_stamps
from renewable.importers.suspicious_sun import suspicious_sun
from renewable.importers.suspicious_values import suspicious_values
from renewable.raw_files import parse_raw_file_name
from renewable.windows import Window

# So many days at the end are asked for readings that the models will doubt, and so large a share of them is told.
_DOUBT_DAYS, _DOUBT_RATIO = 14, 0.02
_MANY_ROWS, _FEW_ASSETS = 1_000_000, 5


@dataclass(frozen=True)
class Preview:
    """`first_rows` by table; `coverage`: day, table, rows, assets, share of filled cells of mapped columns.

    `changes` says by table what would be other in the raw files that are there; `files` what would become of each file,
    `questions` what only people can tell. `suspicions` are about the mapping, `doubts` about the readings themselves.
    """

    summary: ImportSummary
    first_rows: dict[RawTable, pl.DataFrame]
    coverage: pl.DataFrame
    suspicions: tuple[str, ...]
    changes: dict[RawTable, Change]
    files: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def preview(
    mapping_path: Path,
    assets: pl.DataFrame,
    window: Window | None = None,
    raw_dir: Path | None = None,
    *,
    again: bool = False,
    now: datetime | None = None,
    picture: Path | None = None,
) -> Preview:
    """Import into a mirror of `raw_dir` and its store, and look at it; `assets` is the registry (AssetSchema).

    What is looked at are the days that the import would write, or all of the mapping's where it would write none.
    A `picture` of them is drawn to that path. Raises MappingError as the import does.
    """
    mapping = load_mapping(mapping_path)
    with TemporaryDirectory(prefix="renewable-preview-") as place:
        mirror = Path(place) / "raw" if raw_dir is None else mirrored(raw_dir, Path(place))
        known, told = _deliveries(mirror, mapping_path.stem), list[str]()
        summary = import_files(
            mapping_path, mirror, window, AssetFacts.of_registry(assets), again=again, report=told.append
        )
        tables = _written(mapping, mapping_path, mirror)
        mapped = {
            t: list(dict.fromkeys(n for part in mapping.parts for n in part.channels(t)))
            for t in mapping.all_tables
        }
        first = {t: frame.select(*KEY, *mapped[t]).head(5).collect() for t, frame in tables.items()}
        cells = [
            frame.group_by(day=pl.col("timestamp").dt.date())
            .agg(
                rows=pl.len(),
                assets=pl.col("asset_id").n_unique(),
                filled_ratio=pl.mean_horizontal(pl.col(n).is_not_null().mean() for n in mapped[t]),
            )
            .select("day", pl.lit(t).alias("table"), "rows", "assets", "filled_ratio")
            .collect()
            for t, frame in tables.items()
        ]
        seen = Evidence(
            mapping,
            mapping_path,
            tables,
            _stamps(mirror, mapping_path.stem, known),
            assets,
            now or datetime.now(UTC),
        )
        found = [
            *suspicious_names(seen),
            *suspicious_stamps(seen),
            *suspicious_values(seen),
            *suspicious_neighbours(seen),
            *_clashes(mirror, seen),
            *suspicious_sun(seen),
        ]
        asked, doubts = [*open_order(seen)], [*_doubts(tables, assets)]
        changed = {} if raw_dir is None else changes(raw_dir, mirror)
        if picture is not None:
            draw_preview(daily_profiles(tables, assets), coverage_calendar(tables, assets), picture)
        files = (*told, *_fates(mirror, mapping, mapping_path, known))
    return Preview(
        summary,
        first,
        pl.concat(cells).sort("day", "table"),
        tuple(found),
        changed,
        files,
        tuple(asked),
        tuple(doubts),
    )


def _clashes(mirror: Path, seen: Evidence) -> Iterator[str]:
    """Channels of which another mapping has other values for the same keys."""
    for table in seen.mapping.all_tables:
        for name, count in clashes(mirror, table).items():
            yield (
                f"{count} values of {table}.{name} are others in another mapping's rows: they would be set aside."
                f" Remove the channel from one of them: {seen.channel_line(table, name, 'column')}"
            )


def _deliveries(raw_dir: Path, name: str) -> dict[int, str]:
    """Number and version of the deliveries that a mapping has."""
    with looked_at(store_of(raw_dir)) as ledger:
        return {} if ledger is None else {number: version for number, version, *_ in ledger.order(name)}


def _written(mapping: Mapping, mapping_path: Path, mirror: Path) -> dict[RawTable, pl.LazyFrame]:
    """The rows of the days that an import wrote, or of all days of the mapping where it wrote none."""
    with looked_at(store_of(mirror)) as ledger:
        part = None if ledger is None else ledger.part_of(mapping_path.stem)
    own = {
        table: [
            path
            for path in sorted((mirror / table).glob("*.parquet"))
            if (named := parse_raw_file_name(path.name)) is not None and named.part == part
        ]
        for table in mapping.all_tables
    }
    made = {table: [path for path in paths if not path.is_symlink()] for table, paths in own.items()}
    chosen = made if any(made.values()) else own
    return {
        table: pl.scan_parquet(paths) if paths else pl.LazyFrame(schema=polars_schema(table))
        for table, paths in chosen.items()
    }


def _stamps(mirror: Path, name: str, known: dict[int, str]) -> pl.DataFrame:
    """Evidence.stamps of the deliveries that are new or made anew, or of all where none is."""
    found = [pl.DataFrame(schema=STAMPS_SCHEMA)]
    with looked_at(store_of(mirror)) as ledger:
        every = [] if ledger is None else [each for each in ledger.deliveries(name) if each.kind == "file"]
    made = [each for each in every if known.get(each.number) != each.version]
    for delivery in made or every:
        for text in delivery.columns:
            stream = Stream.parsed(text)
            rows = pl.scan_parquet(delivery.rows_file).filter(pl.col(STREAM) == text)
            own = rows.select(pl.lit(stream.part, pl.Int64).alias("part"), "asset_id", "name", "timestamp")
            if delivery.source_rows > _MANY_ROWS:
                # Of so many rows some assets stand for all, and of the others one row says that they are there.
                firsts = own.unique(["asset_id", "name"]).collect()
                few = firsts.sort("asset_id", "name").head(_FEW_ASSETS).select("asset_id", "name")
                some = own.join(few.lazy(), on=["asset_id", "name"], how="semi", nulls_equal=True)
                own = pl.concat([firsts.lazy(), some])
            found.append(own.cast(STAMPS_SCHEMA).collect())
    return pl.concat(found).unique(STAMPS_SCHEMA.names())


def _fates(mirror: Path, mapping: Mapping, mapping_path: Path, known: dict[int, str]) -> Iterator[str]:
    """A line for each file that is known already; those that are refused or wait are in the summary."""
    paths = list[Path]()
    for part in mapping.parts:
        try:
            paths += source_paths(part, mapping_path)
        except MappingError:
            # An empty inbox: where it may not be empty, the import has said so.
            continue
    with looked_at(store_of(mirror)) as ledger:
        if ledger is None:
            return
        for path in dict.fromkeys(paths):
            label = label_of(path, mapping_path)
            content = ledger.look_of(mapping_path.stem, label)
            of = None if content is None else ledger.of_content(mapping_path.stem, content.sha256)
            if of is not None and of[0] in known:
                how = "was imported before" if known[of[0]] == of[1] else "would be converted anew"
                yield f"{label}: {how}, as delivery {of[0]}"


def _doubts(tables: dict[RawTable, pl.LazyFrame], assets: pl.DataFrame) -> Iterator[str]:
    """Readings of the last days that break the models' own rules."""
    frames = [frame.drop_nulls(KEY).unique(KEY, keep="none") for frame in tables.values()]
    readings = frames[0]
    for other in frames[1:]:
        readings = readings.join(other, on=list(KEY), how="full", coalesce=True)
    since = pl.col("timestamp").max() - timedelta(days=_DOUBT_DAYS)
    yield from doubt_sentences(readings.filter(pl.col("timestamp") > since).collect(), assets, _DOUBT_RATIO)
