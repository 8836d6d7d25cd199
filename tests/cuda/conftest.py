"""A GPU: tests that need one are skipped without it, and fail if they were asked for by `-m gpu` or `-m sanitize`."""

import re
from functools import cache
from types import SimpleNamespace

import pytest
from compiled_once import once

INTEGERS = {
    "forward": "Shape Order Array Array Array 0",
    "backward": "Shape Order" + 7 * " Array" + " 0",
    "integrate": 5 * "0 ",
    "streams": "Shape Order Array Array Array 0 0",
    "streams_back": "Shape Order" + 7 * " Array" + " 0",
}


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
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)
    return torch.device("cuda")


@pytest.fixture(scope="session")
def compile_for():
    """Compile a variant for a compute capability, to PTX."""
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")
    import numba
    from numba.cuda import api, compile, dispatcher

    from spnkit.backends.cuda import backend, geometry, kernels

    samples = {name: getattr(kernels, name)._make([0] * size) for name, size in (("Shape", 4), ("Order", 6))}
    samples |= {"Array": geometry.Array._make([0] * 7), "0": 0}

    build, jit_device = backend._kernel.__wrapped__, once(backend.jit_device)  # some tests put others in their place

    @cache
    def kernel_of(chosen, asynchronous):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(backend, "jit_device", jit_device)  # typing takes most of the time
            return build(chosen, asynchronous)

    @cache
    def compiled(chosen, capability):
        # Functions that a kernel calls are typed for the current device; any that says what it can do will serve.
        stand_in = SimpleNamespace(compute_capability=capability)
        kernel = kernel_of(chosen, capability >= (8, 0))
        signature = numba.void(*(numba.typeof(samples[name]) for name in INTEGERS[chosen.kernel].split()))
        bounds = kernel.targetoptions["launch_bounds"]
        with pytest.MonkeyPatch.context() as patch:
            for module in (api, dispatcher):
                patch.setattr(module, "get_current_device", lambda: stand_in)
            options = {"device": False, "abi": "numba", "output": "ptx", "cc": capability, "launch_bounds": bounds}
            try:
                return compile(kernel.py_func, signature, **options)[0]
            except (ImportError, OSError, RuntimeError) as error:
                pytest.skip(f"the NVIDIA compiler is not installed: {error}")

    return compiled
