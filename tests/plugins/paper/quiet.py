"""Waiting until paper trading with sagas has nothing to do but wait for the market."""

from __future__ import annotations

import asyncio

from hookbus import Host, Saga, StepState
from hookbus_paper.decision.lives import Life
from hookbus_paper.risk.plugin import RiskPlugin


async def quiet(host: Host) -> None:
    """Wait until all is committed, and every decision has ended or waits for the market."""
    risk = host.records["risk"].instance
    if not isinstance(risk, RiskPlugin) or risk._decisions is None:
        raise RuntimeError(f"the risk check does not run: {host.records['risk']}")
    decisions = risk._decisions
    while True:
        await host.settled()
        left = {saga.id: saga for saga in decisions.left()}
        if all(_waits(left.get(name), life) for name, life in decisions.lives.items()):
            return
        await asyncio.sleep(0.001)


def _waits(saga: Saga | None, life: Life) -> bool:
    at_settle = saga is not None and saga.steps[-1].state is StepState.BEGUN
    return at_settle and life.placed and life.ended is None
