"""What is told of built tables costs what the window costs."""

from datetime import date

import pytest

from renewable.settings import Settings
from renewable.transform.table_facts import table_facts
from renewable.warehouse import connect
from renewable.windows import Window

pytestmark = pytest.mark.integration


def test_of_a_view_only_the_window_is_computed_and_of_a_table_all_rows_are_told(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            """
            create schema pieces;
            create table pieces.hours as
            select range as hour_utc, (range - interval 5 hours)::date as date_local
            from range(timestamptz '2025-01-01', timestamptz '2025-01-31', interval 1 hour);
            create view pieces.of_hours as
            select hours.hour_utc, hours.date_local, beside.hours from pieces.hours
            inner join (
                select hour_utc, count(*) as hours from pieces.hours
                where hour_utc between '2025-01-09' and '2025-01-14' or error('computed outside the window') is null
                group by hour_utc
            ) as beside on hours.hour_utc = beside.hour_utc;
            create view pieces.names as select 'a' as name where error('a view without days is not counted') is null;
            create table pieces.days as select distinct date_local from pieces.hours;
            """
        )
    relations = [("pieces", name) for name in ("hours", "of_hours", "nowhere", "names", "days")]
    facts = table_facts(settings, relations, Window(date(2025, 1, 10), date(2025, 1, 12)))
    by_day = {date(2025, 1, 10): 24, date(2025, 1, 11): 24}
    assert ("pieces", "nowhere") not in facts
    assert [(each.rows, each.rows_by_day) for each in facts.values()] == [
        (720, by_day),
        (None, by_day),
        (None, None),
        (31, dict.fromkeys(by_day, 1)),
    ]
