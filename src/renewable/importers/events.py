"""A log of events in the mapping: which columns say its end and code, and what a code says of the asset's state.

How events become states of intervals is said in `event_states`, how they become rows of events.csv in `event_log`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import Field, model_validator

from renewable.contract import OPERATING_STATES
from renewable.importers.channel import pattern_faults
from renewable.importers.settings import Part
from renewable.vocabulary import reported_kinds

# Information categories of IEC 61400-26-1 by name. Force majeure says nothing of the turbine's own state.
IEC_STATES: Mapping[str, str | None] = MappingProxyType(
    {
        "/^full performance$/": "running",
        "/^partial performance$/": "running",
        "/^ready stand-?by$/": "standby",
        "/^technical stand-?by$/": "standby",
        "/^out of environmental specification$/": "standby",
        "/^out of electrical specification$/": "standby",
        "/^requested shut-?down$/": "curtailed",
        "/^scheduled maintenance$/": "maintenance",
        "/^planned corrective actions?$/": "maintenance",
        "/^suspended$/": "maintenance",
        "/^forced outage$/": "fault",
        "/^force majeure$/": None,
        "/^information unavailable$/": "no_communication",
    }
)
IEC_KINDS: Mapping[str, str] = MappingProxyType({"/^force majeure$/": "force_majeure"})
# What a state is called in events.csv; the other states are no event.
KIND_OF_STATE: Mapping[str, str] = MappingProxyType(
    {"fault": "downtime", "maintenance": "planned_maintenance", "curtailed": "curtailment"}
)
_PRIORITY = ("maintenance", "fault", "no_communication", "curtailed", "standby", "running")


class EventLog(Part):
    """Rows that are events: `timestamp` says when one starts. Of each interval they fill `operating_state`.

    They make no rows of their own: an interval of which no other source tells stays unknown.
    """

    end: str | None = Field(None, description="column with the end, in the format of timestamp; may be empty")
    code: str = Field(min_length=1, description="column with the code, category or text that says the state")
    note: str | None = Field(None, description="column with a text for people, for rows of events.csv")
    states: dict[str, str | None] = Field(
        dict(IEC_STATES),
        description="code, or /pattern/ -> state of the contract, null for a code that says nothing; default: the"
        " categories of IEC 61400-26 by name",
    )
    priority: tuple[str, ...] = Field(
        _PRIORITY, description="which of several states at one time counts, the first first"
    )
    without_end: Literal["set_aside", "lasts", "until_next"] = Field(
        "set_aside",
        description="an event without an end: set aside and counted, lasts until a later delivery ends it, or until the"
        " asset's next event in the file",
    )
    kinds: dict[str, str] = Field(
        dict(IEC_KINDS),
        description="code, or /pattern/ -> kind of events.csv, for codes whose state does not say it:"
        f" {', '.join(f'{state} is {kind}' for state, kind in KIND_OF_STATE.items())}; default: force majeure by name",
    )

    @model_validator(mode="after")
    def _is_known(self) -> "EventLog":
        unknown = sorted({state for state in self.states.values() if state} - set(OPERATING_STATES))
        unknown += sorted(set(self.priority) - set(OPERATING_STATES))
        faults = [f"{state}: no such state; there are {', '.join(OPERATING_STATES)}" for state in unknown]
        missing = sorted(
            {state for state in self.states.values() if state} - set(self.priority) - set(unknown)
        )
        if missing or len(set(self.priority)) < len(self.priority):
            faults.append(f"priority: name each state of states once; {', '.join(missing) or 'one'} is not")
        if self.end is None and self.without_end != "until_next":
            faults.append("end is missing: name its column, or say without_end: until_next")
        kinds = [kind.kind for kind in reported_kinds()]
        strange = sorted(set(self.kinds.values()) - set(kinds))
        faults += [f"kinds: {kind}: no such kind of event; there are {', '.join(kinds)}" for kind in strange]
        faults += [*pattern_faults(self.states), *pattern_faults(self.kinds)]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    @property
    def source_columns(self) -> list[str]:
        return [name for name in (self.end, self.code, self.note) if name is not None]
