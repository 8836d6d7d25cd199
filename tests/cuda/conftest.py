"""A GPU: tests that need one are skipped without it, and fail if they were asked for by `-m gpu` or `-m sanitize`."""

import re

import pytest


@pytest.fixture(scope="session")
def gpu(request):
    torch = pytest.importorskip("torch")
    asked = re.search(r"(?<!not )\b(gpu|sanitize)\b", request.config.getoption("markexpr"))
    missing = None
    if not torch.cuda.is_available():
        missing = "torch finds no NVIDIA GPU"
    else:
        from spnkit.backends import BackendUnavailableError, backend

        try:
            backend("cuda")
        except BackendUnavailableError as error:
            missing = str(error)
    if missing and asked:
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return torch.device("cuda")
