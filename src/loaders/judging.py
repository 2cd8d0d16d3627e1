"""Judging table days: each file by name and footer, spotless days at a glance, the others row by row.

What is set aside is written to the quarantine here; what is accepted is left as files for the load.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from loaders.gate import (
    FileCounts,
    FileInMotionError,
    Inspected,
    inspect_file,
    judge_day,
    read_rows,
    refused_by_name,
)
from loaders.pending import DayFiles, Pending, Unit, ledger_name
from loaders.quarantine import clear_refused_file, store_refused_file, store_verdict
from loaders.screen import spotless_days
from loaders.verdicts import Standing, named_assets
from renewable.contract import TABLES, RawTable
from renewable.fleet import Fleet
from renewable.settings import Settings

_InspectedDays = dict[Unit, tuple[DayFiles, dict[str, Inspected]]]


@dataclass(frozen=True)
class JudgedDay:
    """A table's UTC day after the gate. `sources` are the files that hold exactly its accepted rows.

    `assets` tells for each file that was read which assets its rows name (`named_assets`), `set_aside` is the file of
    the values of the day that were set aside, where there are any.
    """

    unit: DayFiles
    files: Mapping[str, Inspected]
    refusals: Mapping[str, str]
    counts: Mapping[str, FileCounts]
    sources: tuple[Path, ...] = ()
    assets: Mapping[str, str | None] = field(default_factory=dict)
    rules: Mapping[str, int] = field(default_factory=dict)
    set_aside: Path | None = None

    @property
    def key(self) -> Unit:
        return self.unit.table, self.unit.day


@dataclass(frozen=True)
class Judge:
    """Judges by a fleet and by what holds of earlier verdicts; rows that were accepted go to files under `work`."""

    settings: Settings
    fleet: Fleet
    standing: Standing
    work: Path

    def days(self, units: Sequence[DayFiles]) -> tuple[list[JudgedDay], list[str]]:
        """Judge table days; those with a file that moves meanwhile are left out, and the files' names returned."""
        inspected, in_motion = self._inspect(units)
        spotless = self._spotless(inspected)
        batch = []
        for key, (unit, files) in inspected.items():
            try:
                if key in spotless:
                    batch.append(self._at_a_glance(unit, files, spotless[key]))
                else:
                    batch.append(self._row_by_row(unit, files))
            except FileInMotionError as error:
                in_motion.append(self._name(error.args[0]))
        return batch, in_motion

    def _inspect(self, units: Sequence[DayFiles]) -> tuple[_InspectedDays, list[str]]:
        """Fingerprints and footers; (days, names of files in motion)."""
        inspected, in_motion = _InspectedDays(), list[str]()
        for unit in units:
            try:
                files = {self._name(path): self._inspect_file(path, unit.table) for path in unit.paths}
                inspected[unit.table, unit.day] = unit, files
            except FileInMotionError as error:
                in_motion.append(self._name(error.args[0]))
        return inspected, in_motion

    def _inspect_file(self, path: Path, table: RawTable) -> Inspected:
        return inspect_file(
            path,
            table,
            max_rows=self.settings.max_rows_per_file,
            extra_columns=self.settings.allowed_extra_columns,
            columns_then=self.standing.columns_then[table],
        )

    def _spotless(self, inspected: _InspectedDays) -> dict[Unit, dict[Path, list[str]]]:
        """The days without a fault, with the assets that each of their files names."""
        spotless = dict[Unit, dict[Path, list[str]]]()
        for table in TABLES:
            whole = {
                day: [file.path for file in files.values() if file.rows]
                for (found, day), (_, files) in inspected.items()
                if found == table
                and all(file.refusal is None and file.convert is None for file in files.values())
            }
            spotless |= spotless_days(
                table, {day: paths for day, paths in whole.items() if paths}, self.fleet
            )
        return spotless

    def _at_a_glance(
        self, unit: DayFiles, files: Mapping[str, Inspected], assets: Mapping[Path, Sequence[str]]
    ) -> JudgedDay:
        store_verdict(self.settings.quarantine_dir, unit.table, unit.day, None)
        counts = {name: FileCounts(file.rows, file.rows, 0, 0, 0) for name, file in files.items()}
        sources = tuple(file.path for file in files.values() if file.rows)
        named = {name: named_assets(assets.get(file.path, ())) for name, file in files.items()}
        return JudgedDay(unit, files, {}, counts, sources, named)

    def _row_by_row(self, unit: DayFiles, files: Mapping[str, Inspected]) -> JudgedDay:
        refusals, frames = dict[str, str](), dict[str, pl.DataFrame]()
        for name, file in files.items():
            frame, refusal = (None, file.refusal) if file.refusal else read_rows(file)
            if frame is not None:
                frames[name] = frame
            elif refusal is not None:
                refusals[name] = refusal
        verdict = judge_day(unit.table, unit.day, frames, self.fleet)
        store_verdict(self.settings.quarantine_dir, unit.table, unit.day, verdict)
        accepted = self.work / f"{unit.table}_{unit.day}.parquet"
        verdict.accepted.write_parquet(accepted, compression="uncompressed")
        set_aside = (
            self.work / f"{unit.table}_{unit.day}.set_aside.parquet" if verdict.set_aside.height else None
        )
        if set_aside:
            verdict.set_aside.write_parquet(set_aside)
        rules = Counter([*verdict.rejected["rule"], *verdict.set_aside["rule"]])
        named = {name: named_assets(frame["asset_id"].unique()) for name, frame in frames.items()}
        return JudgedDay(unit, files, refusals, verdict.counts, (accepted,), named, rules, set_aside)

    def _name(self, path: Path) -> str:
        return ledger_name(path, self.settings.raw_dir)


def store_refusals(settings: Settings, batch: Sequence[JudgedDay]) -> None:
    """Write the files that were refused to the quarantine; those that are accepted or gone leave it."""
    for judged in batch:
        for name, file in judged.files.items():
            if name in judged.refusals:
                store_refused_file(settings, name, judged.refusals[name], file.fingerprint)
            else:
                clear_refused_file(settings.quarantine_dir, name)
        for name in judged.unit.removed:
            clear_refused_file(settings.quarantine_dir, name)


def judge_misnamed(settings: Settings, pending: Pending) -> dict[str, Inspected]:
    """The verdicts on files whose name or place says no table and day, by ledger_name."""
    found = dict[str, Inspected]()
    for path in pending.misnamed:
        # One that is gone meanwhile needs no verdict.
        with suppress(FileInMotionError):
            found[ledger_name(path, settings.raw_dir)] = refused_by_name(path, settings.raw_dir)
    return found
