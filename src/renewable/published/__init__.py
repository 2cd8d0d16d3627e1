"""Published tables: a set of Parquet files of one finished build, what its columns mean, and who reads it."""
