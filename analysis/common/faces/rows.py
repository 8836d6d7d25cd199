"""The rows of the tables: what each changes in the options of the headline row, the SPN with three-way connections."""

from __future__ import annotations

BASELINE, HIGHRES = "baseline CNN", "Highres-CNN"
HEADLINE: dict[str, dict] = {
    "SPN, three-way": {},
    "SPN, one-way": {"connection": "one_way"},
    "plain convolutions": {"refiner": "plain"},
}
CONTROLS = {f"{name}, blank photo": change | {"blank": True} for name, change in HEADLINE.items()}
ELSEWHERE = (*HEADLINE, "SPN, three-way, blank photo", "plain convolutions, blank photo")
"""What is scored on maps of other sources too."""
ABLATIONS = {
    "SPN, weights of its own for each unit": {"share_weights": False},
    "SPN, one unit": {"units": 1},
    "SPN, weights normalised always": {"normalization": "always"},
    "SPN, softmax weights": {"normalization": "softmax"},
    "SPN, sigmoid weights": {"normalization": "sigmoid"},
    "SPN, mean of the directions": {"integration": "mean"},
}
RECIPE = {
    "SPN, softmax loss alone": {"loss": "softmax"},
    "SPN, no residual": {"residual": False},
    "SPN, no batch normalisation": {"batch_norm": False},
    "SPN, SGD": {"optimizer": "sgd", "rate": 0.03},
}
SECTION_5 = {name: value for change in RECIPE.values() for name, value in change.items()}
RECIPE["SPN, all four, as in Section 5"] = SECTION_5
"""Where training differs from Section 5, one difference taken back at a time."""

BUDGETS = {
    f"{name}, {steps} steps": change | {"steps": steps} for steps in (100, 200) for name, change in HEADLINE.items()
}
LONGER = {f"SPN, three-way, {steps} steps": {"steps": steps} for steps in (1200, 3600)}
RECIPES = {
    "SPN, three-way, whole faces for patches": {"patch": 256, "batch": 1},
    "SPN, three-way, a third of the rate": {"rate": 0.002},
    "SPN, three-way, two patches a step": {"batch": 2, "steps": 2400},
}
PARSING = {
    f"SPN, three-way, guidance parses too{name}": {"parsing": 1.0} | change
    for name, change in {
        "": {},
        ", at three times the weight": {"parsing": 3.0},
        ", own weights for each unit": {"share_weights": False},
        ", one unit": {"units": 1},
        ", bfloat16": {"precision": "bf16-mixed"},
    }.items()
}
RESTRAINT = {
    "SPN, three-way, guidance parses too, gates restrained": {"parsing": 1.0, "restraint": 1.0},
    "SPN, one-way, guidance parses too, gates restrained": {
        "connection": "one_way",
        "parsing": 1.0,
        "restraint": 1.0,
    },
    "SPN, one-way, guidance parses too, gates restrained a little": {
        "connection": "one_way",
        "parsing": 1.0,
        "restraint": 0.1,
    },
}
TRIALS = {
    "SPN, three-way, propagated at 32 x 32": {"propagated": 32},
    "SPN, three-way, propagated at 128 x 128": {"propagated": 128},
    "SPN, three-way, maps of parsers that had seen the face": {"cross_fitted": False},
}
STARTS = {
    "SPN, three-way, gates begin flowing": {"start": "flowing"},
    "SPN, three-way, begins as a copy, no residual": {"start": "copying", "residual": False},
}
RATES = {"SPN, three-way, three times the rate": {"rate": 0.018}}
"""What else was tried, on val: steps, patches, rates, the resolution of propagation, a second task for the guidance
network, maps that are too good, the first weights."""

REPORTED = {"headline": HEADLINE, "controls": CONTROLS, "ablations": ABLATIONS, "recipe": RECIPE}
TRIED = {
    "budgets": BUDGETS,
    "longer": LONGER,
    "recipes": RECIPES,
    "parsing": PARSING,
    "restraint": RESTRAINT,
    "trials": TRIALS,
    "starts": STARTS,
    "rates": RATES,
}
GROUPS = REPORTED | TRIED
ROWS = {row: change for group in GROUPS.values() for row, change in group.items()}
PAIRS = (("SPN, three-way", "SPN, one-way"), ("SPN, three-way", "plain convolutions"))
