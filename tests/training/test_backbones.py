"""Training on a backbone that has learned already: its rate, its weights, and what is said where there are none."""

import pytest
import torch
from rich.console import Console

from spnkit.nn import VGGGuidance
from spnkit.nn.guidance import VGG16Features
from spnkit.training import Options, train
from spnkit.training.modules import RefinementTraining, poly
from spnkit.training.refiners import learned_vgg16

SMALL = {"hidden": 1, "patch": 32, "control": False, "width": 0.1}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Weights as torchvision publishes them."""
    path = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    torch.manual_seed(3)
    weights = {f"features.{name}": value for name, value in VGG16Features().state_dict().items()}
    torch.save(weights | {"classifier.6.bias": torch.zeros(1000)}, path, _use_new_zipfile_serialization=False)
    return path


def test_a_backbone_learns_at_a_tenth_of_the_rate():
    module = RefinementTraining(("a", "b"), Options(**SMALL, guidance="vgg16", rate=0.01))
    rest, backbone = module.configure_optimizers()["optimizer"].param_groups
    assert (rest["initial_lr"], backbone["initial_lr"]) == pytest.approx((0.01, 0.001))
    features = {p for network in module.networks.values() for p in network.guidance.features.parameters()}
    assert set(backbone["params"]) == features
    assert set(rest["params"]).isdisjoint(features)
    assert features | set(rest["params"]) == set(module.networks.parameters())


def test_without_a_backbone_there_is_one_rate():
    module = RefinementTraining(("a", "b"), Options(**SMALL))
    assert len(module.configure_optimizers()["optimizer"].param_groups) == 1


def test_the_polynomial_schedule_falls_to_nothing():
    assert [poly(step, 10) for step in (0, 10, 11)] == [1, 0, 0]
    assert poly(5, 10) == pytest.approx(0.5**0.9)
    module = RefinementTraining(("a", "b"), Options(**SMALL, schedule="poly", steps=10, rate=1.0))
    found = module.configure_optimizers()
    for _ in range(5):
        found["optimizer"].step()
        found["lr_scheduler"]["scheduler"].step()
    assert found["optimizer"].param_groups[0]["lr"] == pytest.approx(0.5**0.9)


def test_published_weights_are_read(published):
    guidance = VGGGuidance(1)
    guidance.load_vgg16(learned_vgg16(str(published)))
    assert torch.equal(guidance.features[0].weight, torch.load(published)["features.0.weight"])


@pytest.mark.parametrize("content", [b"", b"no weights at all", None])
def test_other_files_are_named(content, tmp_path):
    path = tmp_path / "other.pth"
    if content is None:
        torch.save({"features.0.weight": torch.zeros(3)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.pth: .*torchvision's vgg16"):
        learned_vgg16(str(path))


def test_missing_weights_are_named_before_any_work(tmp_path):
    options = Options(**SMALL, guidance="vgg16", vgg16=str(tmp_path / "none.pth"))
    with pytest.raises(FileNotFoundError, match=r"none\.pth: no weights of VGG-16 there"):
        train(options, tmp_path / "run", console=Console(quiet=True))
    assert not (tmp_path / "run").exists()


def test_a_run_begins_with_published_weights(published, tmp_path):
    """Two steps of Adam move each of them by about the rate."""
    short = {"size": 64, "made": 6, "parser_steps": 2, "parser_batch": 4, "steps": 2, "batch": 2, "rate": 1e-4}
    options = Options(**SMALL, **short, guidance="vgg16", vgg16=str(published), clip=1.0, schedule="poly")
    train(options, tmp_path / "run", console=Console(quiet=True))
    saved = torch.load(tmp_path / "run" / "spn.ckpt", weights_only=True)["state_dict"]
    (name,) = (name for name in saved if name.endswith("guidance.features.0.weight"))
    moved = (saved[name] - torch.load(published)["features.0.weight"]).abs().max()
    assert 0 < moved < 1e-4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vgg16": "a.pth"}, "vgg16: its weights are for guidance vgg16 alone, got guidance unet"),
        ({"guidance": "resnet"}, "guidance"),
        ({"schedule": "steps"}, "schedule"),
        ({"clip": -1.0}, "clip"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        Options(**options)
