{#- Law of the load log: every row of a file is loaded, collapsed or in quarantine. -#}
{% test rows_are_accounted_for(model) %}
    select *
    from {{ model }}
    where rows_in is distinct from rows_loaded + rows_collapsed + rows_quarantined
{% endtest %}
