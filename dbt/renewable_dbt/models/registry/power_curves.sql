{{ registry_table('power_curves') }}
