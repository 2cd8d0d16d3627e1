"""What the simulator's two command lines, `renewable generate` and the scripts of this folder, say of their options.

It imports nothing: a command line needs its words before it needs the simulator.
"""

SEED = "Seed of the weather and of all events."
EVENTS = "How many events are injected: none, typical or harsh."
WORLD = (
    "How plants, instruments and registry behave, whatever happens: plain (as the registry says), field (as real"
    " fleets do) or rough."
)
SCALE = "NAME=FACTOR: multiply a constant of src/mock_data/worlds.toml; may be given several times."
OVERWRITE = "Replace files that exist; they are kept otherwise."
JOBS = "Processes that share the days."
