"""Mutants: the changes on small statements, where the model's text lies, what a survivor's list is held to."""

import pytest

from tests.mutants.__main__ import judge, read_survivors
from tests.mutants.operators import mutations
from tests.mutants.sql_tokens import body_of_unit_test, places, tokens_of, with_seed_as_table
from tests.mutants.trial import Bench, Outcome, Seed, Site, Statement, mutants_of_model, mutants_of_seed

pytestmark = pytest.mark.unit


def _changed(sql: str, operator: str = "") -> list[str]:
    """The texts that the changes of an operator make of a statement, blanks squeezed."""
    return [
        " ".join(change.applied_to(sql).split()) for change in mutations(sql) if operator in change.operator
    ]


@pytest.mark.parametrize(
    ("sql", "operator", "changed"),
    [
        ("x + 0.5", "number", ["x + 1.0", "x + 0.25"]),
        ("x + 3", "number", ["x + 6", "x + 1"]),
        ("coalesce(x, 0.0) + 0", "number", ["coalesce(x, 1.0) + 0", "coalesce(x, 0.0) + 1"]),
        ("1e-3 * x1", "number", ["0.002 * x1", "0.0005 * x1"]),
        ("cast(x as decimal(38, 12))", "number", []),
        ("a < 1", "comparison", ["a >= 1"]),
        ("a <> b", "comparison", ["a = b"]),
        ("a >= b", "boundary", ["a > b"]),
        ("a is null", "comparison", ["a is not null"]),
        ("a is not distinct from b", "comparison", ["a is distinct from b"]),
        ("a in (1)", "comparison", ["a not in (1)"]),
        ("a not in ('x')", "", ["a in ('x')"]),
        ("a and b or c", "and <-> or", ["a or b or c", "a and b and c"]),
        ("a between b and c and d", "and <-> or", ["a between b and c or d"]),
        ("not exists (select y)", "not", ["exists (select y)"]),
        ("with a as not materialized (select y)", "not", []),
        ("inner join t", "join", ["left join t"]),
        ("a left join t", "join", ["a inner join t"]),
        ("union all", "union", ["union"]),
        ("union", "union", ["union all"]),
        (
            "a union all (b union c) union all d",
            "union",
            ["a union all (b union all c) union all d", "a union all (b union c) union d"],
        ),
        ("coalesce(f(a, b), c, d)", "coalesce", ["(f(a, b))"]),
        ("max(a) + min", "max", ["min(a) + min"]),
        ("-- 1 < 2\n'1 < 2'", "", []),
        ("date '2025-01-01' + timestamptz '2025-01-01 00:00:00+00'", "", []),
    ],
)
def test_each_operator_changes_what_it_names_and_nothing_else(
    sql: str, operator: str, changed: list[str]
) -> None:
    assert _changed(sql, operator) == changed


def test_the_number_within_an_interval_is_changed() -> None:
    assert _changed("x + interval '6 hours'") == ["x + interval '12 hours'", "x + interval '3 hours'"]


def test_branches_of_a_case_are_dropped_one_by_one() -> None:
    sql = "case when a then (case when b then c end) when d then e else f end"
    assert sorted(_changed(sql, "branch")) == sorted(
        [
            "case when d then e else f end",
            "case when a then (null) when d then e else f end",
            "case when a then (case when b then c end) else f end",
            "case when a then (case when b then c end) when d then e end",
        ]
    )
    assert _changed("case when a then b else c + d end", "branch") == ["(c + d)", "case when a then b end"]


def test_columns_of_a_partition_are_dropped_one_by_one() -> None:
    assert _changed("sum(x) over (partition by a, f(b, c) order by t)", "partition") == [
        "sum(x) over (partition by f(b, c) order by t)",
        "sum(x) over (partition by a order by t)",
    ]
    assert _changed("(partition by a)", "partition") == ["()"]


@pytest.mark.parametrize(
    ("frame", "changed"),
    [
        ("rows unbounded preceding", ["rows 1 preceding"]),
        (
            "rows between 3 preceding and current row",
            ["rows between current row and current row", "rows between 3 preceding and 1 following"],
        ),
        (
            "range between interval '6' hour preceding and unbounded following",
            [
                "range between current row and unbounded following",
                "range between interval '6' hour preceding and current row",
            ],
        ),
        (
            "rows unbounded preceding exclude current row",
            ["rows 1 preceding exclude current row", "rows unbounded preceding "],
        ),
    ],
)
def test_bounds_of_a_frame_are_moved(frame: str, changed: list[str]) -> None:
    assert _changed(f"(order by t {frame})", "frame") == [f"(order by t {text})" for text in changed]


STATEMENT = """-- Build
with dbt_internal_unit_test_actual as (
  select "a", 'actual' as "actual_or_expected" from (
    with  __dbt__cte__t as (
select 1 as a, 2 as b
),  __dbt__cte__u as (select 1 as c), x as (select * from __dbt__cte__t where b > 1) select a from x
  ) _dbt_internal_unit_test_actual
), e as (select 1 as "a", 'expected' as "actual_or_expected")
select * from dbt_internal_unit_test_actual union all select * from e"""


def test_only_the_models_own_text_is_changed_and_not_the_rows_of_a_test() -> None:
    start, end = body_of_unit_test(STATEMENT)
    assert STATEMENT[start:end].strip() == "x as (select * from __dbt__cte__t where b > 1) select a from x"
    no_with = STATEMENT.replace(
        ", x as (select * from __dbt__cte__t where b > 1) select a from x", " select a from t"
    )
    start, end = body_of_unit_test(no_with)
    assert no_with[start:end].strip() == "select a from t"
    no_inputs = "(\n with x as (select 1 as a) select a from x\n ) _dbt_internal_unit_test_actual"
    start, end = body_of_unit_test(no_inputs)
    assert no_inputs[start:end].strip() == "with x as (select 1 as a) select a from x"
    with pytest.raises(ValueError, match="no model's text"):
        body_of_unit_test("select 1")


def test_a_place_is_the_same_one_in_every_form_of_a_text() -> None:
    base = "select a\nfrom t\nwhere true and a > 1\norder by a"
    window = "select a\nfrom t\nwhere d >= date '2025-01-01' and d < date '2025-02-01' and a > 1\norder by a"
    other = window.replace("2025", "2030")
    of_base = places(base, base)
    assert of_base == list(range(len(tokens_of(base))))
    assert places(base, window)[-6:] == of_base[-6:]
    new = [place for place in places(base, window) if isinstance(place, tuple)]
    assert len(new) == 9
    assert new == [place for place in places(base, other) if isinstance(place, tuple)]


def test_a_mutant_is_killed_by_a_test_that_gives_other_rows() -> None:
    statements = [Statement.of("b_above_one_is_kept", "m", STATEMENT)]
    mutants = mutants_of_model("m", statements)
    bench = Bench(statements, [])
    assert bench.unlike_dbt() == []
    outcomes = {
        (found.site.operator, found.site.after): found.killed_by for found in map(bench.tried, mutants)
    }
    assert outcomes == {
        ("comparison turned round", "<="): "b_above_one_is_kept",
        ("boundary moved", ">="): None,
        ("number * 2", "2"): "b_above_one_is_kept",
        ("number / 2", "0"): None,
    }


def test_what_a_loop_wrote_is_one_place_and_what_stands_twice_is_two() -> None:
    part = "select a from __dbt__cte__t\nwhere b > 1\nunion all\n"
    for times, sites in ((2, 2), (3, 1)):
        sql = STATEMENT.replace("select a from x", part * times + "select a from x")
        mutants = mutants_of_model("m", [Statement.of("a_test", "m", sql)])
        turned = [
            mutant for mutant in mutants if mutant.site.line == "where b > 1" and mutant.site.after == "<="
        ]
        assert [mutant.site.nth for mutant in turned] == list(range(1, sites + 1))
        assert sum(len(changes) for mutant in turned for changes in mutant.edits.values()) == times


def test_cells_of_a_seed_are_changed_and_put_back() -> None:
    rows = """select 'icing' as kind, 60 as b, true as is_estimated, 1 as a
        union all select 'snow', null, false, 2"""
    as_dbt_runs_it = STATEMENT.replace("select 1 as a, 2 as b", rows).replace(
        "__dbt__cte__t", "__dbt__cte__kinds"
    )
    sql, query = with_seed_as_table(as_dbt_runs_it, "kinds", "seed_kinds")
    assert query.strip() == rows
    seed = Seed.of("kinds", query)
    statements = [Statement.of("ice_may_pause_for_an_hour", "m", sql.replace("b > 1", "b = 60"))]
    bench = Bench(statements, [seed])
    assert bench.unlike_dbt() == []
    outcomes = [bench.tried(mutant) for mutant in mutants_of_seed(seed)]
    assert [(found.site.line, found.site.after, found.killed_by is not None) for found in outcomes] == [
        ("icing: b", "120", True),
        ("icing: b", "30", True),
        ("icing: is_estimated", "false", False),
        ("icing: a", "2", True),
        ("icing: a", "0", True),
        ("snow: is_estimated", "true", False),
        ("snow: a", "4", False),
        ("snow: a", "1", False),
    ]
    assert bench.unlike_dbt() == []
    with pytest.raises(ValueError, match="does not read the seed"):
        with_seed_as_table(STATEMENT, "kinds", "seed_kinds")


def test_survivors_are_listed_with_a_reason_and_the_list_holds_no_more() -> None:
    known = [Site("m", "and <-> or", f"line {n}", "and", "or") for n in range(60)]
    lives, killed, gone = known[0], known[1], Site("m", "and <-> or", "gone", "and", "or")
    outcomes = [Outcome(lives, None), *(Outcome(site, "a_test") for site in known[1:])]
    assert judge(set(known), outcomes, {lives: "both sides are the same"}) == []
    assert [fault.split(":")[0] for fault in judge(set(known), outcomes, {})] == ["no test notices"]
    (fault,) = judge(set(known), outcomes, {lives: ""})
    assert "gives no reason" in fault
    (fault,) = judge(set(known), outcomes, {lives: "same", killed: "same"})
    assert "what a_test notices" in fault
    (fault,) = judge(set(known), outcomes, {lives: "same", gone: "same"})
    assert "no longer there" in fault
    few = known[:10]
    (fault,) = judge(set(few), [Outcome(lives, None)], {lives: "same"})
    assert "90.0% of the changes that count are noticed" in fault


def test_a_line_of_the_list_names_a_mutant() -> None:
    text = 'model,operator,line,before,after,nth,reason\nm,boundary moved,"a < b, c",<,<=,2,never equal\n'
    assert read_survivors(text) == {Site("m", "boundary moved", "a < b, c", "<", "<=", 2): "never equal"}
