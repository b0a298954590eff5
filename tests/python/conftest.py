"""What all tests start from."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Timings never decide a test: other work may share the machine.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
