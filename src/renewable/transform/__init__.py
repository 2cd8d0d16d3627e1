"""Runs the dbt project for a window and knows which days are stale. The models themselves are in dbt/renewable_dbt."""
