"""`make bench`: all measurements one after the other, but for the long ones; name some to run only these."""

import sys

from benchmarks import chain, importer, ingestion, orchestration, report, scale, simulator, warehouse

MEASUREMENTS = {
    "importer": importer.main,
    "ingestion": ingestion.main,
    "chain": chain.main,
    "warehouse": warehouse.main,
    "simulator": simulator.main,
    "orchestration": orchestration.main,
    "report": report.main,
}
# An hour on two cores, and tens of gigabytes.
LONG = {"scale": scale.main}

# Measurements start processes, which import this module again.
if __name__ == "__main__":
    for name in sys.argv[1:] or list(MEASUREMENTS):
        print(f"\n== {name}")
        (MEASUREMENTS | LONG)[name]()
