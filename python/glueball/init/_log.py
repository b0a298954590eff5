"""Where initializers report, when verbosity is on."""

from __future__ import annotations

__all__ = ["log_info"]


def log_info(message: str, *arguments: object) -> None:
    """Log at level INFO to ``glueball.init``."""
    import logging  # here, because few programs ask for it, and importing it takes milliseconds

    logging.getLogger("glueball.init").info(message, *arguments)
