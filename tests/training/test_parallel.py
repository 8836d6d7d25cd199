"""Several processes, or several batches a step: who trains what must not show in the result."""

import io
import pickle
from dataclasses import replace
from types import SimpleNamespace

import lightning
import pytest
import torch
from rich.console import Console

from spnkit.training import Experiment, Options, fit
from spnkit.training.modules import ParserTraining
from spnkit.training.progress import console_of

SILENT = Console(quiet=True)


def parsers(options, out, faces):
    """The parsers after training, and what is told about it."""
    run = Experiment(options, out, SILENT)
    return run.parsers(faces.classes, run.aligned(faces, "train")), run.stages["parsers"]


def refinement(options, out, faces):
    """The same of what refines the maps of parsers before training, with all its losses."""
    run = Experiment(replace(options, parsing=1.0, restraint=1.0), out, SILENT)
    lightning.seed_everything(0, verbose=False)
    untrained = ParserTraining(faces.classes, run.options)
    return run.refinement(untrained, run.aligned(faces, "train")), run.stages["spn"]


def assert_same_weights(one, other):
    others = dict(other.named_parameters())
    for name, weight in one.named_parameters():
        torch.testing.assert_close(others[name], weight, rtol=1e-5, atol=1e-6)


def test_two_processes_train_what_one_does_with_twice_the_batches(tiny, faces, tmp_path):
    short = replace(tiny, steps=2)
    alone, told = refinement(replace(short, accumulate=2), tmp_path / "alone", faces)
    together, told_together = refinement(replace(short, devices=2), tmp_path / "together", faces)
    assert_same_weights(alone, together)
    assert [entry["step"] for entry in told_together["history"]] == [entry["step"] for entry in told["history"]] == [2]


def test_batch_normalisation_counts_what_all_processes_have_seen(tiny, faces, tmp_path):
    """After one step its statistics are .9 of what they began with and .1 of the mean of both batches."""

    def statistics(module):
        kept = {key: value for key, value in module.named_buffers() if value.is_floating_point()}
        return torch.cat([value for _, value in sorted(kept.items())])

    modules = [
        parsers(replace(tiny, parser_steps=1, **change), tmp_path / name, faces)[0]
        for name, change in (("first", {}), ("both", {"accumulate": 2}), ("shared", {"devices": 2}))
    ]
    first, both, shared = map(statistics, modules)
    assert_same_weights(*modules[1:])
    of_second = both - 0.9 * first  # a moving average: .9 of what was, .1 of the batch
    began = statistics(ParserTraining(faces.classes, tiny))
    torch.testing.assert_close(shared, 0.9 * began + (first - 0.9 * began + of_second) / 2)
    assert not torch.allclose(shared, first, rtol=1e-3)


@pytest.mark.parametrize("world", [1, 2, 4])
def test_batches_are_dealt_out_so_that_a_step_is_the_same(world):
    def step(number):
        """The samples of one step, over all processes."""
        drawn = []
        for rank in range(world):
            trainer = SimpleNamespace(current_epoch=0, global_rank=rank, world_size=world)
            batches = list(fit.EpochBatches(trainer, batch=3, steps=2, share=4))
            each = 4 // world
            drawn += [sample for batch in batches[number * each : (number + 1) * each] for sample in batch]
        return sorted(drawn)

    assert step(0) == [(0, index) for index in range(12)]
    assert step(1) == [(0, index) for index in range(12, 24)]


def test_accumulated_batches_count_as_one_step(tiny, faces, tmp_path):
    _, told = parsers(replace(tiny, parser_steps=2, accumulate=3), tmp_path / "run", faces)
    assert told["history"][-1]["step"] == 2
    assert told["seconds_per_step"] > 0


def test_mixed_precision_follows_full_precision(tiny, faces, tmp_path):
    """On a CPU, where bfloat16 can be mixed too: convolutions in half, propagation and loss in full."""

    def losses(precision):
        run = Experiment(replace(tiny, parser_steps=2, steps=2, precision=precision), tmp_path / precision, SILENT)
        train = run.aligned(faces, "train")
        run.refinement(run.parsers(faces.classes, train), train)
        return [run.stages[stage]["history"][-1]["loss"] for stage in ("parsers", "spn")]

    assert losses("bf16-mixed") == pytest.approx(losses("32-true"), rel=0.02)


def test_progress_can_be_sent_to_another_process():
    sent = pickle.loads(pickle.dumps(fit.StageProgress("spn", 3, SILENT)))
    assert (sent.title, sent.steps, sent.history) == ("spn", 3, [])


@pytest.mark.parametrize(("name", "value"), [("devices", 0), ("accumulate", 0), ("precision", "8-bit")])
def test_ways_to_train_that_there_are_not(name, value):
    with pytest.raises(ValueError, match=f"{name}: expected"):
        Options(**{name: value})


def test_progress_is_told_in_any_encoding(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), "cp1252")
    monkeypatch.setattr("sys.stdout", stream)
    console_of().print("faces in 顔 ü")
    stream.flush()
    assert stream.buffer.getvalue() == "faces in \\u9854 ü\n".encode("cp1252")
