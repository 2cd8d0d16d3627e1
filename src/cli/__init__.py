"""The `renewable` command: one subcommand a step. It parses, calls src/ and prints; it decides nothing."""
