"""Train the small parser and SPN that come with the project (`spnkit.nn.face_refiner`) on made-up faces.

Resumable; takes about ten minutes on two cores. Writes spnkit/nn/face_refiner.pt and the scores of these
networks on made-up faces that they have not seen.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import torch
from rich.console import Console

from analysis.common import record
from spnkit.nn import face_refiner
from spnkit.nn.pretrained import WEIGHTS, FaceRefiner, pack
from spnkit.training import Options, load_model, train
from spnkit.training.files import whole_file

SMALL = {"size": 64, "patch": 32, "width": 0.05, "hidden": 2, "made": 6, "parser_steps": 2, "steps": 2}
CHOSEN = {"folds": 1, "width": 0.25, "made": 192, "parser_steps": 1000, "steps": 400, "parser_batch": 16}


def main() -> None:
    """Train, write the weights and the scores."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/face_refiner"), help="where work is kept")
    chosen = parser.parse_args()
    options = Options(**CHOSEN | (SMALL if chosen.small else {}), control=False, seed=chosen.seed)
    runs = record.work(chosen)
    scores = train(options, runs, resume=(runs / "options.json").exists(), console=Console())
    model = load_model(runs / "spn.ckpt")
    made_of = {"classes": list(model.classes), "widths": model.widths, "connection": options.connection}
    made_of |= {"hidden": options.hidden, "size": options.size, "factor": options.factor, "edge": True}
    (parser_network,), (spn,) = model.parsers, model.networks.values()
    whole = FaceRefiner(list(model.classes), parser_network, spn, options.size, options.factor)
    target = runs / WEIGHTS.name if chosen.small else WEIGHTS
    with whole_file(target) as file:
        torch.save(pack(whole, made_of), file)
    face_refiner(target)  # it can be read
    figures = {"options": options.as_dict(), "scores": scores, "bytes": target.stat().st_size}
    record.write("face_refiner", figures, seed=chosen.seed, out=record.folder(chosen))


if __name__ == "__main__":
    main()
