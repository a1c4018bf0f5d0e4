"""Structured logs: plain words on a terminal, JSON lines where asked for."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.types import Processor

from bootstrap.settings import Settings

_CLIENTS = ("aiokafka", "faust", "mode", "kafka")
"""Libraries to which a server that is down is an error; to us it is something to wait for, and
what does not pass is told by ourselves."""
_REPEATING = ("elastic_transport",)
"""Those that tell of each try what we tell of all of them."""


def configure(settings: Settings) -> None:
    """Send all logs to standard error, at the level and in the format of the settings.

    Libraries' logs too, from `warning` on. Tracebacks go without the values of variables: those
    can be passwords, keys, names and addresses.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering = _rendering(settings.log_format)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    handler.addFilter(_lowered)
    for name in _REPEATING:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


def _lowered(record: logging.LogRecord) -> bool:
    """Let it pass, as a warning at most where it comes from a client of a server."""
    if record.levelno > logging.WARNING and record.name.partition(".")[0] in _CLIENTS:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _rendering(log_format: str) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]
