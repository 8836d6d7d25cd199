"""The kernels of usual calls, to be compiled before they are needed: `spnkit warmup`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from spnkit.backends.cpu.backend import kernel
from spnkit.backends.cpu.pool import team_of
from spnkit.backends.exchange_code import builtin, read
from spnkit.integration import Integration
from spnkit.normalization import Normalization

CLIP, GIVEN = Normalization.clip, Normalization.none
FLOAT32, FLOAT64 = 4, 8
# Float, connections, rule, integrations, whether anchored, whether channels are innermost, whether gates are shared.
USUAL = (
    (
        (FLOAT32,),
        (3, 1),
        (CLIP, GIVEN),
        (Integration.max, Integration.mean, Integration.sum),
        True,
        False,
        (False, True),
    ),
    ((FLOAT32,), (3, 1), (Normalization.softmax, Normalization.sigmoid), (Integration.max,), True, False, (False,)),
    ((FLOAT32,), (3,), (CLIP,), (Integration.max,), True, True, (False,)),
    ((FLOAT64,), (3, 1), (CLIP, GIVEN), (Integration.max, Integration.sum), True, False, (False,)),
    ((FLOAT32, FLOAT64), (3, 1), (GIVEN,), (Integration.sum,), False, False, (False,)),  # derivatives of derivatives
)


def usual() -> dict[str, Callable[[], object]]:
    """What compiles each of them, or finds it on disk, by name; and what calls have in common."""
    found: dict[str, Callable[[], object]] = {"threads": team_of, "arrays": lambda: builtin(read, 0)}
    for items, connections, rules, integrations, anchored, last, shared in USUAL:
        for item, k, rule, integration, own in product(items, connections, rules, integrations, shared):
            for name in ("forward", "backward"):
                variant = (k, int(rule), int(integration), anchored, last, own)
                label = f"{name} float{8 * item} K={k} {rule.name} {integration.name}"
                label += " bare" * (not anchored) + " channels last" * last + " shared" * own
                found[label] = lambda name=name, item=item, variant=variant: kernel(name, item, variant)
    return found
