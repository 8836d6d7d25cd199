"""The names of face classes, and how Table 1 of the paper groups them into columns."""

from __future__ import annotations

from collections.abc import Sequence

from spnkit.data.names import meanings, one_sided, strangers

IGNORE = 255
"""The label of a pixel that is neither trained on nor scored."""

HELEN_CLASSES = (
    "background",
    "face_skin",
    "left_brow",
    "right_brow",
    "left_eye",
    "right_eye",
    "nose",
    "upper_lip",
    "inner_mouth",
    "lower_lip",
    "hair",
)
"""The eleven classes of HELEN (Smith et al., 2013) in order; left and right are the viewer's."""

_MEMBERS = {
    "skin": ("face_skin", "skin", "face"),
    "brows": ("left_brow", "right_brow", "brows"),
    "eyes": ("left_eye", "right_eye", "eyes"),
    "nose": ("nose",),
    "mouth": ("upper_lip", "inner_mouth", "lower_lip", "mouth", "lips"),
    "U-lip": ("upper_lip",),
    "L-lip": ("lower_lip",),
    "in-mouth": ("inner_mouth",),
}

OVERALL_GROUPS = ("brows", "eyes", "nose", "mouth")
"""The groups pooled in the column "overall".

Skin is not among them, as in Smith et al. (2013) and Liu et al. (2015): it has several times the area of all
other parts together, so pooling it would pull every "overall" of Table 1 to the skin's score, yet each
printed "overall" lies well below its "skin" and near the other parts (82.89 against 90.53 in the second row).
"""


def score_groups(classes: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Class indices behind each column of Table 1 (section 5), where `classes` has them.

    Hair and background belong to no group: the paper does not evaluate them. Names may be spelled as they are in use:
    `left_eye`, `left eye`, `l_eye` and `LeftEye` are the same, and a `mouth` between two lips is the inner mouth.

    Parameters
    ----------
    classes : sequence of str
        Class names in index order.

    Returns
    -------
    dict of str to tuple of int
        Column name to class indices, in the order of the table; columns without a class are left out.

    Examples
    --------
    >>> score_groups(HELEN_CLASSES)["mouth"]
    (7, 8, 9)
    >>> score_groups(("background", "skin", "mouth", "hair"))
    {'skin': (1,), 'mouth': (2,)}
    """
    named = _parts(classes)
    groups = {group: tuple(i for i, name in enumerate(named) if name in members) for group, members in _MEMBERS.items()}
    return {group: indices for group, indices in groups.items() if indices}


def unclear(classes: Sequence[str]) -> str:
    """What of some class names is not understood, and what follows from that; empty where all is clear."""
    said = []
    if unknown := strangers(classes):
        said.append(f"not known as part of a face: {', '.join(unknown)} (the same in a mirror, and no column)")
    if alone := [name for name in one_sided(classes) if name not in unknown]:
        said.append(f"without its other side: {', '.join(alone)} (the same in a mirror)")
    if missing := [group for group in _MEMBERS if group in OVERALL_GROUPS and group not in score_groups(classes)]:
        said.append(f"no class for {', '.join(missing)} (no such column)")
    named = _parts(classes)
    if not {"left_eye", "right_eye"} <= set(named) or {"nose", "mouth"} & set(missing):
        said.append("no class for each eye, nose and mouth (faces are framed by all that is not background)")
    return "; ".join(said)


def _parts(classes: Sequence[str]) -> tuple[str, ...]:
    """What each class means among the others."""
    named = meanings(classes)
    if {"upper_lip", "lower_lip", "mouth"} <= set(named) and "inner_mouth" not in named:
        return tuple("inner_mouth" if name == "mouth" else name for name in named)
    return named
