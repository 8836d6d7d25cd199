"""A photo of a disc, masks of it, and pictures in files, for the tests of commands."""

import numpy as np
from PIL import Image

DISC = np.hypot(*np.mgrid[-16:16, -24:24]) < 11
SOFT = 1 / (1 + np.exp(np.hypot(*np.mgrid[-16:16, -24:24]) - 11))
GREY = 255 * DISC.astype(np.uint8)
PHOTO = (np.where(DISC[..., None], [200, 90, 40], [30, 60, 160]) + np.arange(48)[:, None] % 7).astype(np.uint8)


def picture(pixels, path, **options):
    """A picture in a file; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    made.save(path, **options)
    return path
