"""Export the refiner that ships to an ONNX file, and refine a photo's mask by onnxruntime.

    python examples/export_onnx.py    # with the extras onnx and train

The file takes photos of any size whose sides are multiples of 16, and as many classes as the example inputs have.
Ends with how far the result is from torch's, and both times.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
import onnxruntime
import torch
from skimage.data import coffee

from spnkit.nn import mask_refiner, soften
from spnkit.nn.onnx import TRANSLATIONS

PATH = "refiner.onnx"


def export() -> torch.nn.Module:
    """Write the file; the network that it was made of."""
    network = mask_refiner()
    photo, coarse = torch.rand(1, 3, 64, 80), torch.rand(1, 2, 64, 80).softmax(1)
    side = {2: 16 * torch.export.Dim("height", min=3, max=4096), 3: 16 * torch.export.Dim("width", min=3, max=4096)}
    with torch.no_grad():
        torch.onnx.export(
            network,
            (photo, coarse),
            PATH,
            input_names=["photo", "coarse"],
            output_names=["refined"],
            dynamic_shapes=(side, side),
            custom_translation_table=TRANSLATIONS,
            dynamo=True,
        )
    return network


def main() -> None:
    """Export, then compare with torch on a cup of coffee and a box around it."""
    network = export()
    photo = np.moveaxis(coffee()[:400, :592].astype(np.float32) / 255, 2, 0)[None]
    mask = np.zeros(photo.shape[2:], np.uint8)
    mask[25:245, 185:405] = 1
    given = {"photo": photo, "coarse": soften(mask, 2)[None]}

    session = onnxruntime.InferenceSession(PATH)
    start = perf_counter()
    (refined,) = session.run(["refined"], given)
    between = perf_counter()
    with torch.no_grad():
        expected = network(*map(torch.from_numpy, given.values())).numpy()
    print(f"{PATH}: differs from torch by {np.abs(refined - expected).max():.1g} at most")
    print(f"onnxruntime {between - start:.2f} s, torch {perf_counter() - between:.2f} s")


if __name__ == "__main__":
    main()
