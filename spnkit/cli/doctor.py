"""Say what this installation has, where it keeps its kernels, and what is missing for what.

spnkit doctor    # to be read, or to be sent along with a question
"""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec

from spnkit.cli.said import tell
from spnkit.provenance import machine, versions

HELP = "say what is installed, where kernels are kept, what is missing"
PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "torch", "numba-cuda", "matplotlib", "lightning")
EXTRAS = {
    "torch": ({"torch": "torch"}, "the layer and the networks"),
    "refine": ({"torch": "torch", "PIL": "pillow", "rich": "rich"}, "spnkit refine"),
    "plot": ({"matplotlib": "matplotlib"}, "figures"),
    "look": ({"matplotlib": "matplotlib", "PIL": "pillow", "tornado": "tornado"}, "spnkit look"),
    "train": (
        {"lightning": "lightning", "torchmetrics": "torchmetrics", "skimage": "scikit-image"},
        "training, spnkit train-refiner",
    ),
    "backbones": ({"efficientnet_lite_pytorch": "efficientnet-lite-pytorch"}, "guidance on pretrained features"),
    "onnx": ({"onnxscript": "onnxscript", "onnxruntime": "onnxruntime"}, "files that run without torch"),
    "cuda": ({"numba_cuda": "numba-cuda"}, "NVIDIA GPUs"),
}
"""Each with its packages, by the name they are imported by, and what it is for."""


def options(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(asked: argparse.Namespace) -> int:
    """Print everything; 1 if the propagation itself does not work."""
    for name, version in versions(PACKAGES).items():
        tell(f"{name:13} {version}")
    tell(f"{'cpu':13} {_processor()}")
    tell(f"{'gpu':13} {_gpu()}")
    tell(f"{'threads':13} {_threads()}")
    tell(f"{'kernels':13} {_kernels()}")
    for extra, (packages, purpose) in EXTRAS.items():
        lacking = [name for module, name in packages.items() if find_spec(module) is None]
        lack = f"missing: {', '.join(lacking)} (pip install 'spnkit[{extra}]')" if lacking else "there"
        tell(f"{extra:13} {lack}, for {purpose}")
    works, result = _tried()
    tell(f"{'propagation':13} {result}")
    return 0 if works else 1


def _processor() -> str:
    found = machine()
    return f"{found['cpu']}, {found['cpus']} CPUs, {found['machine']}"


def _gpu() -> str:
    if find_spec("torch") is None:
        return "not looked for without torch"
    import torch

    if not torch.cuda.is_available():
        return f"none that torch {torch.__version__} can use"
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f"{', '.join(names)} (CUDA {torch.version.cuda})"


def _threads() -> str:
    import numba

    told = {name: os.environ[name] for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS") if name in os.environ}
    return ", ".join([str(numba.get_num_threads()), *(f"{name}={value}" for name, value in told.items())])


def _kernels() -> str:
    """Where compiled kernels are kept, and whether they can be."""
    from spnkit.backends.cache import folder as place_of_kernels

    folder = place_of_kernels()
    if folder is None:
        return "not kept: no home folder; set NUMBA_CACHE_DIR to a folder that can be written"
    kept = len(list(folder.glob("*.nbc"))) if folder.is_dir() else 0
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK):
        return f"{folder} ({kept} kept; cannot be written: set NUMBA_CACHE_DIR to a folder that can)"
    return f"{folder} ({kept} kept, can be written)"


def _tried() -> tuple[bool, str]:
    """Whether a constant map stays what it is."""
    import numpy as np

    from spnkit import propagate

    try:
        right = bool((propagate(np.ones((1, 1, 9, 9)), np.ones((1, 4, 3, 1, 9, 9))) == 1).all())
    except Exception as error:  # whatever is broken is what was asked for
        return False, f"fails: {type(error).__name__}: {error}"
    return right, "works" if right else "wrong results"
