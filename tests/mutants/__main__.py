"""Change the detection and KPI models and the seeds one place at a time: does a unit test of the model notice?

Mutants that live are listed with a reason each in survivors.csv beside this file. One that lives and is not listed, one
that is listed and no longer lives, and a share below the goal end the run with an error.
"""

import argparse
import csv
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from pathlib import Path

from tests.mutants.sql_tokens import with_seed_as_table
from tests.mutants.trial import (
    Bench,
    Mutant,
    Outcome,
    Seed,
    Site,
    Statement,
    mutants_of_model,
    mutants_of_seed,
    try_all,
)

# The models whose unit tests have to notice, as patterns below models/, and those of them that need not, with reasons.
MODELS = ("staging/stg_power_curve_*.sql", "intermediate/**/*.sql", "marts/**/*.sql")
EXEMPT: dict[str, str] = {}
# Columns of seeds that no model reads: usual doubts are for pages.
UNREAD = {"reading_rules": ("is_usual",)}
KILLED_SHARE = 0.95
# Kinds of change that the goal counts. The others (bounds moved, joins, unions, coalesce, functions) are equivalent
# more often; each that lives has to be explained all the same.
COUNTED = ("number", "comparison", "and <-> or", "not dropped", "branch", "partition", "frame", "truth")
SURVIVORS = Path(__file__).with_name("survivors.csv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants that are asked for; 0 when each is noticed or listed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--model", help="this model or seed only")
    parser.add_argument("--part", type=int, default=1, help="every n-th mutant only")
    parser.add_argument("--seed", type=int, default=0, help="which n-th")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    statements, seeds = _compiled([asked.model] if asked.model in _models() else [])
    mutants = all_mutants(statements, seeds)
    if asked.model:
        mutants = [mutant for mutant in mutants if mutant.site.model == asked.model]
        if not mutants:
            print(
                f"no mutants of {asked.model}: it is no model of {', '.join(MODELS)} with a unit test",
                file=sys.stderr,
            )
            return 2
    unlike = Bench(statements, seeds).unlike_dbt()
    if unlike:
        print("these tests do not pass even unchanged:", *unlike, sep="\n  ", file=sys.stderr)
        return 2
    compiled = time.monotonic()
    chosen = [mutant for at, mutant in enumerate(mutants) if at % asked.part == asked.seed % asked.part]
    outcomes = try_all(chosen, statements, seeds, asked.jobs)
    listed = read_survivors(SURVIVORS.read_text("utf-8"))
    if asked.model:
        listed = {site: reason for site, reason in listed.items() if site.model == asked.model}
    faults = judge({mutant.site for mutant in mutants}, outcomes, listed)
    print(table(outcomes))
    print(shares(outcomes, listed))
    print(
        f"{len(outcomes)} of {len(mutants)} mutants, {len(statements)} unit tests:"
        f" {compiled - began:.0f} s to compile, {time.monotonic() - compiled:.0f} s to try"
    )
    if not asked.model:
        untested = _models() - EXEMPT.keys() - {test.model for test in statements}
        faults += [f"{model} has no unit test" for model in sorted(untested)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def all_mutants(statements: Sequence[Statement], seeds: Iterable[Seed]) -> list[Mutant]:
    """Mutants of the models in scope and of the seeds that their tests read, in a fixed order."""
    found = []
    for model in sorted({test.model for test in statements} & (_models() - EXEMPT.keys())):
        found += mutants_of_model(model, [test for test in statements if test.model == model])
    for seed in seeds:
        found += mutants_of_seed(seed, UNREAD.get(seed.name, ()))
    return found


def judge(known: set[Site], outcomes: Sequence[Outcome], listed: dict[Site, str]) -> list[str]:
    """What is wrong: unlisted survivors, entries of the list that no longer hold, a share below the goal."""
    living = [outcome.site for outcome in outcomes if outcome.killed_by is None]
    killed = {outcome.site: outcome.killed_by for outcome in outcomes if outcome.killed_by}
    faults = []
    for site in living:
        if site not in listed:
            faults.append(f"no test notices: {_told(site)}\n  as a line of {SURVIVORS.name}: {_as_csv(site)}")
    for site, reason in listed.items():
        if not reason:
            faults.append(f"{SURVIVORS.name} gives no reason: {_told(site)}")
        if site not in known:
            faults.append(f"{SURVIVORS.name} lists what is no longer there: {_told(site)}")
        elif site in killed:
            faults.append(f"{SURVIVORS.name} lists what {killed[site]} notices: {_told(site)}")
    # The list names all that live; of a part of the mutants no share would mean anything.
    counted = {site for site in known if site.operator.startswith(COUNTED)}
    share = 1.0 - len({*listed, *living} & counted) / max(len(counted), 1)
    if share < KILLED_SHARE:
        faults.append(f"{share:.1%} of the changes that count are noticed, {KILLED_SHARE:.0%} is the goal")
    return faults


def table(outcomes: Sequence[Outcome]) -> str:
    """Killed and all by model; what does not even run is counted among the killed and shown apart."""
    all_of = Counter(outcome.site.model for outcome in outcomes)
    killed = Counter(outcome.site.model for outcome in outcomes if outcome.killed_by)
    broken = Counter(outcome.site.model for outcome in outcomes if outcome.is_broken)
    lines = [f"{'model':<28} {'killed':>6} {'all':>6} {'share':>7} {'do not run':>11}"]
    for model in [*sorted(all_of), None]:
        names = all_of.keys() if model is None else [model]
        k, n, b = (sum(counts[name] for name in names) for counts in (killed, all_of, broken))
        lines.append(f"{model or 'all':<28} {k:>6} {n:>6} {k / max(n, 1):>7.1%} {b:>11}")
    return "\n".join(lines)


def shares(outcomes: Sequence[Outcome], listed: dict[Site, str]) -> str:
    """The share of the killed: of all, of the kinds that the goal counts, and of those that the list leaves open."""

    def share(some: Sequence[Outcome]) -> str:
        return f"{sum(outcome.killed_by is not None for outcome in some) / max(len(some), 1):.1%}"

    counted = [outcome for outcome in outcomes if outcome.site.operator.startswith(COUNTED)]
    unexplained = [outcome for outcome in outcomes if outcome.killed_by or outcome.site not in listed]
    return (
        f"noticed: {share(outcomes)} of all, {share(counted)} of the {len(counted)} whose kind counts for the goal,"
        f" {share(unexplained)} of those not in {SURVIVORS.name}"
    )


def read_survivors(text: str) -> dict[Site, str]:
    """The list of mutants that live: by site the reason."""
    found = {}
    for row in csv.DictReader(text.splitlines()):
        reason = (row.pop("reason") or "").strip()
        found[Site(**{**row, "nth": int(row["nth"])})] = reason
    return found


def _compiled(models: Sequence[str]) -> tuple[list[Statement], list[Seed]]:
    """The statements of unit tests (none named: of all models) and the seeds that they read as they are."""
    from renewable.fleet import Fleet, load_fleet, registry_files
    from renewable.places import CHECKOUT as REPO
    from renewable.settings import Settings
    from tests.dbt_unit_tests import build_models_once, unit_tests, verdicts

    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(data_dir=Path(directory) / "data", fleet_dir=Path(directory) / "fleet")
        demo = load_fleet(REPO / "dbt" / "renewable_dbt" / "seeds")
        # An asset of each technology: tables are built for the types of their columns.
        few = Fleet(demo.assets.unique("technology", keep="first", maintain_order=True), demo.power_curves)
        settings.fleet_dir.mkdir()
        for name, text in registry_files(few).items():
            (settings.fleet_dir / name).write_text(text, encoding="utf-8")
        build_models_once(settings, few)
        found = verdicts(settings, models)
        failed = [f"{name}: {verdict.message}" for name, verdict in found.items() if verdict.status != "pass"]
        if failed:
            raise SystemExit("\n".join(["mend these unit tests first:", *failed]))
    statements, queries = [], {}
    for test in unit_tests():
        if models and test.model not in models:
            continue
        sql = found[test.unique_id].sql
        for seed in test.seeds:
            sql, queries[seed] = with_seed_as_table(sql, seed, f"seed_{seed}")
        statements.append(Statement.of(test.name, test.model, sql))
    return statements, [Seed.of(seed, query) for seed, query in sorted(queries.items())]


def _models() -> set[str]:
    from renewable.places import DBT_PROJECT

    return {path.stem for pattern in MODELS for path in (DBT_PROJECT / "models").glob(pattern)}


def _told(site: Site) -> str:
    nth = f", number {site.nth} of its kind" if site.nth > 1 else ""
    return (
        f"{site.model}, {site.operator}{nth}\n  {site.line}\n  {site.before}  ->  {site.after or 'nothing'}"
    )


def _as_csv(site: Site) -> str:
    return ",".join('"' + str(value).replace('"', '""') + '"' for value in [*astuple(site), "why"])


if __name__ == "__main__":
    sys.exit(main())
