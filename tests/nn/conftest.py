import numba
import pytest
import torch


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    """Tensors this small are done before a second thread wakes up."""
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    yield
    torch.set_num_threads(before[0])
    numba.set_num_threads(before[1])
