"""The models on a Spark cluster of this machine: the same marts as on DuckDB. Run by `make test-spark`."""
