"""Whole runs: resumed to the same result, interrupted, refused, scored again."""

import copy
import errno
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from spnkit.training import Experiment, Options, evaluate, fit, free_folder, load_model, train
from spnkit.training.files import whole_file
from spnkit.training.modules import ParserTraining, RefinementTraining
from spnkit.training.runs import open_run

RESULTS = {"metrics.json", "table.txt", "table.md", "crops.png", "listening.png", "options.json"}
CHECKPOINTS = {"parsers.ckpt", "spn.ckpt"}
SILENT = Console(quiet=True)


pytestmark = pytest.mark.usefixtures("short_epochs")


def weights(out):
    return torch.load(out / "spn.ckpt", weights_only=True)["state_dict"]


def test_run_folder(run, tiny):
    out, scores = run
    assert {path.name for path in out.iterdir()} == RESULTS | CHECKPOINTS | {"faces"}
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["command"] == "the command"
    assert metrics["options"] == tiny.as_dict()
    assert list(metrics["scores"]) == list(scores) == ["baseline, upsampled", "SPN", "SPN, blank photo"]
    assert metrics["versions"]["torch"] == torch.__version__
    assert [entry["step"] for entry in metrics["stages"]["spn"]["history"]] == [2, 4, 6]
    assert set(metrics["scores"]["SPN"]) >= {"skin", "overall", "mean IoU"}


@pytest.mark.parametrize(("stage", "step"), [(ParserTraining, 3), (RefinementTraining, 1), (RefinementTraining, 5)])
def test_a_killed_run_resumes_to_the_same_weights(run, copied, tiny, monkeypatch, stage, step):
    original = stage.training_step

    def dies(self, batch, index):
        if self.global_step == step:
            raise KeyboardInterrupt
        return original(self, batch, index)

    out, _ = copied
    for name in (*RESULTS - {"options.json"}, "spn.ckpt", *["parsers.ckpt"] * (stage is ParserTraining)):
        (out / name).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(stage, "training_step", dies)
        with pytest.raises(KeyboardInterrupt):
            train(tiny, out, resume=True, console=SILENT)
    assert not (out / "metrics.json").exists()
    train(tiny, out, resume=True, console=SILENT)
    whole, resumed = weights(run[0]), weights(out)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (
        json.loads((out / "metrics.json").read_text())["scores"]
        == json.loads((run[0] / "metrics.json").read_text())["scores"]
    )


def test_ctrl_c_leaves_a_checkpoint_that_can_be_scored(tiny, tmp_path, monkeypatch, faces):
    original = RefinementTraining.training_step

    def dies(self, batch, index):
        if self.global_step == 3:
            raise KeyboardInterrupt
        return original(self, batch, index)

    monkeypatch.setattr(RefinementTraining, "training_step", dies)
    with pytest.raises(KeyboardInterrupt):
        train(tiny, tmp_path / "run", console=SILENT)
    scores = evaluate(tmp_path / "run" / "spn.ckpt", str(faces.root), console=SILENT)
    assert set(scores) == {"baseline, upsampled", "SPN", "SPN, blank photo"}


def test_evaluate_gives_the_scores_of_the_run(run, tmp_path):
    out, scores = run
    again = evaluate(out / "spn.ckpt", str(out / "faces"), out=tmp_path / "again", console=SILENT)
    assert json.dumps(again) == json.dumps(scores)
    assert (tmp_path / "again" / "table.txt").read_text() == (out / "table.txt").read_text()


def test_the_report_of_a_run_is_not_overwritten_by_another_score(run):
    with pytest.raises(FileExistsError, match="holds a run, whose report would be lost"):
        evaluate(run[0] / "spn.ckpt", str(run[0] / "faces"), out=run[0], console=SILENT)


@pytest.mark.parametrize(
    "change",
    [{"refiner": "plain"}, {"patch": 30, "propagated": 32, "folds": 1}],
    ids=["plain", "an odd patch and one parser"],
)
def test_every_refinement_ends_in_a_report(tiny, tmp_path, change):
    options = replace(tiny, parser_steps=1, steps=1, control=False, **change)
    scores = train(options, tmp_path / "run", console=SILENT)
    assert list(scores) == ["baseline, upsampled", "plain convolutions" if "refiner" in change else "SPN"]
    left = {path.name for path in (tmp_path / "run").iterdir()} - {"faces"} - CHECKPOINTS
    assert left == RESULTS - ({"listening.png"} if "refiner" in change else set())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parser_batch": 1}, "parser_batch: expected at least 2 for 2 folds"),
        ({"devices": 2, "device": "cuda:0"}, "devices: cuda:0 is one device, got 2"),
    ],
)
def test_options_that_cannot_be_trained_with(change, words):
    with pytest.raises(ValueError, match=words):
        Options(**change)


def test_control_never_sees_the_photo(run):
    model = load_model(run[0] / "spn.ckpt")
    image = torch.rand(3, 8, 8)
    assert not model.photo("SPN, blank photo", image).any()
    assert model.photo("SPN", image) is image


def test_connection_is_that_of_the_options(tiny):
    options = Options(**tiny.as_dict() | {"connection": "one_way"})
    networks = RefinementTraining(("a", "b"), options).networks
    assert [network.propagation.connections for network in networks.values()] == [1, 1]


def test_epochs_cover_the_steps_exactly():
    lengths = []
    for epoch in range(3):
        trainer = SimpleNamespace(current_epoch=epoch, global_rank=0, world_size=1)
        batches = list(fit.EpochBatches(trainer, batch=3, steps=5, share=1))
        assert batches[0] == [(epoch, 0), (epoch, 1), (epoch, 2)]
        lengths.append(len(batches))
    assert lengths == [2, 2, 1]


def test_folds_parse_faces_they_have_not_seen(tiny):
    """Each parser's gradient comes from the other folds' faces alone."""
    module = ParserTraining(("a", "b"), tiny)
    image = torch.rand(4, 3, 16, 16)
    labels, fold = torch.randint(0, 2, (4, 16, 16)), torch.tensor([0, 1, 0, 1])
    labels[fold == 1] = 255  # only faces of fold 0 teach anything
    module.training_step({"image": image, "labels": labels, "fold": fold}, 0).backward()
    taught = [any(p.grad is not None and p.grad.any() for p in parser.parameters()) for parser in module.parsers]
    assert taught == [False, True]


def test_a_run_is_not_overwritten(run, tiny):
    with pytest.raises(FileExistsError, match="holds a run already"):
        train(tiny, run[0], console=SILENT)


def test_resume_refuses_other_options_and_empty_folders(run, tiny, tmp_path):
    with pytest.raises(ValueError, match=r"steps: the run in .* has 6, got 7"):
        train(Options(**tiny.as_dict() | {"steps": 7}), run[0], resume=True, console=SILENT)
    with pytest.raises(FileNotFoundError, match="there is no run to resume"):
        train(tiny, tmp_path / "none", resume=True, console=SILENT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps: expected at least 1, got 0"),
        ({"seed": -1}, "seed: expected at least 0, got -1"),
        ({"rate": 0.0}, "rate: expected at least .*, got 0.0"),
        ({"connection": "two_way"}, "connection: expected one of one_way, three_way, got two_way"),
        ({"split": "train"}, "split: expected one of val, test, got train"),
        ({"propagated": 48}, "propagated: expected one of 4, 8, 16, 32, 64, 128, got 48"),
        ({"size": 130}, "factor: expected a divisor of size = 130, got 4"),
        ({"parsing": -1.0}, "parsing: expected at least 0, got -1.0"),
        ({"patch": 512}, "patch: expected at most size = 256, got 512"),
        ({"rate": 0}, "rate: expected at least .*, got 0"),
        ({"parsing": float("nan")}, "parsing: expected at least 0, got nan"),
        ({"rate": float("inf")}, "rate: expected at least .*, got inf"),
        ({"highres": True, "factor": 3, "size": 255}, "factor: expected a power of two for the Highres-CNN, got 3"),
        ({"people": "("}, r"people: expected a regular expression, got '\(' \(missing \)"),
    ],
)
def test_options_that_make_no_run(change, message):
    with pytest.raises(ValueError, match=message):
        Options(**change)


@pytest.mark.parametrize("change", [{"steps": "a"}, {"hidden": 2.5}, {"control": "no"}, {"batch": True}, {"data": 3}])
def test_options_of_another_type(change):
    ((name, value),) = change.items()
    with pytest.raises(TypeError, match=f"{name}: expected .*, got {value!r}"):
        Options(**change)


def test_a_loss_that_is_no_number_ends_the_run(tiny, tmp_path):
    with pytest.raises(ValueError, match=r"spn: the loss is (nan|inf) at step"):
        train(replace(tiny, parsing=1e38), tmp_path / "run", console=SILENT)
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_options_that_are_none_are_named(tiny, tmp_path):
    for text in ("{", "[]"):
        (tmp_path / "options.json").write_text(text)
        with pytest.raises(ValueError, match=r"options\.json: damaged, or not the options of a run"):
            train(tiny, tmp_path, resume=True, console=SILENT)


def test_unknown_device_is_refused_before_anything_is_written(tiny, tmp_path):
    with pytest.raises(ValueError, match="device: 'abacus' cannot be used"):
        train(Options(**tiny.as_dict() | {"device": "abacus"}), tmp_path / "run", console=SILENT)
    assert not (tmp_path / "run").exists()


def test_checkpoints_that_are_none(run, tmp_path, faces):
    broken = tmp_path / "broken.ckpt"
    broken.write_bytes((run[0] / "spn.ckpt").read_bytes()[:1000])
    with pytest.raises(FileNotFoundError, match=r"missing\.ckpt: no such checkpoint"):
        load_model(tmp_path / "missing.ckpt")
    with pytest.raises(ValueError, match="not a checkpoint of a run"):
        load_model(broken)
    torch.save(torch.zeros(3), broken)
    with pytest.raises(ValueError, match=r"broken\.ckpt: not a checkpoint of a run"):
        load_model(broken)


def test_a_damaged_checkpoint_is_named_when_a_run_goes_on(run, tiny, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(run[0], out)
    (out / "spn.ckpt").write_bytes((run[0] / "spn.ckpt").read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"spn\.ckpt: damaged"):
        train(tiny, out, resume=True, console=SILENT)


def test_a_checkpoint_of_the_parsers_scores_them_alone(run):
    out, scores = run
    (alone,) = evaluate(out / "parsers.ckpt", str(out / "faces"), console=SILENT).items()
    assert alone == ("baseline, upsampled", scores["baseline, upsampled"])


def test_a_run_may_be_older_than_an_option(run, tiny, tmp_path):
    saved = json.loads((run[0] / "options.json").read_text())
    (tmp_path / "options.json").write_text(json.dumps({name: saved[name] for name in saved if name != "loss"}))
    open_run(tmp_path, tiny, resume=True)
    with pytest.raises(ValueError, match=r"loss: the run in .* has balanced, got softmax"):
        open_run(tmp_path, replace(tiny, loss="softmax"), resume=True)


def test_a_recipe_is_followed(tiny):
    """Each choice shows in the network, its loss or its optimiser."""
    change = {"residual": False, "batch_norm": False, "loss": "softmax", "optimizer": "sgd"}
    module = RefinementTraining(("a", "b"), replace(tiny, **change, control=False))
    (network,) = module.networks.values()
    assert not network.residual
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())
    assert isinstance(module.configure_optimizers()["optimizer"], torch.optim.SGD)
    batch = {"image": torch.rand(1, 3, 32, 32), "coarse": torch.rand(1, 2, 32, 32).softmax(1)}
    labels = torch.randint(0, 2, (1, 32, 32))
    expected = torch.nn.functional.cross_entropy(network(**batch), labels)
    torch.testing.assert_close(module.training_step(batch | {"labels": labels}, 0), expected)


@pytest.mark.parametrize("refiner", ["spn", "plain"])
def test_what_reads_the_photo_learns_to_parse_it(tiny, refiner):
    """The second loss has the weight that it is given, reaches the guidance network, and leaves what refines alone."""
    batch = {"image": torch.rand(2, 3, 32, 32), "coarse": torch.rand(2, 2, 32, 32).softmax(1)}
    labels = torch.randint(0, 2, (2, 32, 32))

    def loss(parsing):
        torch.manual_seed(0)
        module = RefinementTraining(("a", "b"), replace(tiny, refiner=refiner, parsing=parsing, control=False))
        return module, module.training_step(batch | {"labels": labels}, 0)

    (without, alone), (once, single), (_, double) = loss(0.0), loss(1.0), loss(2.0)
    assert not without.heads
    torch.testing.assert_close(double - single, single - alone)
    (head,), (network,) = once.heads.values(), once.networks.values()
    single.backward()
    assert head.weight.grad.any()
    assert not head.kept
    for ours, same in zip(network.parameters(), without.networks.parameters(), strict=True):
        assert torch.equal(ours, same)
    network.eval()(**batch)
    assert not head.kept
    with pytest.raises(RuntimeError, match="the network has seen no photo in training"):
        head(labels)
    network.train()(**batch)
    assert not copy.deepcopy(once).heads[next(iter(once.heads))].kept  # what hangs on a graph is left behind


@pytest.mark.parametrize("share_weights", [True, False])
@pytest.mark.parametrize("connection", ["one_way", "three_way"])
def test_gates_that_add_up_to_more_than_one_are_restrained(tiny, connection, share_weights):
    """What a penalty costs, for gates that are set, and whom it moves."""
    options = replace(tiny, connection=connection, share_weights=share_weights, restraint=0.5, control=False)
    module = RefinementTraining(("a", "b"), options)
    (network,), (excess,) = module.networks.values(), module.excesses
    batch = {"image": torch.rand(2, 3, 32, 32), "coarse": torch.rand(2, 2, 32, 32).softmax(1)}
    torch.nn.init.zeros_(network.guidance.out.weight)
    for value, expected in (
        (0.0, 0.0),
        (1 / network.propagation.connections, 0.0),
        (-2.0, 2.0 * network.propagation.connections - 1),
    ):
        torch.nn.init.constant_(network.guidance.out.bias, value)
        network(**batch)
        cost = excess()
        assert cost.item() == pytest.approx(expected, abs=1e-6)
    cost.backward()
    assert (network.guidance.out.bias.grad < 0).all()  # a step against it leads towards zero
    network.eval()(**batch)
    assert not excess.kept


def test_what_has_no_gates_is_not_restrained(tiny):
    assert not RefinementTraining(("a", "b"), replace(tiny, refiner="plain", restraint=1.0)).excesses


@pytest.mark.parametrize("connection", ["one_way", "three_way"])
@pytest.mark.parametrize(("start", "total"), [("still", 0.0), ("flowing", 0.75)])
def test_gates_begin_near_what_they_add_up_to(tiny, start, total, connection):
    torch.manual_seed(0)
    options = replace(tiny, width=0.5, start=start, connection=connection)
    network = RefinementTraining(("a", "b"), options).networks["SPN"]
    gates = network.guidance(torch.rand(2, 3, 32, 32)).unflatten(1, network.propagation.gate_shape)
    sums = gates.detach().sum(3)
    assert float(sums.mean()) == pytest.approx(total, abs=0.1)
    assert float(sums.std()) < 0.2


def test_a_copying_network_begins_with_the_map(tiny):
    options = replace(tiny, hidden=3, start="copying", residual=False)
    network = RefinementTraining(("a", "b", "c"), options).networks["SPN"].eval()
    given = torch.arange(3).repeat_interleave(8).expand(1, 24, 24)
    coarse = torch.nn.functional.one_hot(given, 3).permute(0, 3, 1, 2).float()
    assert (network(torch.rand(1, 3, 24, 24), coarse).argmax(1) == given).float().mean() > 0.9


@pytest.mark.parametrize("cross_fitted", [True, False])
def test_cross_fitted_maps_are_of_the_parser_that_has_not_seen_the_face(
    tiny, tmp_path, faces, monkeypatch, cross_fitted
):
    asked = []
    monkeypatch.setattr(
        "spnkit.training.parsed.parse", lambda parsers, *_: asked.append(parsers[0]) or torch.ones(11, 16, 16)
    )
    run = Experiment(replace(tiny, cross_fitted=cross_fitted, steps=1), tmp_path, SILENT)
    parsers = ParserTraining(faces.classes, run.options)
    run.refinement(parsers, run.aligned(faces, "train"))
    own, other = parsers.parsers
    assert asked == ([own, other] if cross_fitted else [other, own]) * 3


def test_classes_must_be_those_of_the_checkpoint(run, tmp_path, faces, monkeypatch):
    monkeypatch.setattr("spnkit.tasks.faces.open_faces", lambda _data: faces)
    monkeypatch.setattr(faces, "classes", ("background", "road"))
    with pytest.raises(ValueError, match=r"its classes are .*road.*, .*spn\.ckpt has"):
        evaluate(run[0] / "spn.ckpt", "somewhere", console=SILENT)


def test_whole_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "file"

    def full():
        with whole_file(path) as file:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"file: could not be written \(no room on disk\); nothing was left"):
        full()
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"before")
    with pytest.raises(OSError, match="no room on disk"):
        full()
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_free_folder(tmp_path):
    assert free_folder(tmp_path, "helen", False) == tmp_path / "helen"
    assert free_folder(tmp_path, "helen", True) == tmp_path / "helen"
    for name in ("helen", "helen-2"):
        (tmp_path / name).mkdir()
    assert free_folder(tmp_path, "helen", False) == tmp_path / "helen-3"
    assert free_folder(tmp_path, "helen", True) == tmp_path / "helen-2"
