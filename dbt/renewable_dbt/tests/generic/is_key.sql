{#- No two rows of the window share `columns`, and none of these is null. `window` says what the time column `rows_at`
    holds: instants (UTC timestamps), UTC days, local_days or local_months; events are found by their span; `none` asks
    the whole table. -#}
{% test is_key(model, columns, rows_at, window) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    where
        {%- if window == 'none' %} true
        {%- elif window == 'instants' %} {{ around_reach('int_attribution', rows_at) }}
        {%- elif window == 'days' %} {{ around_reach('int_reference_daily', rows_at, days=true) }}
        {%- elif window == 'local_days' %} {{ in_local_days(rows_at) }}
        {%- elif window == 'local_months' %} {{ in_local_months(rows_at) }}
        {%- elif window == 'shown_events' %} {{ touches_state_days('shown_from_utc', 'shown_to_utc') }}
        {%- elif window == 'events' %} {{ touches_state_days('start_utc', 'end_utc') }}
        {%- else %} {{ exceptions.raise_compiler_error("unknown window " ~ window) }}
        {%- endif %}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}
{% endtest %}
