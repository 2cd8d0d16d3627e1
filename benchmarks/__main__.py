"""`make bench`: all measurements one after the other; name some to run only these."""

import sys

from benchmarks import chain, simulator

MEASUREMENTS = {"chain": chain.main, "simulator": simulator.main}

for name in sys.argv[1:] or list(MEASUREMENTS):
    print(f"\n== {name}")
    MEASUREMENTS[name]()
