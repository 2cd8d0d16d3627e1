"""How many deliveries a draft reads rightly, once each of its questions is answered by one of its own choices.

`python -m benchmarks.drafts CASES MAPPINGS [NN …]`: CASES holds a folder NN-… for each delivery with `assets.csv` and
`truth.csv`; MAPPINGS/NN/mapping.yaml is the mapping of a person, by which the choices are made.
"""

import csv
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import yaml

from renewable.errors import MappingError
from renewable.importers.asset_facts import AssetFacts
from renewable.importers.convert import import_files
from renewable.importers.draft import draft_mapping
from renewable.importers.mapping import load_mapping

_NO_DELIVERY = {
    "mapping",
    "expected",
    "truth",
    "assets",
    "power_curves",
    "states",
    "profile",
    "truth_weather",
}
_TOLERANCE = 1e-6


def answered(draft: str, choose: Callable[[str, list[str]], int]) -> str:
    """The draft with one choice of each question uncommented; `choose` is given its section and the choices."""
    lines, section, at = draft.splitlines(), "", 0
    while at < len(lines):
        line = lines[at]
        if line[:1].isalpha():
            section = line.partition(":")[0]
        indent, mark, _ = line.partition("# TODO: ")
        at += 1
        if not mark:
            continue
        first = at
        while at < len(lines) and lines[at].startswith(f"{indent}# ") and "# TODO" not in lines[at]:
            at += 1
        choices = [each.replace("# ", "", 1) for each in lines[first:at]]
        chosen = choose(section if indent else "", choices)
        lines[first + chosen] = choices[chosen]
    return "\n".join(lines) + "\n"


def by_reference(reference: dict[str, Any]) -> Callable[[str, list[str]], int]:
    """Chooses what is most like a reference, a mapping as a person wrote it."""

    def choose(section: str, choices: list[str]) -> int:
        own = reference.get(section, {}) if section else reference
        if isinstance(own, list):
            own = {
                name: value for part in own[:1] for of in (part, *part.values()) for name, value in of.items()
            }
        return max(range(len(choices)), key=lambda place: (_likeness(choices[place], own), -place))

    return choose


def _likeness(choice: str, reference: Any) -> float:
    (name, value), *_ = yaml.safe_load(choice.strip()).items()
    wanted = reference.get(name) if isinstance(reference, dict) else None
    if wanted == value:
        return 10.0
    if isinstance(value, dict) and isinstance(wanted, dict):
        return sum(_alike(value.get(key), of) for key, of in wanted.items()) - 0.1 * len(
            set(value) - set(wanted)
        )
    return 0.0


def _by_place(reference: dict[str, Any]) -> dict[str, Any]:
    """The reference with columns called by their place where it names those of a file without a header."""
    names = {name: f"column_{place}" for place, name in enumerate(reference["source"].get("columns", ()), 1)}
    for table in ("weather", "generation"):
        for channel in reference.get(table, {}).values():
            of_case = re.search(r"THEN (\w+) END", channel.pop("expression", ""))
            if of_case:
                channel["column"], channel["quality"] = of_case[1], {}
            channel["column"] = names.get(channel.get("column"), channel.get("column"))
    return reference


def _alike(value: Any, wanted: Any) -> float:
    if value == wanted:
        return 2.0
    if isinstance(value, dict) and isinstance(wanted, dict):
        shared = [
            key for key in wanted if any(str(key)[-2:] in str(k) and value[k] == wanted[key] for k in value)
        ]
        return 0.5 + len(shared) / max(1, len(wanted))
    return 1.0 if bool(value) and bool(wanted) else 0.0


def judged(case: Path, files: Sequence[Path], reference_path: Path) -> str:
    """What is wrong with the drafted result; empty where nothing is."""
    assets = pl.read_csv(case / "assets.csv", infer_schema_length=None)
    reference = _by_place(yaml.safe_load(reference_path.read_text()))
    draft = draft_mapping(files, assets)
    text = answered(draft, by_reference(reference))
    with TemporaryDirectory() as place:
        for file in files:
            (Path(place) / file.name).symlink_to(file)
        mapping = Path(place) / "mapping.yaml"
        mapping.write_text(text)
        print(text, file=sys.stderr)
        load_mapping(mapping)
        facts = AssetFacts.of_registry(assets)
        import_files(mapping, Path(place) / "raw", None, facts)
        right_dir = Path(place) / "right"
        mapping.write_text(reference_path.read_text())
        try:
            if (case / "archive").is_dir():
                mapping.write_text(
                    re.sub("files: .*?(?=[,}\\n])", f"files: '*{files[0].suffix}'", mapping.read_text())
                )
            import_files(mapping, right_dir, None, facts)
        except MappingError as error:
            return f"the reference is refused: {error}"
        if _against_truth(case, right_dir):
            return _same(Path(place) / "raw", right_dir, assets, "generation")
        return _against_truth(case, Path(place) / "raw") or _same(
            Path(place) / "raw", right_dir, assets, "weather"
        )


def _against_truth(case: Path, raw: Path) -> str:
    if not (case / "truth.csv").exists():
        return ""
    with (case / "truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    known = {
        (row["asset_id"], row["utc_start"]): None
        if row["power_kw"] in ("", "None")
        else float(row["power_kw"])
        for row in rows
    }
    or_null = {(row["asset_id"], row["utc_start"]) for row in rows if row.get("or_null") == "1"}
    got: dict[tuple[str, str], float | None] = {}
    for path in raw.glob("generation/*.parquet"):
        frame = pl.read_parquet(path)
        for asset, at, power in frame.select("asset_id", "timestamp", "active_power_kw").iter_rows():
            got[asset, f"{at:%Y-%m-%dT%H:%M:%SZ}"] = power
    bad = [
        (key, right, got.get(key))
        for key, right in known.items()
        if (not (key in or_null and got.get(key) is None) and (right is None) != (got.get(key) is None))
        or (
            right is not None
            and got.get(key) is not None
            and abs((got[key] or 0) - right) > _TOLERANCE * max(1, abs(right))
        )
    ]
    more = [
        key
        for key, power in got.items()
        if key not in known and power is not None and known and key[0] in {a for a, _ in known}
    ]
    if bad:
        return f"{len(bad)} of {len(known)} intervals differ, first {bad[0]}"
    return f"{len(more)} intervals that nobody measured, first {more[0]}" if more else ""


def _same(raw: Path, right_dir: Path, assets: pl.DataFrame, table: str) -> str:
    ids = assets["asset_id"].to_list()

    def rows(folder: Path) -> pl.DataFrame:
        files = sorted(folder.glob(f"{table}/*.parquet"))
        return (
            pl.concat([pl.read_parquet(f) for f in files]).sort("asset_id", "timestamp")
            if files
            else pl.DataFrame()
        )

    right, got = rows(right_dir), rows(raw)
    if right.is_empty():
        return ""
    if got.is_empty():
        return f"no {table}"
    right, got = (each.filter(pl.col("asset_id").is_in(ids)) for each in (right, got))
    told = [name for name in right.columns if right[name].null_count() < right.height]
    return "" if right.select(told).equals(got.select(told)) else f"{table} differs"


def main() -> int:
    """Print a line a case and the share that is right."""
    cases, mappings, wanted = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    right = total = 0
    for case in sorted(path.parent for path in cases.glob("*/assets.csv")):
        number = case.name.partition("-")[0]
        reference = mappings / number / "mapping.yaml"
        if not reference.exists():
            reference = case / "mapping.yaml"
        if (wanted and number not in wanted) or not reference.exists():
            continue
        files = _delivery(case, reference)
        try:
            fault = judged(case, files, reference)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        total += 1
        right += not fault
        print(f"{case.name}: {fault or 'ok'}", flush=True)
    print(f"{right} of {total}")
    return 0


def _delivery(case: Path, reference: Path) -> list[Path]:
    """The files that the reference names."""
    wanted = yaml.safe_load(reference.read_text())
    if (case / "archive").is_dir():
        return sorted((case / "archive").iterdir())
    own = sorted(case.glob(wanted["source"]["files"]))
    more = [path for part in wanted.get("also", ()) for path in sorted(case.glob(part["source"]["files"]))]
    return list(dict.fromkeys([*own, *more]))


if __name__ == "__main__":
    sys.exit(main())
