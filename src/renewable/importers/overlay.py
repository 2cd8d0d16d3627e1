"""One delivery laid over another: the later one wins value by value, an empty cell erases nothing; what changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from renewable.contract import KEY
from renewable.importers.streams import SHIFTED, SHIFTS

_NUMBER, _FOUND = "number_", "found_"


@dataclass(frozen=True)
class Change:
    """What becomes of a raw table: rows by their keys, and values of keys that are there before and after."""

    rows_added: int = 0
    rows_removed: int = 0
    values_added: int = 0
    values_changed: int = 0
    values_removed: int = 0
    values_of_removed_rows: int = 0

    def __add__(self, other: "Change") -> "Change":
        return Change(
            self.rows_added + other.rows_added,
            self.rows_removed + other.rows_removed,
            self.values_added + other.values_added,
            self.values_changed + other.values_changed,
            self.values_removed + other.values_removed,
            self.values_of_removed_rows + other.values_of_removed_rows,
        )

    @property
    def values_lost(self) -> int:
        """Values of before that are others now, or gone."""
        return self.values_changed + self.values_removed + self.values_of_removed_rows

    @property
    def sentence(self) -> str:
        return (
            f"{self.rows_added} rows would be added and {self.rows_removed} removed; of rows that are there"
            f" {self.values_added} values would be filled, {self.values_changed} changed, {self.values_removed} removed"
        )


def laid_over(below: pl.DataFrame, above: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The rows of two deliveries of one UTC day as one frame, ordered by `by`; columns are those of both.

    Rows belong together that agree in `by`; several of a delivery count in their order. What is null above comes from
    below. Where `above` has fewer rows of a key than `below`, its rows stand for all of them: what is null in them is
    filled where the rows below agree; but a row that is one half of a repeated hour leaves the other half. The two
    stamps of a repeated hour, one in each delivery, are two instants and no overlap, provided that the deliveries have
    no other stamp of the day in common.
    """
    columns = list(dict.fromkeys([*below.columns, *above.columns]))
    below, above = (_numbered(frame, by) for frame in (below, above))
    shared = above.select(by).unique().join(below.select(by).unique(), on=by, how="semi", nulls_equal=True)
    may_be_pairs = shared.height > 0 and SHIFTS[0] in below.columns and SHIFTS[0] in above.columns
    if (
        may_be_pairs
        and shared.join(_twice_there(below, above, by), on=by, how="anti", nulls_equal=True).is_empty()
    ):
        shared = shared.clear()
    if shared.is_empty():
        both = pl.concat([below, above], how="diagonal_relaxed")
    else:
        alone = below.join(shared, on=by, how="anti", nulls_equal=True, maintain_order="left")
        met = below.join(shared, on=by, how="semi", nulls_equal=True, maintain_order="left")
        if may_be_pairs:
            above = _as_half(met, above, by)
            other = _other_halves(met, above, by)
            alone = pl.concat([alone, other], how="diagonal_relaxed")
            met = met.join(other, on=[*by, _NUMBER], how="anti", nulls_equal=True, maintain_order="left")
        both = pl.concat([alone, _filled(met, above, by)], how="diagonal_relaxed")
    return both.sort(*by, _NUMBER, maintain_order=True).select(columns)


def ordered(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """A delivery's rows in the order in which `laid_over` gives them."""
    return frame.sort(by, maintain_order=True)


def difference(before: pl.DataFrame, after: pl.DataFrame) -> Change:
    """What is other in `after`; both have the columns of one table. Several rows of a key count in their order."""
    if before.is_empty():
        return Change(rows_added=after.height)
    by = [*KEY, _NUMBER]
    before, after = _numbered(before, KEY), _numbered(after, KEY)
    gone = before.join(after, on=by, how="anti", nulls_equal=True)
    new = after.join(before, on=by, how="anti", nulls_equal=True)
    met = before.join(after, on=by, how="inner", nulls_equal=True, suffix="_after")
    channels = [name for name in before.columns if name not in by]
    filled = emptied = changed = 0
    for name in channels:
        old, now = met[name], met[f"{name}_after"]
        filled += int((old.is_null() & now.is_not_null()).sum())
        emptied += int((old.is_not_null() & now.is_null()).sum())
        changed += int((old != now).sum())
    lost = sum(gone[name].count() for name in channels)
    return Change(new.height, gone.height, filled, changed, emptied, lost)


def _numbered(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    return frame.with_columns(pl.int_range(pl.len()).over(by).alias(_NUMBER))


def _twice_there(below: pl.DataFrame, above: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Keys of a repeated hour of which each delivery has one row."""
    single = [
        frame.group_by(by, maintain_order=True)
        .agg(pl.len().alias(_FOUND), SHIFTED.any().alias("shifted_"))
        .filter((pl.col(_FOUND) == 1) & pl.col("shifted_"))
        .select(by)
        for frame in (below, above)
    ]
    return single[0].join(single[1], on=by, how="semi", nulls_equal=True)


def _as_half(met: pl.DataFrame, above: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """`above`, where a row that is one half of a pair has the number of the half below whose values it has.

    One that has the values of neither, or of both, counts as the first.
    """
    values = [name for name in above.columns if name not in (*by, _NUMBER, *SHIFTS) and name in met.columns]
    second = met.filter(pl.col(_NUMBER) == 1).select(*by, *values)
    first = met.filter(pl.col(_NUMBER) == 0).select(*by, *values)
    joined = above.join(
        first, on=by, how="left", nulls_equal=True, suffix="_first", maintain_order="left"
    ).join(second, on=by, how="left", nulls_equal=True, suffix="_second", maintain_order="left")

    def alike(half: str) -> pl.Expr:
        return pl.all_horizontal(pl.lit(True), *(pl.col(n).eq_missing(pl.col(f"{n}_{half}")) for n in values))

    alone = (pl.len().over(by) == 1) & SHIFTED
    number = pl.when(alone & alike("second") & ~alike("first")).then(1).otherwise(_NUMBER)
    return joined.with_columns(number.cast(above.schema[_NUMBER]).alias(_NUMBER)).select(above.columns)


def _other_halves(met: pl.DataFrame, above: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The halves of pairs below of which the delivery above has the other half alone."""
    single = above.filter((pl.len().over(by) == 1) & SHIFTED).select(*by, pl.col(_NUMBER).alias("above_"))
    pairs = met.filter((pl.len().over(by) == 2) & SHIFTED)
    return (
        pairs.join(single, on=by, how="inner", nulls_equal=True, maintain_order="left")
        .filter(pl.col(_NUMBER) != pl.col("above_"))
        .drop("above_")
    )


def _filled(met: pl.DataFrame, above: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The rows of `above`, their empty cells filled from the rows `met` of the same keys."""
    counts = above.group_by(by).agg(pl.len().alias("above_"))
    sized = met.with_columns(pl.len().over(by).alias(_FOUND)).join(
        counts, on=by, how="left", nulls_equal=True
    )
    values = [name for name in met.columns if name not in (*by, _NUMBER)]
    pairs = sized.filter(pl.col(_FOUND) <= pl.col("above_")).select(*by, _NUMBER, *values)
    agreed = (
        sized.filter(pl.col(_FOUND) > pl.col("above_"))
        .group_by(by)
        .agg(
            pl.when(pl.col(name).drop_nulls().n_unique() == 1).then(pl.col(name).drop_nulls().first())
            for name in values
        )
    )
    found = above.join(
        pairs, on=[*by, _NUMBER], how="left", nulls_equal=True, suffix="_pair", maintain_order="left"
    )
    found = found.join(
        agreed, on=list(by), how="left", nulls_equal=True, suffix="_all", maintain_order="left"
    )
    own = [name for name in above.columns if name not in (*by, _NUMBER)]
    return found.select(
        *by,
        _NUMBER,
        *(pl.coalesce(n, f"{n}_pair", f"{n}_all") if n in values else pl.col(n) for n in own),
        # Columns that the upper delivery does not have keep their names in the first join, not in the second.
        *(pl.coalesce(name, f"{name}_all").alias(name) for name in values if name not in own),
    )
