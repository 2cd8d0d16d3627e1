"""dbt's unit tests, one item each: small inputs, rows worked out by hand. One dbt call runs them all."""

from collections import Counter
from pathlib import Path

import pytest

from renewable.fleet import Fleet
from renewable.settings import Settings
from tests.dbt_unit_tests import UnitTest, Verdict, build_models_once, unit_tests, verdicts

pytestmark = pytest.mark.integration
TESTS = unit_tests()


@pytest.fixture(scope="module")
def found(fleet: Fleet, fleet_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("models") / "data", fleet_dir=fleet_dir)
    build_models_once(settings, fleet)
    return verdicts(settings)


@pytest.mark.parametrize("test", TESTS, ids=str)
def test_of(test: UnitTest, found: dict[str, Verdict]) -> None:
    verdict = found.get(test.unique_id)
    assert verdict is not None, f"dbt did not run it; it is written in {test.file}"
    if verdict.status != "pass":
        pytest.fail(f"{test.file.name}: {verdict.message}", pytrace=False)


def test_a_model_has_one_file_of_unit_tests_which_lies_beside_it() -> None:
    for test in TESTS:
        assert test.file.name == f"{test.model}.unit.yml", f"{test} is written in {test.file}"
        assert test.file.with_name(f"{test.model}.sql").is_file(), f"{test.file}: no model lies beside it"


def test_names_of_unit_tests_are_sentences_and_none_is_used_twice() -> None:
    names = Counter(test.name for test in TESTS)
    assert [name for name, times in names.items() if times > 1] == []
    assert [name for name in names if name.count("_") < 3] == []
    assert len(names) >= 30
