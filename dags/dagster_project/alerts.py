"""Alerts: what is wrong now, and a sensor that tells each trouble once. State decides, not the stream of events."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from dagster_project.runs import cause_of, reason_of, window_of_tags
from renewable.notify import NotifyError, fingerprint_of_address, named_addresses, notify
from renewable.settings import Settings

ALERTS = "alerts"
_RUNS_LOOKED_AT = 200
_LONGEST = 600


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong now. `key` names it; it is told again when `detail` changes."""

    key: str
    detail: str


def alert_sensor(settings: Settings) -> dg.SensorDefinition:
    """Sends new troubles to the addresses in RENEWABLE_ALERT_URLS; off while there are none."""
    on = dg.DefaultSensorStatus.RUNNING if settings.alert_urls else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name=ALERTS,
        minimum_interval_seconds=settings.sensor_interval_s,
        default_status=on,
        description="Failed runs, failed checks and failing sensors, each told once, to RENEWABLE_ALERT_URLS.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = troubles(context.instance, _check_keys(context))
        told, spoilt = read_cursor(context.cursor, settings.alert_urls.split())
        sent = send_new(now, told, settings)
        context.update_cursor(written_cursor(sent.told))
        # A tick that fails keeps its old cursor: it may fail only when there is nothing new to remember.
        if sent.failures and _without_empty(sent.told) == _without_empty(told):
            raise NotifyError("; ".join(sent.failures))
        again = ["the cursor was spoilt: all troubles are told again"] if spoilt else []
        return dg.SkipReason(
            "; ".join([f"{len(now)} trouble(s) now, {sent.count} message(s) sent", *again, *sent.failures])
        )

    return alerts


# For each address, by its fingerprint, what it was told last: the troubles that were there, by key.
Told = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Sent:
    """What is told now, how many addresses got a message, and which did not."""

    told: Told
    count: int
    failures: tuple[str, ...]


def send_new(now: Sequence[Trouble], told: Told, settings: Settings) -> Sent:
    """Send each address the troubles that it was not told yet, in one message."""
    present = {trouble.key: trouble.detail for trouble in now}
    after, failures, count = dict[str, Mapping[str, str]](), list[str](), 0
    for name, url in named_addresses(settings.alert_urls):
        if (address := fingerprint_of_address(url)) in after:
            continue
        known = told.get(address, {})
        new = [trouble for trouble in now if known.get(trouble.key) != trouble.detail]
        after[address] = present
        if new:
            try:
                notify(url, *message(new, settings), name=name)
                count += 1
            except NotifyError as error:
                failures.append(str(error))
                after[address] = {key: detail for key, detail in known.items() if present.get(key) == detail}
    return Sent(after, count, tuple(failures))


def read_cursor(cursor: str | None, urls: Sequence[str]) -> tuple[Told, bool]:
    """What each address was told, and whether the cursor was spoilt, in which case all is told again."""
    try:
        told = json.loads(cursor or "{}")
    except ValueError:
        return {}, True
    if not isinstance(told, dict):
        return {}, True
    if all(isinstance(detail, str) for detail in told.values()):
        # Before there was one for each address.
        return {fingerprint_of_address(url): told for url in urls}, False
    if all(isinstance(of_one, dict) for of_one in told.values()):
        return told, False
    return {}, True


def _without_empty(told: Told) -> Told:
    return {address: known for address, known in told.items() if known}


def written_cursor(told: Told) -> str:
    """The way back of `read_cursor`."""
    return json.dumps(told)


def message(new: Sequence[Trouble], settings: Settings) -> tuple[str, str]:
    """Title and text of one message about all of `new`."""
    count = f"{len(new)} troubles" if len(new) > 1 else new[0].key
    body = "\n\n".join(f"{trouble.key}\n{trouble.detail}" for trouble in new)
    return f"renewable ({settings.data_dir.name}): {count}", body


def troubles(instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]) -> list[Trouble]:
    """What is wrong now: failed runs that no later run made good, checks whose last verdict is bad, failing ticks."""
    return [*_failed_runs(instance), *_failed_checks(instance, checks), *_failing_ticks(instance)]


def latest_failures(runs: Sequence[dg.DagsterRun]) -> dict[str, dg.DagsterRun]:
    """Of `runs`, newest first, the last finished one of each job and range of days, where it failed for good."""
    latest: dict[str, dg.DagsterRun] = {}
    for run in runs:
        if run.is_finished:
            latest.setdefault(run_name(run.job_name, run.tags), run)
    return {
        name: run
        for name, run in latest.items()
        if run.status is dg.DagsterRunStatus.FAILURE and run.tags.get("dagster/will_retry") != "true"
    }


def run_name(job: str, tags: Mapping[str, str]) -> str:
    """A run as people call it: its job and its days."""
    window = window_of_tags(tags)
    days = f" {window.days[0]}" if window else ""
    until = f" to {window.days[-1]}" if window and len(window.days) > 1 else ""
    return f"run of {'assets by hand' if job.startswith('__') else job}{days}{until}"


def _failed_runs(instance: dg.DagsterInstance) -> Iterator[Trouble]:
    for name, run in latest_failures(instance.get_runs(limit=_RUNS_LOOKED_AT)).items():
        steps = instance.get_records_for_run(
            run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=1
        ).records
        event = steps[0].event_log_entry.dagster_event if steps else None
        if event is not None:
            yield Trouble(name, f"failed in {event.step_key}: {_short(reason_of(event.step_failure_data))}")
        else:
            ends = instance.get_records_for_run(
                run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE, limit=1
            ).records
            said = ends[0].event_log_entry.user_message if ends else ""
            yield Trouble(name, f"failed: {_short(said) or 'see its log'}")


def _failed_checks(instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]) -> Iterator[Trouble]:
    judged = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
    for key in sorted(checks, key=str):
        history = instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=judged)
        event = history[0].event if history else None
        verdict = event.dagster_event.asset_check_evaluation_data if event and event.dagster_event else None
        if verdict and not verdict.passed:
            name = f"check {key.name} of {key.asset_key.to_user_string()}"
            rows = verdict.metadata.get("dagster_dbt/failed_row_count")
            said = verdict.description or (f"{rows.value} rows fail it" if rows else "failed")
            yield Trouble(name, f"{verdict.severity.value.lower()}: {_short(said)}")


def _failing_ticks(instance: dg.DagsterInstance) -> Iterator[Trouble]:
    ended = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
    for state in instance.all_instigator_state():
        if state.status is InstigatorStatus.STOPPED or state.instigator_name == ALERTS:
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=ended)
        if ticks and ticks[0].status is TickStatus.FAILURE:
            kind = state.instigator_type.value.lower()
            yield Trouble(f"{kind} {state.instigator_name}", f"fails: {_short(cause_of(ticks[0].error))}")


def _check_keys(context: dg.SensorEvaluationContext) -> Collection[dg.AssetCheckKey]:
    return context.repository_def.asset_graph.asset_check_keys if context.repository_def else ()


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
