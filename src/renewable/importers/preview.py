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
from renewable.importers.convert import ImportSummary, import_files, store_of
from renewable.importers.evidence import STAMPS_SCHEMA, Evidence
from renewable.importers.inbox import label_of
from renewable.importers.kept_rows import STREAM, Stream
from renewable.importers.ledger import looked_at
from renewable.importers.mapping import Mapping, load_mapping
from renewable.importers.mirror import Change, changes, mirrored
from renewable.importers.reading_doubts import doubt_sentences
from renewable.importers.source import read_batches, source_paths
from renewable.importers.suspicious_names import suspicious_names
from renewable.importers.suspicious_stamps import open_order, suspicious_stamps
from renewable.importers.suspicious_sun import suspicious_sun
from renewable.raw_files import parse_raw_file_name
from renewable.windows import Window

# So many days at the end are asked for readings that the models will doubt, and so large a share of them is told.
_DOUBT_DAYS, _DOUBT_RATIO = 14, 0.02
_ENERGY_WORDS = "power|energ|leist|puiss|potenc|kwh|_kw|active"


@dataclass(frozen=True)
class Preview:
    """`first_rows` by table; `coverage`: day, table, rows, assets, share of filled cells of mapped columns.

    `changes` says by table what would be other in the raw files that are there; `files` what would become of each file,
    `questions` what only people can tell.
    """

    summary: ImportSummary
    first_rows: dict[RawTable, pl.DataFrame]
    coverage: pl.DataFrame
    suspicions: tuple[str, ...]
    changes: dict[RawTable, Change]
    files: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


def preview(
    mapping_path: Path,
    assets: pl.DataFrame,
    window: Window | None = None,
    raw_dir: Path | None = None,
    *,
    again: bool = False,
    now: datetime | None = None,
) -> Preview:
    """Import into a mirror of `raw_dir` and its store, and look at it; `assets` is the registry (AssetSchema).

    What is looked at are the days that the import would write, or all of the mapping's where it would write none.
    Raises MappingError as the import does.
    """
    mapping = load_mapping(mapping_path)
    with TemporaryDirectory(prefix="renewable-preview-") as place:
        mirror = Path(place) / "raw" if raw_dir is None else mirrored(raw_dir, Path(place))
        known, told = _deliveries(mirror, mapping_path.stem), list[str]()
        summary = import_files(
            mapping_path, mirror, window, AssetFacts.of_registry(assets), again=again, report=told.append
        )
        tables = _written(mapping, mapping_path, mirror)
        mapped = {t: [n for part in mapping.parts for n in part.channels(t)] for t in mapping.all_tables}
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
            *_power(tables, assets),
            *suspicious_sun(seen),
            *_doubts(tables, assets),
            *_second_energy_columns(mapping, mapping_path),
        ]
        asked = [*open_order(seen)]
        changed = {} if raw_dir is None else changes(raw_dir, mirror)
        files = (*told, *_fates(mirror, mapping, mapping_path, known))
    return Preview(
        summary, first, pl.concat(cells).sort("day", "table"), tuple(found), changed, files, tuple(asked)
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


def _power(tables: dict[RawTable, pl.LazyFrame], assets: pl.DataFrame) -> Iterator[str]:
    if "generation" not in tables:
        return
    registry = assets.lazy().select("asset_id", "technology", "rated_power_kw")
    found = (
        tables["generation"]
        .join(registry, on="asset_id")
        .group_by("asset_id")
        .agg(
            high=pl.col("active_power_kw").quantile(0.999) / pl.col("rated_power_kw").first(),
            low=pl.col("active_power_kw").quantile(0.01) / pl.col("rated_power_kw").first(),
            days=pl.col("timestamp").dt.date().n_unique(),
        )
        .sort("asset_id")
        .collect()
    )
    for row in found.drop_nulls("high").iter_rows(named=True):
        if row["high"] > 1.2:
            yield f"{row['asset_id']}: power reaches {row['high']:.2f} times rated power: is the unit right?"
        elif row["high"] < 0.55 and row["days"] >= 7:
            yield (
                f"{row['asset_id']}: power hardly passes {row['high']:.2f} of rated power: half an hour's energy"
                " read as power, a wrong unit, one of several inverters, or a calm season?"
            )
        if row["low"] < -0.02:
            yield f"{row['asset_id']}: consumes {-row['low']:.1%} of rated power at standstill: is the sign right?"


def _doubts(tables: dict[RawTable, pl.LazyFrame], assets: pl.DataFrame) -> Iterator[str]:
    """Readings of the last days that break the models' own rules."""
    frames = [frame.drop_nulls(KEY).unique(KEY, keep="none") for frame in tables.values()]
    readings = frames[0]
    for other in frames[1:]:
        readings = readings.join(other, on=list(KEY), how="full", coalesce=True)
    since = pl.col("timestamp").max() - timedelta(days=_DOUBT_DAYS)
    yield from doubt_sentences(readings.filter(pl.col("timestamp") > since).collect(), assets, _DOUBT_RATIO)


def _second_energy_columns(mapping: Mapping, mapping_path: Path) -> Iterator[str]:
    for part in mapping.parts:
        channel = part.generation.get("active_power_kw")
        if channel is None or channel.column is None or part.asset.wide:
            continue
        path = source_paths(part, mapping_path)[0]
        sample = next(read_batches(path, part.source.model_copy(update={"keep": None})))
        comma = part.source.decimal_comma
        numbers = sample.rows.select(
            (pl.col(pl.String).str.replace(",", ".", literal=True) if comma else pl.col(pl.String)).cast(
                pl.Float64, strict=False
            )
        ).with_columns(sample.rows.select(pl.col(pl.Float64, pl.Int64)))
        if channel.column not in numbers.columns:
            continue
        others = numbers.select(pl.col(f"^(?i).*({_ENERGY_WORDS}).*$")).columns
        for name in others:
            both = numbers.select(ours=channel.column, theirs=name).drop_nulls()
            if name == channel.column or both.height < 50 or both["theirs"].n_unique() < 20:
                continue
            fit, share = both.select(
                fit=pl.corr("ours", "theirs"), share=pl.col("theirs").sum() / pl.col("ours").sum()
            ).row(0)
            if fit is not None and fit > 0.9 and abs(share - 1) > 0.005:
                yield (
                    f"{path.name}: column {name} runs with {channel.column} and adds up to {share:.3f} of it:"
                    " make sure which of them is the power to be used"
                )
