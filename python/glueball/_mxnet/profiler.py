"""What `mx.profiler` has, as calls that do nothing: Python's profilers and `perf` see all that runs here."""

from __future__ import annotations

from typing import Any, Self

__all__ = [
    "Counter",
    "Domain",
    "Event",
    "Frame",
    "Marker",
    "Task",
    "dump",
    "dumps",
    "pause",
    "profiler_set_config",
    "profiler_set_state",
    "resume",
    "set_config",
    "set_state",
]


def set_config(**kwargs: Any) -> None:
    """Do nothing."""


def set_state(state: str = "stop", profile_process: str = "worker") -> None:
    """Do nothing."""


def pause(profile_process: str = "worker") -> None:
    """Do nothing."""


def resume(profile_process: str = "worker") -> None:
    """Do nothing."""


def dump(finished: bool = True, profile_process: str = "worker") -> None:
    """Do nothing."""


def dumps(reset: bool = False, format: str = "table", *args: Any, **kwargs: Any) -> str:
    """Return an empty report."""
    return ""


profiler_set_config = set_config
profiler_set_state = set_state


class _Span:
    """What a program marks in a profile: nothing is kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.name = next((each for each in (*args, *kwargs.values()) if isinstance(each, str)), "")

    def __str__(self) -> str:
        return self.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


class Domain(_Span):
    """A group of marks."""

    def new_task(self, name: str) -> Task:
        """Return a task of the group."""
        return Task(name)

    def new_frame(self, name: str) -> Frame:
        """Return a frame of the group."""
        return Frame(name)

    def new_counter(self, name: str, value: int | None = None) -> Counter:
        """Return a counter of the group."""
        return Counter(name, value=value)

    def new_marker(self, name: str) -> Marker:
        """Return a marker of the group."""
        return Marker(name)


class Task(_Span):
    """A span of time."""


class Frame(_Span):
    """A span of time."""


class Event(_Span):
    """A span of time."""


class Counter(_Span):
    """A number over time."""

    def set_value(self, value: int) -> None:
        """Do nothing."""

    def increment(self, delta: int = 1) -> None:
        """Do nothing."""

    def decrement(self, delta: int = 1) -> None:
        """Do nothing."""


class Marker(_Span):
    """A moment."""

    def mark(self, scope: str = "process") -> None:
        """Do nothing."""
