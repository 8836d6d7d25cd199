"""The rows of the tables: what each changes in the options of the headline row, the SPN with three-way connections."""

from __future__ import annotations

SOURCE = "deeplab_mnv2_257"
"""The model whose maps everything is trained on."""
COARSE, CRF, BOTH = "coarse", "dense CRF", "SPN, three-way, then dense CRF"
CRF_OF_ITS_OWN = "dense CRF, tuned for this model"
WITHOUT_CLASSES = "refiner without classes, as it ships"
"""It has seen neither a photograph nor a map of any of these models."""
HEADLINE: dict[str, dict] = {
    "SPN, three-way": {},
    "SPN, one-way": {"connection": "one_way"},
    "plain convolutions": {"refiner": "plain"},
    "SPN, three-way, blank photo": {"blank": True},
}
SEVERAL = ("SPN, three-way", "SPN, one-way")
"""What is trained with several seeds."""
TRIALS = {
    "SPN, three-way, one set of weights for all channels": {"per_channel": False},
    "SPN, three-way, propagated at 64 x 64 a patch of 128": {"patch": 128, "propagated": 64, "batch": 8},
    "SPN, three-way, begins as a copy, no residual": {"start": "copying", "residual": False},
}
GROUPS = {"headline": HEADLINE, "trials": TRIALS}
ROWS = {row: change for group in GROUPS.values() for row, change in group.items()}
OPTIONS = {
    "guidance": "efficientnet_lite0",
    "backbone_rate": 0.0,
    "patch": 256,
    "propagated": 32,
    "hidden": 32,
    "whole": True,
    "control": False,
    "batch": 2,
    "rate": 3e-3,
    "clip": 1.0,
    "tempered": 1.0,
}
"""Of the headline row."""
