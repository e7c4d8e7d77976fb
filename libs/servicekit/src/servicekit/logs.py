"""One line for each event: JSON in production, readable text on a terminal. Secrets are taken out by name."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from servicekit.settings import ServiceSettings
from servicekit.traces import name_trace

SECRET_NAMES = re.compile(r"password|token|secret|authorization|cookie|recovery|otp|(^|_)code$", re.IGNORECASE)
HARMLESS_NAMES = frozenset({"status_code", "exit_code", "error_code", "problem_code"})


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every field whose name says that it is a secret."""
    for name in event:
        if SECRET_NAMES.search(name) and name not in HARMLESS_NAMES:
            event[name] = "[redacted]"
    return event


def configure(service: str, settings: ServiceSettings, *, stream: TextIO | None = None) -> None:
    """Send the logs of this process, ours and the libraries', to ``stream``, if standard output is for results."""

    def add_service(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    console = settings.log_format == "console"
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    if not console:  # on a terminal the prefix of the line says it
        shared += [add_service, name_trace]
    last: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    tail: list[structlog.types.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not console:
        tail.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*tail, last]))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    for noisy in ("httpx", "httpcore", "asyncio", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module. Event names are dotted: ``proof.submitted``."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
