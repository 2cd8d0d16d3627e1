"""A first mapping for a file, from its header by names that SCADA systems use. A person has to complete it."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from renewable.contract import RawTable, column_called, column_unit, measurements
from renewable.errors import MappingError
from renewable.importers.source import one_line, read_head, text_start, unreadable
from renewable.importers.source_settings import Source
from renewable.importers.unpacking import kind_of

# Spelling in mappings of the contract's units that a keyboard lacks.
_USUAL_SPELLING = {"°C": "degC", "W/m²": "W/m2"}
_TIME = r"time|date|zeit|datum|heure|fecha|hora|measured_on|stamp"
_ASSET = r"turbine|wtg|unit|device|asset|anlage|machine|inverter|plant|name"
_FORMATS = (
    (r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d)", "%Y-%m-%dT%H:%M:%S%z"),
    (r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:Z|[+-]\d\d)", "%Y-%m-%d %H:%M:%S%z"),
    (r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$", "%Y-%m-%dT%H:%M:%S"),
    (r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", "%Y-%m-%d %H:%M:%S"),
    (r"^\d{4}-\d\d-\d\d \d\d:\d\d$", "%Y-%m-%d %H:%M"),
    (r"^\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d\d:\d\d$", "%d.%m.%Y %H:%M:%S"),
    (r"^\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d\d$", "%d.%m.%Y %H:%M"),
    (r"^\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d$", "%d/%m/%Y %H:%M:%S"),
    (r"^\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d$", "%d/%m/%Y %H:%M"),
)
_LOOKED_AT_BYTES = 200_000


def draft_mapping(path: Path) -> str:
    """A mapping for `path` as YAML text; what cannot be seen in the file is marked with TODO.

    Raises MappingError when the file cannot be read or has no column that looks like a time.
    """
    head, encoding, delimiter = _head(path)
    names = head.columns
    taken: set[str] = set()

    def find(alternatives: Sequence[str]) -> str | None:
        for alternative in alternatives:
            for name in names:
                if name not in taken and re.search(alternative, name, re.IGNORECASE):
                    taken.add(name)
                    return name
        return None

    time = find(_TIME.split("|")) or next((name for name in names if _looks_like_time(head[name])), None)
    taken.add(time or "")
    if time is None:
        raise MappingError(
            f"{path}: no column looks like a time among {', '.join(names)}; write the mapping by hand"
        )
    # Power first: many a header names it by its unit alone.
    tables: tuple[RawTable, ...] = ("generation", "weather")
    channels = {
        (table, target): (name, _USUAL_SPELLING.get(unit := column_unit(table, target), unit))
        for table in tables
        for target in measurements(table)
        if (name := find(column_called(table, target)))
    }
    asset = find(_ASSET.split("|"))
    comma = any(_all_match(head[name], r"^-?\d+,\d+$") for name in names if name not in (time, asset))
    lines = [
        f"# Drafted from the header of {path.name}: complete every TODO, then look at it with",
        "# `renewable import --preview THIS_FILE`. All settings: examples/MAPPING.md.",
        "source:",
        f"  files: {_quoted(path.name)}",
        *([f"  delimiter: {_quoted(delimiter)}"] if delimiter != "," else []),
        *(["  decimal_comma: true"] if comma else []),
        *([f"  encoding: {encoding}"] if encoding != "utf-8" else []),
        "",
        "timestamp:",
        f"  column: {_quoted(time)}",
        *_stamp_lines(head[time]),
        "  label: start          # TODO: does a stamp name the start or the end of its interval?",
        "  interval_minutes: 10  # TODO: length of the interval",
        "",
        "asset:",
        *(
            [
                f"  column: {_quoted(asset)}     # its texts are the asset_id of assets.csv, or rename them:",
                "  rename: {}",
            ]
            if asset
            else ["  constant: TODO          # the asset_id of assets.csv"]
        ),
    ]
    for table in ("weather", "generation"):
        found = {target: of for (t, target), of in channels.items() if t == table}
        if found:
            lines += ["", f"{table}:"]
            lines += [
                f"  {target}: {{column: {_quoted(name)}"
                + (f", unit: {_quoted(unit)}}}  # TODO: unit" if unit else "}")
                for target, (name, unit) in found.items()
            ]
    unused = [name for name in names if name not in taken]
    lines += ["", *([f"# Not used: {', '.join(unused)}"] if unused else [])]
    return "\n".join(lines).rstrip() + "\n"


def _looks_like_time(cells: pl.Series) -> bool:
    texts = cells.drop_nulls().cast(pl.String)
    return bool(texts.len()) and any(re.match(shape, texts[0]) for shape, _ in _FORMATS)


def _stamp_lines(cells: pl.Series) -> list[str]:
    texts = cells.drop_nulls().cast(pl.String)
    if cells.dtype != pl.String:
        return ["  zone: UTC             # TODO: which clock is it?"]
    form = next((form for shape, form in _FORMATS if texts.len() and re.match(shape, texts[0])), None)
    if (
        form is not None
        and form.startswith("%d/%m")
        and texts.str.to_datetime(form, strict=False).null_count() != 0
    ):
        form = form.replace("%d/%m", "%m/%d")
    like = f"# of texts like {texts[0]!r}" if texts.len() else "# the file has no row to see it in"
    lines = [f"  format: {_quoted(form)}" if form else f"  format: TODO          {like}"]
    if form and form.startswith(("%d/%m", "%m/%d")):
        lines[0] += "  # TODO: day or month first?"
    if form and form.endswith("%z"):
        return [
            *lines,
            "  offset: honoured      # TODO: or `ignored` with a zone, where the offsets are wrong",
        ]
    return [
        *lines,
        "  zone: UTC             # TODO: UTC, an IANA zone such as Europe/Paris, or a fixed one such as +01:00",
    ]


def _head(path: Path) -> tuple[pl.DataFrame, str, str]:
    """The first rows, the encoding and the delimiter."""
    encoding, delimiter = "utf-8", ","
    try:
        if kind_of(path) == "CSV":
            content = text_start(path, _LOOKED_AT_BYTES)
            encoding = next(e for e in ("utf-8", "cp1252", "latin-1") if _decodes(content, e))
            header = content.decode(encoding).removeprefix("\ufeff").partition("\n")[0]
            delimiter = csv.Sniffer().sniff(header, ",;\t|").delimiter
        source = Source.model_validate({"files": path.name, "delimiter": delimiter, "encoding": encoding})
        return read_head(path, source, _LOOKED_AT_BYTES), encoding, delimiter
    except unreadable() as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or one_line(error)
        raise MappingError(
            f"{path}: no table can be read from it: {reason}. Name an export: CSV, Parquet or Excel"
        ) from error


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _all_match(cells: pl.Series, pattern: str) -> bool:
    texts = cells.drop_nulls().cast(pl.String).str.strip_chars()
    texts = texts.filter(texts != "")
    return bool(
        texts.len() and texts.str.contains(r"^-?\d+([.,]\d+)?$").all() and texts.str.contains(pattern).any()
    )


def _quoted(text: str) -> str:
    """As a YAML string, where it is more than a plain word."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./ -]*", text)
    return (
        text
        if plain and text == text.strip()
        else '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
    )
