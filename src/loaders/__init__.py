"""Raw files into the warehouse: what is pending, the gate, the quarantine, the load. Nothing here computes a KPI."""
