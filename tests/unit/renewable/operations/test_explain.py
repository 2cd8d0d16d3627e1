"""An interval is explained by the rows of the small models."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from renewable.errors import WindowError
from renewable.operations.explain import Found, explained, instant_of, interval_start, sentences

pytestmark = pytest.mark.unit

START = datetime(2025, 1, 8, 12, 5, tzinfo=UTC)
KINDS = [
    {"kind": kind, "priority": number, "seen_in": "interval"}
    for number, kind in enumerate(("unmeasured", "downtime", "curtailment", "icing", "derating"), start=1)
]
RULES = [
    {
        "channel": "wind_speed_ms",
        "rule": "frozen",
        "readings": 3,
        "minutes": None,
        "honest_channel": "wind_speed_ms",
        "honest_up_to": 1.0,
    },
    {"channel": "air_temperature_c", "rule": "spike", "readings": None, "step": 8.0},
]


def _found(rows: Mapping[str, list[dict[str, Any]]] | None = None, **interval: Any) -> Found:
    power = {
        "active_power_kw": 600.0,
        "curtailment_limit_kw": None,
        "operating_state": "running",
        **{name: value for name, value in interval.items() if name in ("active_power_kw", "operating_state")},
    }
    expected = {**power, "expected_power_kw": 800.0, "expected_power_source": "own", **interval}
    assessed = {
        **expected,
        "rated_power_kw": 2000.0,
        "is_at_limit": False,
        "is_free_by_report": True,
        **interval,
    }
    return Found(
        asset={"asset_id": "w-01", "interval_minutes": 5},
        start_utc=START,
        rows={
            "int_intervals": [
                {"asset_id": "w-01", "date_local": date(2025, 1, 8), **power, "wind_speed_ms": 7.5}
            ],
            "int_expected_power": [expected],
            "int_assessed_intervals": [assessed],
            "int_interval_performance": [{"is_free": True, "energy_kwh": 50.0, "icing_kwh": 0.0}],
            **(rows or {}),
        },
        event_kinds=KINDS,
        reading_rules=RULES,
    )


def _cause(kind: str, evidence: str, shown_by: str, source: str = "detected") -> dict[str, Any]:
    return {"kind": kind, "source": source, "evidence": evidence, "shown_by": shown_by}


def test_of_several_causes_the_one_of_the_lowest_priority_number_wins_and_the_others_are_named() -> None:
    told = explained(
        _found(
            {
                "int_causes": [
                    _cause("icing", "low power in frost", "int_icing_hours"),
                    _cause("downtime", "no power", "int_stops"),
                    _cause("hail", "dents", "int_hail_hours"),
                    _cause("curtailment", "plateau", "int_plateaus"),
                ],
                "int_attribution": [{"kind": "downtime", "evidence": "no power", "rest_kind": None}],
            }
        )
    )
    assert [(cause.kind, cause.model) for cause in told.causes] == [
        ("downtime", "int_stops"),
        ("curtailment", "int_plateaus"),
        ("icing", "int_icing_hours"),
    ]
    assert told.why == "no power; priority 2 comes before curtailment (3), icing (4)"
    assert told.no_causes == {"unmeasured": "nothing shows it", "derating": "nothing shows it"}


def test_what_is_reported_wins_over_all_that_is_detected_and_its_note_is_told() -> None:
    reported = {
        "kind": "derating",
        "start_utc": datetime.fromisoformat("2025-01-08T11:00+01:00"),
        "end_utc": datetime(2025, 1, 9, tzinfo=UTC),
        "note": "one fan less",
    }
    told = explained(
        replace(
            _found(
                {
                    "int_causes": [
                        _cause("downtime", "no power", "int_stops"),
                        _cause("derating", "reported", "int_reported_intervals", "reported"),
                    ],
                    "int_attribution": [{"kind": "derating", "evidence": "reported", "rest_kind": None}],
                }
            ),
            reported_events=[reported],
        )
    )
    assert [cause.kind for cause in told.causes] == ["derating", "downtime"]
    assert told.why == "reported; priority 5 comes before downtime (detected)"
    assert "  derating, 2025-01-08 10:00 to 2025-01-09 00:00 UTC: one fan less" in sentences(told)


def test_an_hour_that_shows_a_cause_which_does_not_apply_is_told() -> None:
    hours = [{"kind": kind, "evidence": "seen"} for kind in ("icing", "derating")]
    told = explained(_found({"int_cause_hours": hours, "int_causes": [_cause("icing", "seen", "x")]}))
    assert "too little" in told.no_causes["derating"] and "icing" not in told.no_causes


def test_a_reading_that_is_set_aside_is_told_as_it_came() -> None:
    told = explained(
        _found(
            {
                "int_reading_flags": [{"wind_speed_ms_flag": "set_aside"}],
                "int_set_aside_readings": [{"channel": "wind_speed_ms", "reading": "39.9"}],
            }
        )
    )
    (line,) = [line for line in sentences(told) if "set_aside" in line]
    assert "39.9 m/s" in line and "bad_readings.csv" in line


def test_a_reading_out_of_range_is_told_with_the_values_that_cannot_be() -> None:
    out_of_range = {
        "asset_id": "w-01",
        "timestamp_utc": START,
        "channel": "ghi_wm2",
        "reading": 465.0,
        "impossible_readings": 34,
        "lowest_impossible": 2156.5,
        "highest_impossible": 4486.0,
    }
    told = explained(
        _found(
            {
                "int_reading_flags": [{"ghi_wm2_flag": "out_of_range"}],
                "int_out_of_range_readings": [out_of_range],
            }
        )
    )
    (line,) = [line for line in sentences(told) if "out_of_range" in line]
    assert all(figure in line for figure in ("465 W/m²", "34 different", "2156.5 W/m²", "4486 W/m²")), line


def test_doubts_bring_the_numbers_of_their_rule_and_each_fact_has_a_line_with_its_unit() -> None:
    told = explained(
        _found(
            {
                "int_reading_flags": [
                    {
                        "wind_speed_ms_flag": "frozen",
                        "air_temperature_c_flag": "spike",
                        "active_power_kw_flag": "negative",
                        "ghi_wm2_flag": "missing",
                    }
                ],
                "int_asset_hours": [{"hour_utc": START, "coldest_c": -2.5, "ratio": None}],
            }
        )
    )
    assert [(doubt.channel, doubt.rule, doubt.numbers.get("readings")) for doubt in told.doubts] == [
        ("wind_speed_ms", "frozen", 3),
        ("air_temperature_c", "spike", None),
        ("active_power_kw", "negative", None),
    ], "a reading that is missing is none to doubt"
    lines = list(sentences(told))
    assert lines[0] == "w-01, 2025-01-08 12:05 to 12:10 UTC, local day 2025-01-08"
    for line in (
        "  wind_speed_ms 7.5 m/s",
        "  wind_speed_ms frozen: 3 readings and more, honest while wind_speed_ms is up to 1 m/s",
        "  air_temperature_c spike: more than 8 °C from the reading before and after",
        "  active_power_kw negative",
        "  expected power 800 kW",
        "  expected power source own",
        "  rated power 2000 kW",
        "  at limit no",
        "  coldest -2.5 °C",
        "  ratio unknown",
        "  no cause applies, and the asset ran by its own report",
        "  energy 50 kWh",
    ):
        assert line in lines
    assert not [line for line in lines if "icing 0" in line]


def test_tables_of_which_one_is_older_than_the_others_are_told() -> None:
    verdict = {"int_attribution": [{"kind": "icing", "evidence": "low power in frost", "rest_kind": None}]}
    assert "renewable transform" in explained(_found(verdict)).why


@pytest.mark.parametrize(
    ("at", "minutes", "start"),
    [
        ("2025-01-08T12:07:59Z", 5, "12:05"),
        ("2025-01-08T12:10Z", 5, "12:10"),
        ("2025-01-08T13:29+01:00", 10, "12:20"),
        ("2025-01-08T23:59:59.9Z", 15, "23:45"),
    ],
)
def test_an_instant_belongs_to_the_interval_that_holds_it(at: str, minutes: int, start: str) -> None:
    assert f"{interval_start(instant_of(at), minutes):%H:%M}" == start


@pytest.mark.parametrize(
    ("text", "said"),
    [("2025-01-08T12:00", "names no time zone: write 2025-01-08T12:00Z"), ("noon", "is no time")],
)
def test_a_time_without_a_zone_is_refused_with_the_next_step(text: str, said: str) -> None:
    with pytest.raises(WindowError, match=said):
        instant_of(text)
