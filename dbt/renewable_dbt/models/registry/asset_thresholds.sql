{{ registry_table('asset_thresholds') }}
