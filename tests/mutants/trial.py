"""Trying mutants: the statements of unit tests run on DuckDB in memory, with a change in the model or in a seed."""

import math
import multiprocessing
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from tests.mutants.operators import Mutation, mutations, scaled
from tests.mutants.sql_tokens import body_of_unit_test, places

# A line that stands so often in a text was written by a loop: one place of the model, changed everywhere at once.
_LOOP = 3
# A change may make a statement run for ever, which is noticed as well.
_PATIENCE_S = 20.0
_bench: "Bench"


@dataclass(frozen=True)
class Statement:
    """A unit test as dbt runs it: inputs before the model's text, expected rows after it."""

    name: str
    model: str
    before: str
    body: str
    after: str

    @classmethod
    def of(cls, name: str, model: str, sql: str) -> "Statement":
        """Raises ValueError where the statement is not built as dbt builds it."""
        start, end = body_of_unit_test(sql)
        return cls(name, model, sql[:start], sql[start:end], sql[end:])


@dataclass(frozen=True)
class Seed:
    """A seed that tests read as it is: its columns' types and rows."""

    name: str
    types: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def relation(self) -> str:
        return f"seed_{self.name}"

    @classmethod
    def of(cls, name: str, query: str) -> "Seed":
        """From the query by which dbt gives a seed's rows to a test."""
        with duckdb.connect() as connection:
            relation = connection.sql(query)
            types = tuple(zip(relation.columns, map(str, relation.types), strict=True))
            return cls(name, types, tuple(relation.fetchall()))


@dataclass(frozen=True)
class Site:
    """What names a mutant from one day to the next: where it is, what is changed, and which of equal ones it is."""

    model: str
    operator: str
    line: str
    before: str
    after: str
    nth: int = 1


@dataclass(frozen=True)
class Mutant:
    """A change of a model, by each form of its text that has the place, or of a cell of a seed."""

    site: Site
    edits: Mapping[str, Sequence[Mutation]] = field(default_factory=dict, hash=False)
    cell: tuple[str, str, int, Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """The test that noticed a mutant, if any, and whether it only did so because the statement does not run."""

    site: Site
    killed_by: str | None
    is_broken: bool = False


def mutants_of_model(model: str, statements: Sequence[Statement]) -> list[Mutant]:
    """Every change of a model in all forms that its text takes in tests: with a window, incremental, overridden."""
    forms = [body for body, _ in Counter(test.body for test in statements).most_common()]
    edits: dict[Hashable, dict[str, Mutation]] = {}
    for form in forms:
        place = places(forms[0], form)
        for change in mutations(form):
            key = (place[change.first], change.operator, form[change.start : change.end], change.replacement)
            edits.setdefault(key, {})[form] = change
    alike: dict[Site, list[dict[str, Mutation]]] = defaultdict(list)
    for by_form in edits.values():
        form, change = next(iter(by_form.items()))
        line = form[form.rfind("\n", 0, change.start) + 1 :].split("\n", 1)[0]
        before = _squeezed(form[change.start : change.end])
        alike[Site(model, change.operator, _squeezed(line), before, _squeezed(change.replacement))].append(
            by_form
        )
    found = []
    for site, places_of_site in alike.items():
        if len(places_of_site) >= _LOOP:
            together = {form: [by[form] for by in places_of_site if form in by] for form in forms}
            found.append(Mutant(site, {form: changes for form, changes in together.items() if changes}))
            continue
        for nth, by_form in enumerate(places_of_site, start=1):
            found.append(Mutant(replace(site, nth=nth), {form: [change] for form, change in by_form.items()}))
    return found


def mutants_of_seed(seed: Seed, unread: Collection[str] = ()) -> list[Mutant]:
    """Every number of a seed doubled and halved, every truth value turned round; a row is named by its texts.

    `unread` are columns that no model reads.
    """
    found = []
    texts = [at for at, (_, kind) in enumerate(seed.types) if kind == "VARCHAR"][:2]
    for number, row in enumerate(seed.rows):
        for (column, kind), value in zip(seed.types, row, strict=True):
            if value is None or column in unread or kind in ("VARCHAR", "DATE"):
                continue
            changes = [("truth turned round", not value)] if kind == "BOOLEAN" else scaled(str(value))
            for operator, after in changes:
                line = f"{' '.join(str(row[at]) for at in texts)}: {column}"
                site = Site(seed.name, operator, line, str(value).lower(), str(after).lower())
                found.append(Mutant(site, cell=(seed.relation, column, number, after)))
    return found


class Bench:
    """An own DuckDB in memory with the seeds, and the tests of every model, the one that noticed last first."""

    def __init__(self, statements: Sequence[Statement], seeds: Sequence[Seed]) -> None:
        self._tests: dict[str, list[Statement]] = defaultdict(list)
        for test in statements:
            self._tests[test.model].append(test)
            for seed in seeds:
                if f"from {seed.relation})" in test.before:
                    self._tests[seed.name].append(test)
        self._connection = duckdb.connect()
        self._connection.execute("set TimeZone = 'UTC'; set threads = 1")
        for seed in seeds:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in seed.types)
            self._connection.execute(f"create table {seed.relation} ({columns})")
            marks = ", ".join("?" for _ in seed.types)
            self._connection.executemany(f"insert into {seed.relation} values ({marks})", seed.rows)

    def unlike_dbt(self) -> list[str]:
        """Tests that do not pass here though nothing is changed, each with the reason."""
        found = []
        for test in dict.fromkeys(test for tests in self._tests.values() for test in tests):
            try:
                if not self._passes(test, test.body):
                    found.append(f"{test.name}: other rows")
            except duckdb.Error as error:
                found.append(f"{test.name}: {error}")
        return found

    def tried(self, mutant: Mutant) -> Outcome:
        """Run the tests until one notices the change."""
        if mutant.cell is None:
            return self._outcome(mutant)
        relation, column, row, value = mutant.cell
        self._connection.execute("begin")
        try:
            self._connection.execute(f'update {relation} set "{column}" = ? where rowid = ?', [value, row])
            return self._outcome(mutant)
        except duckdb.Error:
            return Outcome(mutant.site, "the seed's own types", is_broken=True)
        finally:
            self._connection.execute("rollback")

    def _outcome(self, mutant: Mutant) -> Outcome:
        tests = self._tests[mutant.site.model]
        for test in tests:
            changes = mutant.edits.get(test.body, ())
            if not changes and mutant.cell is None:
                continue
            body = test.body
            for change in sorted(changes, key=lambda change: -change.start):
                body = change.applied_to(body)
            try:
                noticed, is_broken = not self._passes(test, body), False
            except duckdb.Error:
                noticed, is_broken = True, True
            if noticed:
                tests.remove(test)
                tests.insert(0, test)
                return Outcome(mutant.site, test.name, is_broken)
        return Outcome(mutant.site, None)

    def _passes(self, test: Statement, body: str) -> bool:
        timer = threading.Timer(_PATIENCE_S, self._connection.interrupt)
        timer.start()
        try:
            rows = self._connection.execute(test.before + body + test.after).fetchall()
        finally:
            timer.cancel()
        sides = Counter((row[-1], tuple(map(_comparable, row[:-1]))) for row in rows)
        return all(sides[(_other(side), values)] == times for (side, values), times in [*sides.items()])


def try_all(
    mutants: Sequence[Mutant], statements: Sequence[Statement], seeds: Sequence[Seed], jobs: int
) -> list[Outcome]:
    """Try the mutants in processes of their own, each with a bench; in the order given."""
    # Children begin anew: dbt's threads and connections stay where they are.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _open_bench, (statements, seeds)) as pool:
        return list(pool.map(_try, mutants, chunksize=8))


def _open_bench(statements: Sequence[Statement], seeds: Sequence[Seed]) -> None:
    global _bench
    _bench = Bench(statements, seeds)


def _try(mutant: Mutant) -> Outcome:
    return _bench.tried(mutant)


def _other(side: str) -> str:
    return {"actual": "expected", "expected": "actual"}[side]


def _comparable(value: Any) -> Hashable:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value
    return value if isinstance(value, Hashable) else repr(value)


def _squeezed(text: str) -> str:
    return " ".join(text.split())
