"""The SPN: what flows where, what is refused, and that it is an ordinary module."""

import copy
import pickle
from functools import partial

import naive
import numpy as np
import pytest
import torch
from tolerances import assert_close

import spnkit
from spnkit.nn import SPN, PlainRefinement, SpatialPropagation, UNetGuidance, VGGGuidance


def small(connection="three_way", **options):
    torch.manual_seed(0)

    def guidance(channels, stride):
        return UNetGuidance(channels, stride=stride, widths=(4, 8))

    return SPN(3, guidance, connection, hidden=4, **options).eval()


def pair(height=16, width=16, classes=3, n=1):
    torch.manual_seed(1)
    return torch.rand(n, 3, height, width), torch.rand(n, classes, height, width).softmax(1)


def test_layer_is_propagate():
    x, gates = torch.rand(2, 3, 5, 7), torch.randn(2, 2, 3, 1, 5, 7)
    options = {
        "directions": ("left_to_right", "bottom_to_top"),
        "normalization": "softmax",
        "integration": "mean",
    }
    torch.testing.assert_close(SpatialPropagation(**options)(x, gates), spnkit.propagate(x, gates, **options))
    with pytest.raises(ValueError, match="backend got 'abacus'"):
        SpatialPropagation(backend="abacus")(x, gates[:, [0, 1, 0, 1]])


def test_paper_dimensions():
    """384 weights at 64 x 64 guide 32 channels at 64 x 64, twice."""
    spn = SPN(11).eval()
    seen = []
    spn.propagation.unit.register_forward_pre_hook(
        lambda _m, args: seen.append(tuple(tuple(arg.shape) for arg in args))
    )
    with torch.no_grad():
        logits = spn(torch.rand(1, 3, 128, 128), torch.rand(1, 11, 128, 128).softmax(1))
    assert spn.gate_channels == 384
    assert seen == [((1, 32, 64, 64), (1, 4, 3, 32, 64, 64))] * 2
    assert tuple(logits.shape) == (1, 11, 128, 128)


@pytest.mark.parametrize(
    ("connection", "options", "channels"),
    [
        ("one_way", {}, 4 * 1 * 4),
        ("three_way", {}, 4 * 3 * 4),
        ("three_way", {"share_weights": False}, 2 * 4 * 3 * 4),
        ("three_way", {"share_weights": False, "units": 3}, 3 * 4 * 3 * 4),
        ("three_way", {"units": 3}, 4 * 3 * 4),
    ],
)
def test_gate_channels(connection, options, channels):
    assert small(connection, **options).gate_channels == channels


def test_second_unit_is_fed_the_integrated_map_of_the_first():
    spn, fed, made = small(), [], []
    spn.propagation.unit.register_forward_hook(lambda _m, args, out: fed.append(args) or made.append(out))
    with torch.no_grad():
        spn(*pair())
    assert torch.equal(fed[1][0], made[0])
    assert torch.equal(fed[1][1], fed[0][1])


def test_the_last_map_is_upsampled_between_pixel_centres():
    spn, seen = small(), {}
    for name in ("after", "classify"):
        module = getattr(spn.propagation, name)
        module.register_forward_hook(lambda _m, args, out, name=name: seen.update({name: (args[0], out)}))
    with torch.no_grad():
        spn(*pair())
    low, up = seen["after"][1].relu(), seen["classify"][0]
    assert_close(up, naive.double(low.numpy()))


@pytest.mark.parametrize("side", [64, 32])
def test_the_border_is_repeated_where_the_stride_does_not_divide(side):
    spn, (image, coarse), stride = small(size=side), pair(9, 11), 128 // side
    rows, columns = (torch.arange(-(-n // stride) * stride).clamp(max=n - 1) for n in (9, 11))
    with torch.no_grad():
        whole = spn.propagation(coarse[:, :, rows][..., columns], spn.guidance(image))
        assert_close(spn.refinement(image, coarse), whole[..., :9, :11])


def test_units_may_have_weights_of_their_own():
    spn, fed = small(share_weights=False), []
    spn.propagation.unit.register_forward_pre_hook(lambda _m, args: fed.append(args[1]))
    with torch.no_grad():
        spn(*pair())
    assert not torch.equal(fed[0], fed[1])


def test_affinity_reads_the_photo_alone():
    """Another coarse map leaves every weight as it was; another photo does not."""
    spn, gates = small(), []
    spn.propagation.unit.register_forward_pre_hook(lambda _m, args: gates.append(args[1]))
    image, coarse = pair()
    with torch.no_grad():
        spn(image, coarse), spn(image, coarse.flip(1)), spn(image.flip(-1), coarse)
    assert torch.equal(gates[0], gates[2])
    assert not torch.equal(gates[0], gates[4])


def test_residual_adds_the_coarse_log_probabilities():
    with_residual, without = small(), small(residual=False)
    image, coarse = pair()
    with torch.no_grad():
        difference = with_residual(image, coarse) - without(image, coarse)
    torch.testing.assert_close(difference, coarse.log())


def test_a_hard_coarse_map_gives_finite_logits_and_gradients():
    image, coarse = pair()
    coarse = torch.nn.functional.one_hot(coarse.argmax(1), 3).permute(0, 3, 1, 2).float().requires_grad_()
    logits = small()(image, coarse)
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert torch.isfinite(coarse.grad).all()


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (17, 30), (128, 96)])
@pytest.mark.parametrize("side", [128, 64, 32])
def test_any_size(size, side):
    with torch.no_grad():
        out = small(size=side)(*pair(*size))
    assert tuple(out.shape) == (1, 3, *size)
    assert torch.isfinite(out).all()


def test_gradients_reach_every_weight():
    spn = small().train()
    image, coarse = pair(n=2)
    spn(image, coarse).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in spn.parameters())


def test_guidance_may_be_a_network_or_what_makes_one():
    assert isinstance(SPN(3, VGGGuidance).guidance, VGGGuidance)
    mine = UNetGuidance(48, widths=(4, 8))
    assert SPN(3, mine, hidden=4).guidance is mine


def test_guidance_of_another_shape_is_refused():
    for wrong in (UNetGuidance(40, widths=(4, 8)), UNetGuidance(48, stride=4, widths=(4, 8))):
        with pytest.raises(ValueError, match=r"guidance .*\(48, 8, 8\), got"):
            SPN(3, wrong, hidden=4)(*pair())


def test_a_backend_that_there_is_not_is_refused_when_the_layer_is_made():
    with pytest.raises(ValueError, match="backend got 'gpu', expected one of auto, reference, cpu, cuda"):
        SpatialPropagation(backend="gpu")


def test_a_unit_that_does_not_integrate_is_refused():
    with pytest.raises(ValueError, match="propagation must integrate its directions"):
        SPN(3, propagation=SpatialPropagation(integration=None))


def test_other_directions_need_other_gates():
    two = SpatialPropagation(("left_to_right", "top_to_bottom"), "softmax", "mean")
    spn = small(propagation=two)
    assert spn.gate_channels == 2 * 3 * 4
    with torch.no_grad():
        assert spn(*pair()).shape == (1, 3, 16, 16)


def discs(count, seed):
    """Photos of a bright disc, its truth, and a coarse map that shows it 8 times smaller."""
    generator = torch.Generator().manual_seed(seed)
    centre = 8 + 16 * torch.rand(count, 2, 1, 1, generator=generator)
    radius = 4 + 4 * torch.rand(count, 1, 1, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    inside = ((rows - centre[:, 0]) ** 2 + (columns - centre[:, 1]) ** 2 < radius**2).float()
    both = torch.stack([1 - inside, inside], dim=1)
    small = torch.nn.functional.avg_pool2d(both, 8)
    coarse = torch.nn.functional.interpolate(small, scale_factor=8, mode="bilinear")
    return inside[:, None].expand(-1, 3, -1, -1).contiguous(), coarse, inside.long()


def test_it_learns_to_follow_the_photo():
    """On discs never seen: 0.24 to 0.33 of the coarse map's mistakes over seeds, 0.53 to 0.62 without photos."""
    mistakes = {}
    (photo, coarse, truth), (new_photo, new_coarse, new_truth) = discs(8, seed=0), discs(16, seed=1)
    for seen in (True, False):
        torch.manual_seed(0)
        spn = SPN(2, lambda c, stride: UNetGuidance(c, stride=stride, widths=(8, 16)), hidden=4)
        optimizer = torch.optim.Adam(spn.parameters(), 3e-3)
        for _ in range(100):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(spn(photo * seen, coarse), truth).backward()
            optimizer.step()
        with torch.no_grad():
            found = spn.eval()(new_photo * seen, new_coarse).argmax(1)
        mistakes[seen] = (found != new_truth).float().mean() / (new_coarse.argmax(1) != new_truth).float().mean()
    assert mistakes[True] < 0.4
    assert mistakes[True] < 0.75 * mistakes[False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"connection": "two_way"}, r"connection must be one of .*'three_way'.* got 'two_way'"),
        ({"size": 48}, "size must be 128 divided by a power of two, got 48"),
        ({"size": 256}, "size must be 128 divided by a power of two, got 256"),
        ({"units": 0}, "units must be a positive integer, got 0"),
        ({"hidden": 2.5}, r"hidden must be a positive integer, got 2\.5"),
        ({"num_classes": 0}, "num_classes must be a positive integer, got 0"),
    ],
)
def test_bad_options_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SPN(**{"num_classes": 3} | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"guidance": "vgg"}, "guidance must be a module or what makes one, got 'vgg'"),
        ({"propagation": "clip"}, "propagation must be a SpatialPropagation, got 'clip'"),
    ],
)
def test_names_for_modules_are_refused(arguments, message):
    with pytest.raises(TypeError, match=message):
        SPN(3, **arguments)


def test_a_batch_of_any_size_goes_through_an_exported_program():
    network = SPN(3, hidden=4, size=64).eval()
    image, coarse = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32).softmax(1)
    sizes = {0: torch.export.Dim.AUTO}
    program = torch.export.export(network, (image, coarse), dynamic_shapes=(sizes, sizes)).module()
    image, coarse = torch.rand(3, 3, 32, 32), torch.rand(3, 3, 32, 32).softmax(1)
    assert_close(program(image, coarse).detach(), network(image, coarse).detach())


NARROW = (2,) * 5
ANY_SIZE = {
    "U-Net": lambda: SPN(3, partial(UNetGuidance, widths=NARROW), hidden=2),
    "VGG": lambda: SPN(3, VGGGuidance, hidden=2),
    "quarter": lambda: SPN(3, partial(UNetGuidance, widths=NARROW), hidden=2, size=32, connection="one_way"),
    "plain": lambda: PlainRefinement(3, hidden=2, widths=NARROW),
}


@pytest.mark.parametrize("kind", ANY_SIZE)
def test_sides_of_any_size_go_through_an_exported_program(kind):
    """Whole and broken cells of every level, and both parities."""
    network = ANY_SIZE[kind]().eval()
    height, width = (torch.export.Dim(name, min=33) for name in ("height", "width"))
    sizes = {0: torch.export.Dim("batch"), 2: height, 3: width}
    with torch.no_grad():
        traced = torch.rand(2, 3, 50, 70), torch.rand(2, 3, 50, 70).softmax(1)
        program = torch.export.export(network, traced, dynamic_shapes=(sizes, sizes)).module()
        for n, h, w in ((1, 33, 57), (2, 64, 64), (1, 37, 130), (3, 128, 96)):
            image, coarse = torch.rand(n, 3, h, w), torch.rand(n, 3, h, w).softmax(1)
            assert_close(program(image, coarse), network(image, coarse))


def test_transforms_see_no_check_of_values():
    network = SPN(3, hidden=4, size=64).eval()
    image, coarse = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32).softmax(1)
    one_by_one = torch.func.vmap(lambda i, c: network(i[None], c[None])[0])(image, coarse)
    assert_close(one_by_one.detach(), network(image, coarse).detach())


def test_who_gives_logits_is_told_where():
    network, image = SPN(3, hidden=4).eval(), torch.rand(1, 3, 32, 32)
    with pytest.warns(UserWarning, match="apply softmax") as told:
        network(image, -torch.ones(1, 3, 32, 32))
    assert told[0].filename == __file__


def test_numbers_of_numpy_count():
    assert SPN(np.int64(3), hidden=np.int32(4)).gate_channels == 48


IMAGE, COARSE = pair()


@pytest.mark.parametrize(
    ("image", "coarse", "error", "message"),
    [
        (IMAGE, COARSE[:, :2], ValueError, r"coarse must be \(N, 3, H, W\).* \(1, 2, 16, 16\)"),
        (IMAGE, COARSE[..., :8], ValueError, r"same height and width, got \(16, 16\) and \(16, 8\)"),
        (IMAGE, COARSE.expand(2, -1, -1, -1), ValueError, "same batch size, got 1 and 2"),
        (IMAGE, COARSE.argmax(1), TypeError, "coarse must be floating, got torch.int64"),
        (IMAGE, COARSE.double(), TypeError, r"same dtype, got torch\.float32 and torch\.float64"),
        (IMAGE, COARSE.to("meta"), ValueError, "same device, got cpu and meta"),
        (IMAGE, COARSE / 0, ValueError, "coarse must be finite"),
        (IMAGE[:, :1], COARSE, ValueError, r"image must be \(N, 3, H, W\)"),
    ],
)
def test_bad_input_is_refused(image, coarse, error, message):
    with pytest.raises(error, match=message):
        small()(image, coarse)


def test_logits_as_coarse_map_are_pointed_out():
    image, coarse = pair()
    with pytest.warns(UserWarning, match="coarse should hold probabilities"), torch.no_grad():
        small()(image, coarse.log())


def test_ordinary_module(tmp_path):
    """State dict, copy, pickle, file and cast give the same network."""
    spn, (image, coarse) = small(), pair()
    torch.save(spn.state_dict(), tmp_path / "spn.pt")
    loaded = SPN(3, lambda c, stride: UNetGuidance(c, stride=stride, widths=(4, 8)), hidden=4).eval()
    loaded.load_state_dict(torch.load(tmp_path / "spn.pt", weights_only=True))
    with torch.no_grad():
        expected = spn(image, coarse)
        for other in (loaded, copy.deepcopy(spn), pickle.loads(pickle.dumps(spn))):
            assert torch.equal(other(image, coarse), expected)
        double = spn.double()(image.double(), coarse.double())
    torch.testing.assert_close(double.float(), expected)


def test_repr_shows_the_choices():
    text = repr(small("one_way", share_weights=False))
    for part in ("num_classes=3", "share_weights=False", "normalization='clip'", "UNetGuidance"):
        assert part in text


def test_compiles_to_one_graph():
    spn, (image, coarse) = small(), pair()
    compiled = torch.compile(spn, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(image, coarse), spn(image, coarse))
