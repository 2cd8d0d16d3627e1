"""The models on a Spark cluster: what it is handed, how it is reached, and how its marts come home."""
