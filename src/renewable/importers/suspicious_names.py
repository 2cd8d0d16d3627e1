"""Suspicions of a preview about names: assets that the registry does not have, and those that have no row."""

from collections.abc import Iterable, Iterator

import polars as pl

from renewable.importers.asset_settings import Asset
from renewable.importers.evidence import Evidence

_TOLD = 10


def suspicious_names(seen: Evidence) -> Iterator[str]:
    """Unknown assets, those first that are nearly known, and silent ones."""
    frames = [frame.select("asset_id").unique() for frame in seen.tables.values()]
    present = set(pl.concat(frames).unique().collect()["asset_id"].drop_nulls())
    known = set(seen.assets["asset_id"])
    unknown, silent = sorted(present - known), sorted(known - present)
    near = {name: found for name in unknown if (found := nearly(name, known))}
    for name, found in near.items():
        part = _part_of(seen, name)
        yield (
            f"{name} is no asset of the registry: did you mean {' or '.join(found)}?"
            f" Say so in {_setting(seen, part)}"
        )
    strange = [name for name in unknown if name not in near]
    if strange:
        part = _part_of(seen, strange[0])
        yield (
            "assets that the registry does not have, their rows would end in quarantine:"
            f" {_listed(strange)}. Rename them in {_setting(seen, part)}, or enter them into the registry"
        )
    meant = {name for found in near.values() for name in found}
    if silent := [name for name in silent if name not in meant]:
        yield f"assets of the registry without a row: {_listed(silent)}"


def nearly(name: str, known: Iterable[str]) -> list[str]:
    """The names that differ from one only in case, marks, blanks or zeros before a number."""
    return sorted(other for other in known if _plain(other) == _plain(name) and other != name)


def _plain(name: str) -> str:
    """A name's letters in lower case and its numbers, without the zeros that precede them."""
    text = "".join(c if c.isalnum() else " " for c in name.casefold())
    runs, last = list[str](), ""
    for c in text:
        if c == " ":
            last = c
            continue
        same = runs and (c.isdecimal() == runs[-1][-1].isdecimal())
        # Numbers that a mark divides are two: 1-12 is not 11-2.
        if same and not (c.isdecimal() and last == " "):
            runs[-1] += c
        else:
            runs.append(c)
        last = c
    return " ".join(run.lstrip("0") or "0" if run.isdecimal() else run for run in runs)


def _part_of(seen: Evidence, asset_id: str) -> int:
    found = seen.stamps.filter(pl.col("asset_id") == asset_id)["part"]
    return 0 if found.is_empty() else int(found[0])


def _setting(seen: Evidence, part: int) -> str:
    return seen.line(f"asset.{_names_assets(seen.mapping.parts[part].asset)}", part)


def _names_assets(asset: Asset) -> str:
    """The setting that says what an asset is called here."""
    if asset.constant is not None:
        return "constant"
    if asset.every:
        return "every"
    return "wide" if asset.wide else "rename"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more
