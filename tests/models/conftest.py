"""One loaded model for all tests of this folder."""

import pytest

from models.analyzer import Analyzer


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    """The shipped model, loaded once; its cache is on as in production."""
    return Analyzer.load()
