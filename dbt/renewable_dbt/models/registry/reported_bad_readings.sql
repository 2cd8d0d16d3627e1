{{ registry_table('reported_bad_readings') }}
