"""A labelled folder whose photos show faces: keypoints, sides, and classes that are parts of a face."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spnkit.data.align import sides_of_the_viewer
from spnkit.data.classes import score_groups, unclear
from spnkit.data.folder import LabelledFolder, LabelledImage
from spnkit.data.keypoints import keypoints_from_labels, keypoints_from_landmarks
from spnkit.data.layouts import Layout, layout_of


@dataclass(frozen=True)
class Face(LabelledImage):
    """One parsed face: a photo, its labels and where the face is.

    Attributes
    ----------
    name, image, labels
        As in `LabelledImage`.
    keypoints : numpy.ndarray or None
        Left eye, right eye, nose tip, left and right mouth corner (the viewer's left), float (5, 2) as
        (x, y); None where one of them is not to be seen.
    """

    keypoints: NDArray[np.float64] | None


class FaceFolder(LabelledFolder):
    """A folder of photos of faces with label maps, split in train, val and test. Made by :func:`open_faces`.

    Attributes
    ----------
    root, layout, classes, splits : see `LabelledFolder`
    note : str
        Also says which class names are not understood as parts of a face.
    """

    what = "faces"

    def __init__(self, layout: Layout):
        super().__init__(layout)
        if said := unclear(self.classes):
            self.note = "; ".join(filter(None, (self.note, f"classes: {said}")))

    def load(self, name: str) -> Face:
        """Read one face, as `LabelledFolder.load` does, and find its keypoints.

        Warns
        -----
        UserWarning
            Once a folder, also of labels whose left is the person's own. In keypoints left is the viewer's.
        """
        found = super().load(name)
        keypoints, swapped = self._keypoints(name, found.labels), False
        if keypoints is not None:
            keypoints, swapped = sides_of_the_viewer(keypoints)
        if swapped:
            self._tell_once(self._files.label_path(name), "left is the person's own left; in HELEN it is the viewer's")
        return Face(name, found.image, found.labels, keypoints)

    def _keypoints(self, name: str, labels: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        landmarks = self._files.landmarks(name)
        return keypoints_from_landmarks(landmarks) if landmarks else keypoints_from_labels(labels, self.classes)


def open_faces(folder: str | os.PathLike[str], labels: str | None = None) -> FaceFolder:
    """Open a folder of parsed faces; its layout is told by what is in it.

    Known are HELEN (Smith et al., 2013), HELEN* (relabelled), `images/ + labelsNN/ + splits/`, and PASCAL VOC's.

    Parameters
    ----------
    folder : path
        The folder.
    labels : str, optional
        Which `labelsNN` to read where a folder has several; by default `labels11`, else `labels9`, else
        the one with the most classes that Table 1 of the paper scores.

    Returns
    -------
    FaceFolder
        With `layout`, `classes`, `splits` and ``load(name)``.

    Raises
    ------
    FileNotFoundError
        If the folder, one of its lists, or a photo or label map named in a list is missing.
    ValueError
        If the layout is not known, a split is empty, a face is in two splits, `labels` is not in the
        folder, or no label set has a class of Table 1.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from spnkit.data import make_faces
    >>> with TemporaryDirectory() as place:
    ...     faces = make_faces(place + "/faces", train=2, val=1, test=1, size=64)
    ...     face = open_faces(place + "/faces").load(faces.splits["test"][0])
    >>> face.image.shape, face.labels.shape, face.keypoints.shape
    ((64, 64, 3), (64, 64), (5, 2))
    """
    return FaceFolder(layout_of(folder, labels, what="faces", choose=most_parts))


def most_parts(root: Path, sets: Mapping[str, Sequence[str]]) -> str:
    """HELEN's own eleven classes, else nine, else the label set with the most classes that Table 1 scores."""
    for folder in ("labels11", "labels9"):
        if folder in sets:
            return folder
    parts = {folder: sum(map(len, score_groups(names).values())) for folder, names in sets.items()}
    if not any(parts.values()):
        raise ValueError(f"{root}: none of {sorted(parts)} names a part of a face, choose one by labels=")
    return max(parts, key=parts.__getitem__)
