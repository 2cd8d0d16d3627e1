"""What one load did, in figures and in one line for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from loaders.gate import Inspected
from loaders.judging import JudgedDay
from loaders.pending import HeldBack, Pending


@dataclass(frozen=True)
class LoadSummary:
    """What one call of `ingest` did. Rows are counted over the files that were new or shared a day with a new one."""

    files_seen: int = 0
    files_loaded: int = 0
    files_refused: Mapping[str, str] = field(default_factory=dict)
    files_removed: tuple[str, ...] = ()
    files_in_motion: tuple[str, ...] = ()
    files_judged_again: int = 0
    held_back: tuple[HeldBack, ...] = ()
    rows_in: int = 0
    rows_loaded: int = 0
    rows_collapsed: int = 0
    rows_quarantined: int = 0
    values_set_aside: int = 0
    quarantined_by_rule: Mapping[str, int] = field(default_factory=dict)
    rows_by_table: Mapping[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()
    duration_s: float = 0.0

    @property
    def sentence(self) -> str:
        """One line for people, and one for each folder whose missing files were not taken out."""
        return "\n".join([self._outcome, *(f"held back: {held.sentence}" for held in self.held_back)])

    @property
    def _outcome(self) -> str:
        if not self.files_seen:
            return "there are no raw files of these days, 0 rows loaded"
        if not self.files_loaded and not self.files_refused and not self.files_removed:
            left = f", {len(self.files_in_motion)} still being written" if self.files_in_motion else ""
            return f"nothing new: all {self.files_seen} files were loaded before{left}, 0 rows loaded"
        further = (
            f", {self.files_judged_again} files judged again for a change of registry or contract"
            if self.files_judged_again
            else "",
            f", {len(self.files_removed)} files removed and their rows with them"
            if self.files_removed
            else "",
            f", {len(self.files_in_motion)} still being written" if self.files_in_motion else "",
        )
        return (
            f"{self.files_loaded} of {self.files_seen} files loaded, {self.rows_loaded} rows"
            f" ({self.rows_collapsed} duplicates collapsed, {self.rows_quarantined} rows quarantined,"
            f" {self.values_set_aside} values set aside, {len(self.files_refused)} files refused)"
            + "".join(further)
        )


def summarize(
    loaded: Sequence[JudgedDay],
    misnamed: Mapping[str, Inspected],
    in_motion: Sequence[str],
    pending: Pending,
    duration_s: float,
) -> LoadSummary:
    """Count over the days that were loaded and the files whose names say no day."""
    counts = [count for judged in loaded for count in judged.counts.values()]
    rules: Counter[str] = Counter()
    rows_by_table: Counter[str] = Counter()
    refused = {name: file.refusal or "" for name, file in misnamed.items()}
    for judged in loaded:
        rules.update(judged.rules)
        refused.update(judged.refusals)
        rows_by_table[judged.unit.table] += sum(c.rows_loaded for c in judged.counts.values())
    return LoadSummary(
        files_seen=pending.files_seen,
        files_loaded=len(counts),
        files_refused=dict(sorted(refused.items())),
        files_removed=tuple(pending.removed),
        files_in_motion=tuple(in_motion),
        files_judged_again=sum(len(judged.unit.changed) for judged in loaded if judged.unit.because),
        held_back=pending.held_back,
        rows_in=sum(c.rows_in for c in counts),
        rows_loaded=sum(c.rows_loaded for c in counts),
        rows_collapsed=sum(c.rows_collapsed for c in counts),
        rows_quarantined=sum(c.rows_quarantined for c in counts),
        values_set_aside=sum(c.values_set_aside for c in counts),
        quarantined_by_rule=dict(sorted(rules.items())),
        rows_by_table=dict(sorted(rows_by_table.items())),
        days=tuple(sorted({judged.unit.day for judged in loaded})),
        duration_s=duration_s,
    )
