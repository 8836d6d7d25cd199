"""The names of face classes, and how Table 1 of the paper groups them into columns."""

from __future__ import annotations

from collections.abc import Sequence

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
    "skin": ("face_skin", "skin"),
    "brows": ("left_brow", "right_brow"),
    "eyes": ("left_eye", "right_eye", "eyes"),
    "nose": ("nose",),
    "mouth": (
        "upper_lip",
        "inner_mouth",
        "lower_lip",
        "mouth",
        "top_lip",
        "mouth_interior",
        "bottom_lip",
    ),
    "U-lip": ("upper_lip", "top_lip"),
    "L-lip": ("lower_lip", "bottom_lip"),
    "in-mouth": ("inner_mouth", "mouth_interior"),
}

OVERALL_GROUPS = ("brows", "eyes", "nose", "mouth")
"""The groups pooled in the column "overall".

Skin is not among them, as in Smith et al. (2013) and Liu et al. (2015): it has several times the area of all
other parts together, so pooling it would pull every "overall" of Table 1 to the skin's score, yet each
printed "overall" lies well below its "skin" and near the other parts (82.89 against 90.53 in the second row).
"""


def score_groups(classes: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Class indices behind each column of Table 1 (section 5), where `classes` has them.

    Hair and background belong to no group: the paper does not evaluate them.

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
    groups = {
        group: tuple(index for index, name in enumerate(classes) if name in members)
        for group, members in _MEMBERS.items()
    }
    return {group: indices for group, indices in groups.items() if indices}
