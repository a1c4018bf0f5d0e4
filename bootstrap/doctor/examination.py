"""All checks, one after another; each of them says in findings what it has found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from api.cli.application import CannotOpen
from api.cli.doctor import Finding
from bootstrap.doctor.events import check_audit_key, check_event_stores
from bootstrap.doctor.kafka import check_kafka
from bootstrap.doctor.read_models import check_read_models
from bootstrap.doctor.settings import check_secrets, check_settings
from bootstrap.event_stores import has_begun, open_event_store
from bootstrap.settings import Settings
from event_store.port import WholeEventStore


async def examine(settings: Settings) -> Sequence[Finding]:
    """Check everything that these settings name."""
    findings = [*check_settings(settings)]
    elsewhere = settings.secrets or settings.kafka or settings.event_store
    if not (has_begun(settings) or elsewhere):
        found = f"there is no shop in {settings.data.absolute()} yet"
        return [*findings, Finding("data", "warning", found, "Begin one: orderlog serve")]
    findings += check_secrets(settings)
    async with AsyncExitStack() as stack:
        events = await _opened(settings, stack, findings)
        if events is not None:
            findings += await check_event_stores(events)
            findings += await check_audit_key(settings, events)
        if settings.kafka is not None:
            kafka, mark = await check_kafka(settings, events)
            findings += kafka
        else:
            mark = None
        findings += await check_read_models(settings, events, mark)
    return findings


async def _opened(
    settings: Settings, stack: AsyncExitStack, findings: list[Finding]
) -> WholeEventStore | None:
    try:
        events = await open_event_store(settings)
    except CannotOpen as error:
        advice = "Start it, or correct the setting."
        findings.append(Finding("event store", "failed", str(error), advice))
        return None
    stack.push_async_callback(events.close)
    return events
