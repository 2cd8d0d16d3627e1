"""Dagster's in-process executor that waits for a pool properly.

Dagster's own spins on a core while another run has the slot, does not end on SIGTERM meanwhile, says nothing, and waits
for ever when that run's process is gone.
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.execute_plan import inner_plan_execution_iterator
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._utils.interrupts import pop_captured_interrupt

from dagster_project.dead_runs import end_dead_runs, holders
from dagster_project.interrupts import insistent_interrupts

_LOOK_EVERY_S = 2.0
_SAY_EVERY_S = 60.0
_LONGEST_SLEEP_S = 0.5


class PatientPools(InstanceConcurrencyContext):
    """The pools as one run sees them: it waits asleep, says for whom, and does not wait for the dead."""

    def __init__(self, job_context: PlanExecutionContext) -> None:
        super().__init__(job_context.instance, job_context.dagster_run)
        self._log = job_context.log
        self._next_look_s = self._next_word_s = 0.0

    def claim(self, concurrency_key: str, step_key: str, step_priority: int = 0) -> bool:
        """Whether the step has its slot now."""
        if super().claim(concurrency_key, step_key, step_priority):
            self._next_word_s = 0.0
            return True
        if time.time() >= self._next_look_s:
            if ended := end_dead_runs(self._instance):
                self._log.info("; ".join(ended))
                self._pending_timeouts[step_key] = 0.0
                return False
            self._say_for_whom(concurrency_key, step_key)
            self._next_look_s = self._pending_timeouts[step_key] = time.time() + _LOOK_EVERY_S
        return False

    def interval_to_next_pending_claim_check(self) -> float:
        """Seconds to sleep; short ones, for a sleep is not interrupted. Raises when the run is asked to end."""
        if pop_captured_interrupt():
            raise DagsterExecutionInterruptedError("asked to end while it waited for a slot of a pool")
        due = min(self._pending_timeouts.values(), default=0.0)
        return min(max(due - time.time(), 0.01), _LONGEST_SLEEP_S)

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        # Steps run in this process: none goes on after this, whatever ended it.
        for step_key in list(self._claims):
            self.free_step(step_key)

    def _say_for_whom(self, pool: str, step_key: str) -> None:
        if time.time() < self._next_word_s:
            return
        ahead = ", ".join(map(str, holders(self._instance, pool))) or "the next in its queue"
        self._log.info(f"step {step_key} waits for a slot of the pool `{pool}`, held by {ahead}")
        self._next_word_s = time.time() + _SAY_EVERY_S


class PatientExecutor(InProcessExecutor):
    """All steps one after the other in this process."""

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        yield from ExecuteRunWithPlanIterable(
            execution_plan=execution_plan,
            iterator=_steps,
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=plan_context.retry_mode,
                execution_plan=execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=self.step_dependency_config,
            ),
        )


@dg.executor(name="in_process")
def patient_executor(_: dg.InitExecutorContext) -> PatientExecutor:
    """Without configuration."""
    return PatientExecutor(retries=RetryMode.ENABLED)


def _steps(job_context: PlanExecutionContext, execution_plan: ExecutionPlan) -> Iterator[dg.DagsterEvent]:
    with insistent_interrupts(), PatientPools(job_context) as pools:
        yield from inner_plan_execution_iterator(job_context, execution_plan, pools)
