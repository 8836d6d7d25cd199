"""Networks in ONNX compute what they compute in torch, at any size; each export takes seconds, so many share one."""

import sys
import warnings
from functools import partial

import numpy as np
import pytest

pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")

import spnkit  # noqa: E402
from spnkit.nn import SPN, MaskRefiner, UNetGuidance, mask_refiner  # noqa: E402
from spnkit.nn.onnx import TRANSLATIONS  # noqa: E402
from spnkit.normalization import Normalization  # noqa: E402

Dim = torch.export.Dim
TOLERANCE = 1e-5


def exported(network, inputs, shapes, path):
    """What onnxruntime makes of a network, as a function of tensors."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch, about names of axes
        quick = {"optimize": False, "verbose": False}
        kept = {"custom_translation_table": TRANSLATIONS, "dynamic_shapes": shapes}
        torch.onnx.export(network, inputs, str(path), dynamo=True, **kept, **quick)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(*tensors):
        given = {one.name: tensor.numpy() for one, tensor in zip(session.get_inputs(), tensors, strict=True)}
        return session.run(None, given)

    return run


HOWS = dict(zip(Normalization.__members__, ("sum", "max", "mean", None, "max"), strict=True))


class Units(torch.nn.Module):
    """Every rule, integration, number of connections and precision, and `fill`."""

    def forward(self, x, gates):
        sure = (x[:, :1] > 0.5).to(x.dtype)
        quarter = gates / 9  # weights as they are must not add up to more than one
        return (
            *(spnkit.propagate(x, quarter, normalization=rule, integration=how) for rule, how in HOWS.items()),
            spnkit.propagate(x, gates),
            spnkit.propagate(x, gates[:, :, :, :1], normalization="softmax", integration="mean"),
            spnkit.propagate(x, gates[:, :, 1:2], normalization="always", integration="sum"),
            spnkit.scan(x, gates[:, 0], "bottom_to_top"),
            spnkit.fill(x, sure, gates[:, :, :, :1].abs(), empty=0.5),
            spnkit.propagate(x.double(), gates.double()),
            spnkit.propagate(x.half(), gates.half()),
        )


def test_the_layer_at_any_size(tmp_path):
    height, width = Dim("h"), Dim("w")
    shapes = {2: height, 3: width}, {4: height, 5: width}
    run = exported(Units(), (torch.rand(2, 3, 5, 4), torch.randn(2, 4, 3, 3, 5, 4)), shapes, tmp_path / "units.onnx")
    for h, w in [(1, 1), (1, 7), (6, 1), (9, 12)]:
        x, gates = torch.rand(2, 3, h, w), torch.randn(2, 4, 3, 3, h, w)
        gates[..., 0] = 0  # gates of which nothing can be made
        for found, expected in zip(run(x, gates), Units()(x, gates), strict=True):
            half = expected.dtype == torch.float16
            assert found.dtype == expected.numpy().dtype
            np.testing.assert_allclose(found, expected, atol=2e-3 if half else TOLERANCE)


def small_refiner():
    """One whose weights and doubts differ from place to place."""
    made = MaskRefiner(units=1, widths=(4, 6), judging=(3,)).eval()
    for out in (made.weigh, made.trust, made.sight):
        torch.nn.init.normal_(out.weight, std=1.0)
    return made


NETWORKS = {  # each with its sides: how many of what, at least, the one that is traced, and one that is tried
    "a small refiner": (small_refiner, 2, 3, (8, 12), (1, 10, 18)),
    "the refiner that ships": (mask_refiner, 16, 3, (48, 64), (1, 64, 80)),
    "SPN": (lambda: SPN(3, partial(UNetGuidance, widths=(2,) * 5), hidden=2).eval(), 1, 33, (50, 70), (2, 37, 81)),
}


def photo_and_map(n, h, w):
    return torch.rand(n, 3, h, w), torch.rand(n, 3, h, w).mul(6).softmax(1)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.campaign] * (kind != "a small refiner")) for kind in NETWORKS]
)
def test_networks_at_any_size(tmp_path, kind):
    make, unit, least, traced, tried = NETWORKS[kind]
    torch.manual_seed(0)
    network = make()
    height, width = (unit * Dim(name, min=least, max=4096) for name in ("height", "width"))
    side = {0: Dim("n"), 2: height, 3: width}
    run = exported(network, photo_and_map(2, *traced), (side, side), tmp_path / "network.onnx")
    photo, coarse = photo_and_map(*tried)
    with torch.no_grad():
        expected = network(photo, coarse)
    assert (expected - coarse).abs().max() > 0.01  # it does something
    np.testing.assert_allclose(run(photo, coarse)[0], expected, atol=TOLERANCE)


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    monkeypatch.delitem(sys.modules, "spnkit.nn.onnx")
    with pytest.raises(ModuleNotFoundError, match=r"spnkit\.nn\.onnx needs onnxscript: pip install 'spnkit\[onnx\]'"):
        import spnkit.nn.onnx  # noqa: F401
