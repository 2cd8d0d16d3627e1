"""Curves fitted to measurements, for a registry. Expected power itself is a model of dbt/renewable_dbt."""
