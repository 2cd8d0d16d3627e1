"""The cluster of these tests, started once; a machine without the extra `spark` skips them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spark.cluster import Cluster, running_cluster

pyspark = pytest.importorskip("pyspark", reason="make test-spark installs it")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Master, two workers and a Connect server on the loopback."""
    home = Path(pyspark.__file__).parent
    with running_cluster(home, tmp_path_factory.mktemp("cluster")) as running:
        yield running
