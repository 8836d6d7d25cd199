"""A small parser and SPN that are trained already, on made-up faces alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from spnkit.nn.blocks import upsampled
from spnkit.nn.checks import UNREADABLE, check_image, load_whole
from spnkit.nn.guidance import UNetGuidance
from spnkit.nn.parsers import FaceParser
from spnkit.nn.spn import SPN

WEIGHTS = Path(__file__).with_name("face_refiner.pt")


class FaceRefiner(nn.Module):
    """A photo of a face to class probabilities: a baseline parser at low resolution, then an SPN.

    Parameters
    ----------
    classes : sequence of str
        Class names in index order.
    parser : nn.Module
        `(N, 3, h, w) -> logits (N, num_classes, h, w)`.
    spn : nn.Module
        `(image, coarse) -> logits`, both at full resolution.
    size : int
        Side of the frame that both were trained on.
    factor : int
        The parser sees the face this many times smaller.
    """

    def __init__(self, classes: list[str], parser: nn.Module, spn: nn.Module, size: int, factor: int) -> None:
        super().__init__()
        self.classes, self.size, self.factor = tuple(classes), size, factor
        self.parser, self.spn = parser, spn

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Class probabilities before and after refinement.

        Parameters
        ----------
        image : Tensor, (N, 3, size, size), floating
            RGB in [0, 1], the face upright, its eyes a quarter of the frame apart (`spnkit.data.align`).

        Returns
        -------
        coarse, refined : Tensor, (N, num_classes, size, size)

        Raises
        ------
        TypeError, ValueError
            If the image is not a finite floating tensor of that shape; another size does if `factor` divides it.

        Warns
        -----
        UserWarning
            If the image has values that no photo in [0, 1] has.
        """
        check_image(image)
        if any(side % self.factor for side in image.shape[-2:]):
            raise ValueError(f"image must have sides that {self.factor} divides, got {tuple(image.shape[-2:])}")
        low = self.parser(avg_pool2d(image, self.factor)).softmax(1)
        coarse = upsampled(low, self.factor)
        return coarse, self.spn(image, coarse).softmax(1)

    @torch.inference_mode()
    def labels(self, photo: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label maps of a photo before and after refinement.

        Parameters
        ----------
        photo : numpy.ndarray, (H, W, 3), uint8
            A square crop, the eyes about a quarter of its width apart and a little above its middle.

        Returns
        -------
        coarse, refined : numpy.ndarray, (H, W), uint8
            Indices into `classes`.

        Raises
        ------
        ValueError
            If the photo is not square uint8 RGB.
        """
        if photo.dtype != np.uint8 or photo.shape != (len(photo), len(photo), 3) or not photo.size:
            raise ValueError(f"photo: expected uint8 (H, H, 3), got {photo.dtype} {photo.shape}")
        whole = torch.from_numpy(photo.transpose(2, 0, 1) / np.float32(255))[None]
        image = interpolate(whole, (self.size, self.size), mode="bilinear", align_corners=False, antialias=True)
        training = self.training
        found = self.eval()(image.to(next(self.parameters())))
        self.train(training)
        maps = (interpolate(p.float(), photo.shape[:2], mode="bilinear", align_corners=False) for p in found)
        coarse, refined = (p[0].argmax(0).cpu().numpy().astype(np.uint8) for p in maps)
        return coarse, refined


def face_refiner(weights: str | Path = WEIGHTS) -> FaceRefiner:
    """The parser and SPN that come with the project, ready to use.

    They have learned HELEN's eleven classes from made-up faces alone, so they know no licence but the project's,
    and real faces only from hearsay. `python analysis/faces/face_refiner.py` trains them anew.

    Parameters
    ----------
    weights : path
        The file to read; by default the one in the package.

    Returns
    -------
    FaceRefiner

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it holds something else.

    Examples
    --------
    >>> import numpy as np
    >>> from spnkit.nn import face_refiner
    >>> coarse, refined = face_refiner().labels(np.zeros((256, 256, 3), np.uint8))
    >>> refined.shape
    (256, 256)
    """
    if not (path := Path(weights)).is_file():
        raise FileNotFoundError(f"{path}: no weights there; analysis/faces/face_refiner.py trains some")
    try:
        saved: dict[str, Any] = load_whole(path)
        made = build(**saved["made of"])
        made.load_state_dict({name: value.float() for name, value in saved["weights"].items()})
    except UNREADABLE as error:
        raise ValueError(f"{path}: damaged, or not what analysis/faces/face_refiner.py writes") from error
    return made.eval()


def build(
    classes: list[str], widths: list[int], connection: str, hidden: int, size: int, factor: int, edge: bool
) -> FaceRefiner:
    """The networks without their weights."""

    def guidance(channels: int, stride: int) -> UNetGuidance:
        return UNetGuidance(channels, stride=stride, widths=widths)

    parser = FaceParser(len(classes), widths=widths, edge=edge)
    return FaceRefiner(classes, parser, SPN(len(classes), guidance, connection, hidden), size, factor)


def pack(refiner: FaceRefiner, made_of: Mapping[str, Any]) -> dict[str, Any]:
    """What `face_refiner` reads, in half precision: about two bytes a weight."""
    return {
        "made of": dict(made_of),
        "weights": {
            name: value.half() if value.is_floating_point() else value for name, value in refiner.state_dict().items()
        },
    }
