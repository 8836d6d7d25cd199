import pytest


@pytest.fixture(scope="module", autouse=True)
def _one_thread(one_thread):
    """In every test of the networks."""
