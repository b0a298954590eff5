"""What every test of gluon starts from: names and random numbers as in a fresh process."""

from __future__ import annotations

import pytest

from glueball import name, random


@pytest.fixture(autouse=True)
def fresh_process():
    """Count names from 0, and draw the random numbers of seed 0."""
    random.seed(0)
    with name.NameManager():
        yield
