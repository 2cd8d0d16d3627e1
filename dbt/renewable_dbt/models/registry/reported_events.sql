{{ registry_table('reported_events') }}
