{#- How models become tables on Spark: Parquet, partitioned by the day (or month) that a run's window is told in. A window
    is replaced by dynamic overwrite: the partitions that the query yields are swapped in by one commit of their job, then
    those that it no longer yields are dropped. What a kill leaves between the two is mended by the next run of the same
    window. -#}
{% materialization incremental, adapter='spark' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if existing is not none and (existing.is_view or should_full_refresh() or not has_window()) -%}
        {%- do adapter.drop_relation(existing) -%}
        {%- set existing = none -%}
    {%- endif -%}
    {%- if existing is none -%}
        {% call statement('main') -%}
            {{ partitioned_table(target, compiled_code) }}
        {%- endcall %}
    {%- else -%}
        {%- do replace_partitions(target, compiled_code) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#- One file a partition. -#}
{% macro partitioned_table(relation, query) %}
    {%- set partition = partition_of_model() -%}
    {%- if config.get('contract').enforced -%}
        {%- do assert_contract(query) -%}
    {%- endif -%}
    create table {{ relation }}
    using parquet
    partitioned by ({{ partition.name }})
    as
    select * from (
        select
            {%- if partition.from %}
            made.*,
            cast(made.{{ partition.from }} as date) as {{ partition.name }}
            {%- else %}
            {{ all_but([partition.name], of='made') }},
            made.{{ partition.name }}
            {%- endif %}
        from ({{ query }}) as made
    ) as placed
    distribute by {{ partition.name }}
{% endmacro %}

{% macro replace_partitions(target, query) %}
    {%- set partition = partition_of_model() -%}
    {%- set replaced = replaced_by(config.get('incremental_predicates')) -%}
    {%- set made = target.incorporate(path={'identifier': target.identifier ~ '__made_' ~ invocation_id | replace('-', '')}) -%}
    {% call statement('made') -%}
        {{ partitioned_table(made, query) }}
    {%- endcall %}
    {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='name') | list -%}
    {%- set found = adapter.get_columns_in_relation(made) | map(attribute='name') | list -%}
    {%- if columns | sort != found | sort -%}
        {{ exceptions.raise_compiler_error(model.name ~ " has the columns " ~ found | join(', ') ~ ", its table " ~ columns | join(', ')) }}
    {%- endif -%}
    {#- A predicate on spans cuts through partitions: what it does not cover stays in them. -#}
    {%- set keeps_rows = 'touches_' in (config.get('incremental_predicates') | join) -%}
    {%- set gone -%}
        select distinct {{ partition.name }} from {{ target }} where {{ replaced }}
        except
        select {{ partition.name }} from {{ made }}
        {%- if keeps_rows %}
        except
        select {{ partition.name }} from {{ target }} where not ({{ replaced }})
        {%- endif -%}
    {%- endset -%}
    {%- set emptied = run_query(gone).columns[0].values() -%}
    {% call statement('main') -%}
        insert overwrite table {{ target }} partition ({{ partition.name }})
        select {{ columns | join(', ') }}
        from (
            select {{ columns | join(', ') }} from {{ made }}
            {%- if keeps_rows %}
            union all
            select {{ columns | join(', ') }} from {{ target }}
            where
                not ({{ replaced }})
                and {{ partition.name }} in (
                    select {{ partition.name }} from {{ made }}
                    union
                    select {{ partition.name }} from {{ target }} where {{ replaced }}
                )
            {%- endif %}
        ) as rows_of_partitions
        distribute by {{ partition.name }}
    {%- endcall %}
    {%- if emptied %}
    {% call statement('emptied') -%}
        alter table {{ target }} drop if exists
        {%- for value in emptied %} partition ({{ partition.name }} = '{{ value }}'){{ ',' if not loop.last }}{% endfor %}
    {%- endcall %}
    {%- endif -%}
    {%- do adapter.drop_relation(made.incorporate(type='table')) -%}
{% endmacro %}

{#- What a table is partitioned by: the date that its predicate names, or the UTC day of the instant. -#}
{% macro partition_of_model() -%}
    {%- set dates = ['day_utc', 'date_local', 'month_local'] -%}
    {%- set instants = ['timestamp_utc', 'hour_utc', 'start_utc', 'shown_from_utc'] -%}
    {%- set named = modules.re.findall("'([a-z_]+)'", config.get('incremental_predicates') | join) -%}
    {%- set column = (named | select('in', dates + instants) | first) -%}
    {%- if not column -%}
        {{ exceptions.raise_compiler_error("model " ~ model.name ~ ": its incremental_predicates name no column of time") }}
    {%- endif -%}
    {{ return({'name': column, 'from': none} if column in dates else {'name': 'partition_day_utc', 'from': column}) }}
{%- endmacro %}

{#- Columns and types are those of the contract, none cast in silence. -#}
{% macro assert_contract(query) -%}
    {%- set wanted, found = {}, {} -%}
    {%- for column in model.columns.values() -%}
        {%- do wanted.update({column.name: engine_type(column.data_type)}) -%}
    {%- endfor -%}
    {%- for row in run_query('describe query ' ~ query).rows -%}
        {%- do found.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- set faults = [] -%}
    {%- for name in wanted.keys() | list + found.keys() | list -%}
        {%- set fault = name ~ ': ' ~ (found.get(name) or 'missing') ~ ' instead of ' ~ (wanted.get(name) or 'nothing') -%}
        {%- if wanted.get(name) != found.get(name) and fault not in faults -%}
            {%- do faults.append(fault) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if faults -%}
        {{ exceptions.raise_compiler_error("the contract of " ~ model.name ~ " does not hold: " ~ faults | join('; ')) }}
    {%- endif -%}
{%- endmacro %}

{#- A Python model's rows come from a file that the caller wrote beside the registry: a cluster runs no code of ours. -#}
{% materialization table, adapter='spark', supported_languages=['sql', 'python'] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if existing is not none -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {% call statement('main') -%}
        create table {{ target }}
        using parquet
        as
        {%- if model.language == 'python' %}
        select * from parquet.`{{ env_var('RENEWABLE_DBT_REGISTRY') }}/{{ model.name }}.parquet`
        {%- else %}
        {{ compiled_code }}
        {%- endif %}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#- Rows of a seed as literals; the adapter's own way makes a text of an empty cell. -#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model.config.column_types -%}
    {%- set sql -%}
        insert into {{ this }} values
        {%- for row in agate_table.rows %}
        (
            {%- for name in agate_table.column_names %}
            {%- set cell = row[name] -%}
            {%- set text = "null" if cell is none else "'" ~ (cell | string | replace("\\", "\\\\") | replace("'", "\\'")) ~ "'" -%}
            cast({{ text }} as {{ types[name] }}){{ ', ' if not loop.last }}
            {%- endfor -%}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    {%- endset -%}
    {% call statement('rows_of_seed') -%}
        {{ sql }}
    {%- endcall %}
    {{ return(sql) }}
{% endmacro %}
