"""What loading Dagster's definitions costs beyond importing Dagster: every run and every reload pays it."""

import os
import resource
import subprocess
import sys
import tempfile
from statistics import median

from benchmarks.table import row

_REFERENCE = "import dagster"
_DEFINITIONS = "import dagster_project.definitions as d; d.defs()"


def cpu_seconds(code: str, environment: dict[str, str]) -> float:
    """CPU seconds, user and system, of a Python process that runs `code`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as data_dir:
        environment = os.environ | {"RENEWABLE_DATA_DIR": data_dir}
        first = cpu_seconds(_DEFINITIONS, environment)
        pairs = [
            (cpu_seconds(_REFERENCE, environment), cpu_seconds(_DEFINITIONS, environment)) for _ in range(5)
        ]
        reference, definitions = (median(values) for values in zip(*pairs, strict=True))
        row("definitions, after a model changed", first, _REFERENCE, reference)
        row("definitions (CPU seconds, goal 3)", definitions, _REFERENCE, reference)
