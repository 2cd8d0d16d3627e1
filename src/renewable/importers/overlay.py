"""One delivery laid over another: the later one wins value by value, and an empty cell erases nothing."""

from collections.abc import Sequence

import polars as pl

from renewable.importers.together import SHIFTS

_NUMBER, _FOUND = "number_", "found_"


def laid_over(below: pl.DataFrame, above: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The rows of two deliveries of one UTC day as one frame, ordered by `by`; columns are those of both.

    Rows belong together that agree in `by`; several of a delivery count in their order. What is null above comes from
    below. Where `above` has fewer rows of a key than `below`, its rows stand for all of them: what is null in them is
    filled where the rows below agree. The two stamps of a repeated hour, one in each delivery, are two instants and no
    overlap, provided that the deliveries have no other stamp of the day in common.
    """
    columns = list(dict.fromkeys([*below.columns, *above.columns]))
    below, above = (_numbered(frame, by) for frame in (below, above))
    shared = above.select(by).unique().join(below.select(by).unique(), on=by, how="semi", nulls_equal=True)
    if SHIFTS[0] in below.columns and SHIFTS[0] in above.columns and shared.height:
        doubtful = _twice_there(below, above, by)
        if shared.join(doubtful, on=by, how="anti", nulls_equal=True).is_empty():
            above = above.join(
                doubtful.with_columns(later_=pl.lit(1)),
                on=by,
                how="left",
                nulls_equal=True,
                maintain_order="left",
            )
            above = above.with_columns(pl.col(_NUMBER) + pl.col("later_").fill_null(0)).drop("later_")
            shared = shared.clear()
    if shared.is_empty():
        both = pl.concat([below, above], how="diagonal_relaxed")
    else:
        alone = below.join(shared, on=by, how="anti", nulls_equal=True, maintain_order="left")
        met = below.join(shared, on=by, how="semi", nulls_equal=True, maintain_order="left")
        both = pl.concat([alone, _filled(met, above, by)], how="diagonal_relaxed")
    return both.sort(*by, _NUMBER, maintain_order=True).select(columns)


def ordered(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """A delivery's rows in the order in which `laid_over` gives them."""
    return frame.sort(by, maintain_order=True)


def changed_values(before: pl.DataFrame, after: pl.DataFrame, by: Sequence[str]) -> int:
    """How many values of `before` are others, or gone, in `after`; rows of a key count in their order."""
    channels = [name for name in before.columns if name not in by]
    after = after.select(pl.col(n) if n in after.columns else pl.lit(None).alias(n) for n in before.columns)
    met = _numbered(before, by).join(
        _numbered(after, by), on=[*by, _NUMBER], how="left", nulls_equal=True, suffix="_after"
    )
    return sum(
        met.filter(pl.col(name).is_not_null() & pl.col(name).ne_missing(pl.col(f"{name}_after"))).height
        for name in channels
    )


def _numbered(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    return frame.with_columns(pl.int_range(pl.len()).over(by).alias(_NUMBER))


def _twice_there(below: pl.DataFrame, above: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Keys of a repeated hour of which each delivery has one row."""
    shifted = pl.any_horizontal(pl.col(SHIFTS) != 0)
    single = [
        frame.group_by(by, maintain_order=True)
        .agg(pl.len().alias(_FOUND), shifted.any().alias("shifted_"))
        .filter((pl.col(_FOUND) == 1) & pl.col("shifted_"))
        .select(by)
        for frame in (below, above)
    ]
    return single[0].join(single[1], on=by, how="semi", nulls_equal=True)


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
