"""The `renewable` command: one subcommand a step. It parses, calls the other rooms and prints; it decides nothing."""
