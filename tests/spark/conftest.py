"""The cluster of these tests, started once. They are collected where the extra `spark` is installed."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.spark.cluster import Cluster, running_cluster

_PYSPARK = find_spec("pyspark")
collect_ignore_glob = [] if _PYSPARK else ["test_*.py"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Master, two workers and a Connect server on the loopback."""
    assert _PYSPARK is not None and _PYSPARK.origin is not None
    home = Path(_PYSPARK.origin).parent
    with running_cluster(home, tmp_path_factory.mktemp("cluster")) as running:
        yield running
