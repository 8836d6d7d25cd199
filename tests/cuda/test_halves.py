"""How kernels read and write half precision, run on the CPU on every value there is."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

KINDS = {"float16": torch.float16, "bfloat16": torch.bfloat16}


@pytest.fixture(scope="module")
def conversions():
    """`widen(bits)` and `narrow(value)` of a kind, from the instructions that the kernels consist of."""
    try:
        from spnkit.backends.cuda import machine, memory
    except ImportError as error:
        pytest.skip(f"numba-cuda is not installed: {error}")
    from numba import types, vectorize
    from numba.extending import intrinsic

    def made(name):
        kind = machine.HALVES[name]

        @intrinsic
        def widen(typingctx, bits):
            return types.float32(types.uint16), lambda c, builder, s, args: memory.from_half_bits(
                builder, args[0], kind
            )

        @intrinsic
        def narrow(typingctx, value):
            return types.uint16(types.float32), lambda c, builder, s, args: memory.half_bits(builder, args[0], kind)

        return vectorize(["float32(uint16)"])(lambda bits: widen(bits)), vectorize(["uint16(float32)"])(
            lambda value: narrow(value)
        )

    return made


@pytest.mark.parametrize("name", KINDS)
def test_halves_are_read_and_rounded_as_torch_does(name, conversions):
    widen, narrow = conversions(name)
    bits = np.arange(1 << 16, dtype=np.uint16)
    values = torch.from_numpy(bits.view(np.int16)).view(KINDS[name]).float().numpy()
    np.testing.assert_array_equal(widen(bits), values)
    ends = np.random.default_rng(0).integers(0, 1 << 32, 1 << 20, dtype=np.uint32).view(np.float32)
    ties = (np.arange(1 << 16, dtype=np.uint32) << 16 | 0x8000).view(np.float32)
    with np.errstate(all="ignore"):
        some = np.concatenate([values, ties, ends, values * np.float32(1.00048828125)])
    expected = torch.from_numpy(some).to(KINDS[name]).view(torch.int16).numpy().view(np.uint16)
    numbers = ~np.isnan(some)
    np.testing.assert_array_equal(narrow(some)[numbers], expected[numbers])
    assert np.isnan(widen(narrow(some[~numbers]))).all()
