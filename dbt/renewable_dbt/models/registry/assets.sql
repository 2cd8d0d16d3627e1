{{ registry_table('assets') }}
