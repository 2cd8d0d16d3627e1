"""Raw files into the warehouse: what is pending, the gate, the quarantine, the load. Nothing here computes a KPI."""

import os

# dlt starts its telemetry when it is imported, and only the environment keeps it off. Who imports dlt elsewhere imports
# this package before, so that this line always comes first.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
