"""Alerts against a local HTTP sink: each trouble is told once, again when it came back, and never half."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster_shared.error import SerializableErrorInfo

from dagster_project.alerts import ALERTS, Trouble, read_cursor, send_new, troubles, written_cursor
from dagster_project.definitions import build_definitions
from dagster_project.keys import loaded_key
from dagster_project.runs import FAILURE_REASON_TAG
from renewable.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def sink() -> Iterator[HTTPServer]:
    """A server that keeps the messages it is sent."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.received = received  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_each_trouble_is_told_once_and_again_when_it_comes_back(
    settings: Settings, sink: Any, tmp_path: Path
) -> None:
    told = settings.model_copy(update={"alert_urls": f"json://127.0.0.1:{sink.server_port}"})
    definitions = build_definitions(told)
    job = definitions.resolve_job_def("daily")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        cursor = _tick(definitions, instance, None)
        assert sink.received == []

        def fail() -> None:
            tags = {"dagster/partition": "2025-05-01", FAILURE_REASON_TAG: "STEP_FAILURE"}
            run = instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
            instance.report_run_failed(run)

        def evaluate(passed: bool) -> None:
            check = dg.AssetCheckEvaluation(
                asset_key=loaded_key("load_log"),
                check_name="quarantine",
                passed=passed,
                severity=dg.AssetCheckSeverity.WARN,
                description="set aside from 1 file(s): 3 rows",
            )
            instance.report_runless_asset_event(check)

        fail()
        evaluate(False)
        cursor = _tick(definitions, instance, cursor)
        (message,) = sink.received
        assert "2 troubles" in message["title"]
        assert "run of daily 2025-05-01" in message["message"]
        assert (
            "check quarantine of warehouse/load_log" in message["message"] and "3 rows" in message["message"]
        )
        fail()
        cursor = _tick(definitions, instance, _tick(definitions, instance, cursor))
        assert len(sink.received) == 1, "the same trouble, told before"

        evaluate(True)
        cursor = _tick(definitions, instance, cursor)
        assert len(sink.received) == 1
        evaluate(False)
        _tick(definitions, instance, cursor)
        assert len(sink.received) == 2 and "quarantine" in sink.received[1]["title"]


@pytest.mark.parametrize("kind", [InstigatorType.SENSOR, InstigatorType.SCHEDULE])
def test_a_failing_sensor_or_schedule_is_a_trouble_until_a_tick_of_it_succeeds(
    kind: InstigatorType, tmp_path: Path
) -> None:
    location = RegisteredCodeLocationOrigin("dagster_project.definitions")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), "the_name")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        data = ScheduleInstigatorData("0 1 * * *", 0.0) if kind is InstigatorType.SCHEDULE else None
        instance.add_instigator_state(InstigatorState(origin, kind, InstigatorStatus.RUNNING, data))

        def ticked(status: TickStatus, at: float) -> list[Trouble]:
            cause = SerializableErrorInfo("PipelineError: gave up on 2 file(s)", [], "PipelineError")
            outer = SerializableErrorInfo("Error occurred while evaluating", [], "Outer", cause=cause)
            error = outer if status is TickStatus.FAILURE else None
            tick = TickData(
                origin.get_id(),
                "the_name",
                kind,
                status,
                at,
                error=error,
                selector_id=origin.get_selector().get_id(),
            )
            instance.create_tick(tick)
            return troubles(instance, ())

        (trouble,) = ticked(TickStatus.FAILURE, 1_000.0)
        assert trouble.key == f"{kind.value.lower()} the_name"
        assert trouble.detail == "fails: PipelineError: gave up on 2 file(s)"
        assert ticked(TickStatus.FAILURE, 1_030.0) == [trouble], "told once, as it did not change"
        assert ticked(TickStatus.SKIPPED, 1_060.0) == []


def test_without_addresses_the_sensor_is_off(settings: Settings) -> None:
    assert (
        build_definitions(settings).resolve_sensor_def(ALERTS).default_status
        is dg.DefaultSensorStatus.STOPPED
    )
    on = settings.model_copy(update={"alert_urls": "json://127.0.0.1:9"})
    assert build_definitions(on).resolve_sensor_def(ALERTS).default_status is dg.DefaultSensorStatus.RUNNING


def test_of_two_addresses_one_is_down_and_the_other_gets_each_message_once(
    settings: Settings, sink: Any, tmp_path: Path
) -> None:
    good, down = f"json://127.0.0.1:{sink.server_port}", "json://user:s3kret@127.0.0.1:9"
    told = settings.model_copy(update={"alert_urls": f"{down} {good}"})
    definitions = build_definitions(told)
    job = definitions.resolve_job_def("daily")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:

        def fail(day: str) -> None:
            tags = {"dagster/partition": day, FAILURE_REASON_TAG: "STEP_FAILURE"}
            run = instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
            instance.report_run_failed(run)

        cursor = None
        for number, day in enumerate(["2025-05-01", "2025-05-02"], 1):
            fail(day)
            cursor = _tick(definitions, instance, cursor)
            assert cursor and "s3kret" not in cursor and "127.0.0.1" not in cursor
            for _ in range(3):
                with pytest.raises(Exception, match=r"address 1 of 2 .* did not take the message") as caught:
                    _tick(definitions, instance, cursor)
                assert "s3kret" not in str(caught.value)
            assert len(sink.received) == number
        mended = settings.model_copy(update={"alert_urls": f"{good} {good}/again"})
        _tick(build_definitions(mended), instance, cursor)
        assert len(sink.received) == 3, "the one that was never told is told all, the other nothing"
        assert "2 troubles" in sink.received[-1]["title"]


@pytest.mark.parametrize("spoilt", ["{", "[]", '"x"', '{"a": 1}', '{"a": {"b": 1}, "c": "d"}', "null"])
def test_a_spoilt_cursor_tells_all_again_and_goes_on(spoilt: str, settings: Settings, sink: Any) -> None:
    url = f"json://127.0.0.1:{sink.server_port}"
    told, is_spoilt = read_cursor(spoilt, [url])
    assert is_spoilt and not told
    sent = send_new([Trouble("key", "detail")], told, settings.model_copy(update={"alert_urls": url}))
    assert sent.count == 1
    assert read_cursor(written_cursor(sent.told), [url]) == (sent.told, False)


def test_a_cursor_from_before_there_was_one_for_each_address_is_understood(
    settings: Settings, sink: Any
) -> None:
    url = f"json://127.0.0.1:{sink.server_port}"
    told, is_spoilt = read_cursor('{"key": "detail"}', [url])
    now = [Trouble("key", "detail")]
    sent = send_new(now, told, settings.model_copy(update={"alert_urls": url}))
    assert not is_spoilt and sent.count == 0 and not sink.received


def _tick(definitions: dg.Definitions, instance: dg.DagsterInstance, cursor: str | None) -> str | None:
    sensor, repository = definitions.resolve_sensor_def(ALERTS), definitions.get_repository_def()
    with dg.build_sensor_context(instance=instance, cursor=cursor, repository_def=repository) as context:
        return sensor.evaluate_tick(context).cursor
