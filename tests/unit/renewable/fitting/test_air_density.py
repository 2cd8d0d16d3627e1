"""The air density of the curve fit is that of the marts."""

from itertools import product

import duckdb
import polars as pl
import pytest

from renewable.fitting.power_curve_fit import air_density_kg_m3
from tests.dbt_macros import rendered

pytestmark = pytest.mark.unit


def test_python_and_sql_give_one_air_density_whatever_is_missing() -> None:
    grid = product(
        (None, -40.0, -3.5, 0.0, 15.0, 42.5),
        (None, 620.0, 987.6, 1013.25, 1060.0),
        (None, 0.0, 37.5, 100.0, 105.0),
        (-5.0, 0.0, 318.0, 2400.0),
    )
    names = ("air_temperature_c", "air_pressure_hpa", "relative_humidity_pct", "elevation_m")
    rows = pl.DataFrame(list(grid), schema=dict.fromkeys(names, pl.Float64), orient="row")
    with duckdb.connect(":memory:") as connection:
        connection.register("readings", rows.to_arrow())
        sql = connection.sql(f"select {rendered('air_density', *names)} as density from readings").pl()
    ours = rows.select(density=air_density_kg_m3())
    assert ours["density"].null_count() == sql["density"].null_count() == 0
    assert ((ours["density"] / sql["density"] - 1).abs() <= 1e-12).all()
    assert ours["density"].n_unique() > 200


def test_dry_air_of_the_standard_atmosphere_weighs_as_the_standard_says() -> None:
    row = pl.DataFrame(
        {
            "air_temperature_c": [None],
            "air_pressure_hpa": [None],
            "relative_humidity_pct": [0.0],
            "elevation_m": [0.0],
        },
        schema_overrides={"air_temperature_c": pl.Float64, "air_pressure_hpa": pl.Float64},
    )
    assert row.select(air_density_kg_m3()).item() == pytest.approx(1.225, abs=2e-4)
