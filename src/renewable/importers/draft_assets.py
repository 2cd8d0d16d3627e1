"""Which assets the rows of an unknown table are about: a column, a line, the file's name or columns side by side."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import polars as pl

from renewable.importers.draft_channels import Shape
from renewable.importers.draft_lines import Line, Todo, asked, listed, paired, quoted
from renewable.importers.source import SourceFrame

_NAME = re.compile(
    r"turbine|wtg|unit|device|asset|anlage|machine|inverter|plant|name|duid|meter|station|site|area|logger|park|gsrn|tag|\bid\b"
    r"|equip|ger[äa]e?t|dispositi|appareil|urz[ąa]dz|aerogen|[ée]olienne|\bwea\b|wechselrichter|inversor|onduleur",
    re.IGNORECASE,
)
_LINE = re.compile(
    r"^(\W*(?:turbine|wtg|asset|plant|anlage|device|inverter|site|station|unit|logger|park|name)\b"
    r"(?:[ _-]*(?:name|id|code|sn|serial|no|nr|number)\b\.?)*\s*[:=;,\t]\s*)"
    r"([^;,\t]+)",
    re.IGNORECASE,
)
_MOST_ASSETS, _MOST_NAMES = 30, 60
_SHARE_OF_ROWS = 0.5
_PERMUTED = 3


@dataclass(frozen=True)
class AssetColumn:
    """A column that names assets, and its names."""

    column: str
    names: tuple[str, ...]


def asset_column(
    rows: pl.DataFrame, free: Sequence[str], ids: Sequence[str], clock: pl.Series
) -> AssetColumn | None:
    """The column that names the asset of a row: by the registry's names, else by its own name and equal stamps."""
    best: tuple[int, AssetColumn] | None = None
    several = clock.drop_nulls().is_duplicated().sum() > _SHARE_OF_ROWS * clock.len()
    for name in free:
        texts = rows[name].drop_nulls().cast(pl.String)
        words = texts.unique(maintain_order=True).to_list()
        if not words or len(words) > _MOST_NAMES:
            continue
        found = AssetColumn(name, tuple(sorted(words)))
        rank = None
        if ids and set(words) & set(ids):
            rank = 0
        elif ids and matched(words, ids):
            rank = 1
        elif (
            _NAME.search(name) and rows.schema[name] == pl.String and (several or not ids or len(words) == 1)
        ):
            is_text = not texts.str.contains(r"^[+-]?\d+[.,]\d+$").any()
            rank = 2 if is_text else None
        if rank is not None and (best is None or rank < best[0]):
            best = rank, found
    return None if best is None else best[1]


def plain(name: str) -> str:
    """A name without signs, case and zeros before its numbers: WTG-01 and wtg1 are alike."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[^a-z0-9]", "", name.lower()))


def matched(names: Sequence[str], ids: Sequence[str]) -> dict[str, str]:
    """Names that mean an asset of the registry though written otherwise; those that are equal are there too."""
    known = {plain(each): each for each in ids}
    if len(known) < len(ids):
        return {}
    found = {name: known[plain(name)] for name in names if plain(name) in known}
    return found if len(set(found.values())) == len(found) else {}


def _by_number(names: Sequence[str], ids: Sequence[str]) -> dict[str, str]:
    """Names to assets by the last number in both, where that is one to one."""

    def number(text: str) -> str | None:
        found = re.findall(r"\d+", text)
        return str(int(found[-1])) if found else None

    known = {number(each): each for each in ids}
    found = {
        name: known[number(name)] for name in names if number(name) in known and number(name) is not None
    }
    return found if len(known) == len(ids) and len(found) == len(names) == len(set(found.values())) else {}


def renamings(names: Sequence[str], ids: Sequence[str]) -> list[dict[str, str]]:
    """What names may mean, the likeliest first; one where the registry leaves no doubt. {} stands for themselves."""
    if not ids or set(names) <= set(ids):
        return [{}]
    sure = matched(names, ids)
    if sure:
        return [{name: target for name, target in sure.items() if name != target}]
    options = [found] if (found := _by_number(names, ids)) else []
    if len(names) <= _PERMUTED:
        options += [dict(zip(names, order, strict=True)) for order in permutations(ids[:6], len(names))]
    elif len(names) == len(ids):
        options.append(dict(zip(names, ids, strict=True)))
    return [*options[:_MOST_ASSETS], {}]


def asset_line(
    found: AssetColumn | None,
    batches: Sequence[SourceFrame],
    shapes: Sequence[Shape],
    ids: Sequence[str],
    *,
    weather_only: bool = False,
) -> Line:
    """The section `asset`, or a question with all that it could be."""
    if shapes:
        return _side_by_side(shapes[0].tokens, ids)
    every = [f"asset: {{every: {listed(ids)}}}"] if weather_only and 1 <= len(ids) <= _MOST_ASSETS else []
    if found is not None:
        return asked(
            f"what are the names in {found.column!r} called in assets.csv?",
            [_section(f"column: {quoted(found.column)}", each) for each in renamings(found.names, ids)]
            + (
                [*_constants(ids), *every]
                if len(found.names) == 1 and not set(found.names) & set(ids)
                else []
            ),
        )
    choices = [*_lines_above(batches, ids), *_file_names(batches, ids)]
    sure = choices[:1] if len(batches) > 1 and len(choices) == 1 else []
    question = "which asset is it? constant: its asset_id in assets.csv."
    if not sure and not ids:
        own = re.sub(r"\W+", "-", batches[0].file_name.partition(".")[0]).strip("-") or "plant"
        constant = f"asset: {{constant: {quoted(own)}}}    # or another name that stands in assets.csv"
        return Todo(question, (*choices, constant))
    return asked(question, sure or [*choices, *_constants(ids), *every])


def _constants(ids: Sequence[str]) -> list[str]:
    return [f"asset: {{constant: {quoted(each)}}}" for each in ids[:_MOST_ASSETS]]


def _section(origin: str, rename: dict[str, str]) -> str:
    return f"asset: {{{origin}, rename: {paired(rename)}}}" if rename else f"asset: {{{origin}}}"


def _side_by_side(tokens: Sequence[str], ids: Sequence[str]) -> Line:
    options = [{token: token for token in tokens} | each for each in renamings(tokens, ids)]
    return whose_columns(options, ids if len(options) > 1 else ())


def whose_columns(options: Sequence[dict[str, str]], ids: Sequence[str]) -> Line:
    """Whose columns side by side are: those of `options`, or of one asset of `ids` that is their sum."""
    sums = [dict.fromkeys(options[0], each) for each in ids[:_MOST_ASSETS]]
    return asked(
        "whose are the columns side by side? combine: sum where they are parts of one asset.",
        [
            *(f"asset: {{wide: {paired(each)}}}" for each in options),
            *(f"asset: {{wide: {paired(each)}, combine: sum}}" for each in sums),
        ],
    )


def _lines_above(batches: Sequence[SourceFrame], ids: Sequence[str]) -> list[str]:
    """Lines above the header that name an asset."""
    found: dict[str, list[str]] = {}
    for batch in batches:
        for line in batch.lines:
            named = _LINE.match(line)
            # The header may begin with such a word, too.
            if named and named[2].strip() and named[2].strip() not in batch.rows.columns:
                found.setdefault(named[1], []).append(named[2].strip())
    choices = []
    for before, names in found.items():
        if len(names) != len(batches):
            continue
        pattern = f"line: '^{re.escape(before.rstrip()).replace(' ', ' ')}\\s*(?P<asset>[^;,\\t]*[^;,\\t\\s])'".replace(
            "\\ ", " "
        )
        for each in renamings(names, ids):
            if each or not ids or set(names) <= set(ids):
                choices.append(_section(pattern.replace("\\#", "#"), each))
    return choices


def _file_names(batches: Sequence[SourceFrame], ids: Sequence[str]) -> list[str]:
    """Words of the files' names that are assets of the registry."""
    known = {plain(each): each for each in ids}
    shapes: dict[str, dict[str, str]] = {}
    for batch in batches:
        name = batch.file_name.rpartition(": ")[2]
        for word in re.findall(r"[A-Za-z]+[-_ ]?\d+|[A-Za-z]+", name):
            if plain(word) in known:
                shape = re.sub(
                    r"\d+", r"\\d+", re.escape(word).replace("\\", "") if not re.search(r"\d", word) else word
                )
                shapes.setdefault(shape, {})[word] = known[plain(word)]
    return [
        _section(f"file_name: '(?P<asset>{shape})'", {k: v for k, v in names.items() if k != v})
        for shape, names in shapes.items()
        if len(names) == len(batches)
    ]
