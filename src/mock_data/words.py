"""What the simulator's two command lines, `renewable generate` and the scripts of this folder, say of their options.

It imports nothing: a command line needs its words before it needs the simulator.
"""

SEED = "Seed of the weather and of all events."
EVENTS = "How many events are injected: none, typical or harsh."
OVERWRITE = "Replace files that exist; they are kept otherwise."
JOBS = "Processes that share the days."
