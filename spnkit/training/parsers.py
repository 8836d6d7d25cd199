"""The baseline parsers, from whose maps a refinement may learn: what there is to choose, and how they are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from math import ceil, log2

from spnkit.nn import FaceParser, HighResFaceParser
from spnkit.nn.blocks import WIDTHS
from spnkit.training.options import OptionGroup, grouped, option


@grouped
class CoarseOptions(OptionGroup):
    """The coarse model that is trained on the way: parsers, each on the photos outside its fold."""

    group = "coarse model"

    size: int = option("side of the squares that the baseline parsers learn from, before they are shrunk", default=256)
    factor: int = option("how many times smaller the baseline parser sees a photo", default=4)
    highres: bool = option("the parser is the paper's Highres-CNN, which sees the whole photo", default=False)
    folds: int = option(
        "parsers, each trained outside its fold of the photos (1: as in the paper)",
        default=2,
        more="So no training photo is parsed by a network that has seen it. At test their probabilities are averaged. "
        "1 is the paper's procedure: one parser, which parses the photos it was trained on better than any others.",
    )
    people: str | None = option(
        "regular expression: the part of a photo's name that says who it is, so that nobody is in two folds",
        default=None,
        more="Its first match counts. All photos of a person, or of a place, are in one fold: a parser that has seen "
        "somebody from another side knows the face. None is a person a photo.",
    )
    cross_fitted: bool = option(
        "the SPN learns from maps of parsers that had not seen the photo",
        default=True,
        more="Otherwise from those of one that had.",
    )
    parser_steps: int = option("training steps of the baseline parsers", default=400)
    parser_batch: int = option("photos a step of the parsers", default=8)

    @property
    def seen_factor(self) -> int:
        """How many times smaller the parsers see a photo."""
        return 1 if self.highres else self.factor

    def check(self) -> None:
        try:
            re.compile(self.people or "")
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"people: expected a regular expression, got {self.people!r} ({error})") from error
        if self.folds > 1 and self.parser_batch == 1:
            raise ValueError(
                f"parser_batch: expected at least 2 for {self.folds} folds, got 1: no parser sees its own fold"
            )
        if self.size % self.factor:
            raise ValueError(f"factor: expected a divisor of size = {self.size}, got {self.factor}")
        if self.highres and self.factor & (self.factor - 1):
            raise ValueError(f"factor: expected a power of two for the Highres-CNN, got {self.factor}")
        self._check_normalised()

    def _check_normalised(self) -> None:
        """Batch normalisation needs more than one value of a channel, also where the map is smallest."""
        deepest = len(WIDTHS) - 1 + (round(log2(self.factor)) if self.highres else 0)
        side = self.size // self.seen_factor
        needed = next(batch for batch in count(1) if values_seen(batch, self.folds, side, deepest) > 1)
        if self.parser_batch < needed:
            raise ValueError(
                f"parser_batch: expected at least {needed} for {self.folds} folds of photos seen in {side} x {side} "
                f"pixels, got {self.parser_batch}"
            )


def values_seen(batch: int, folds: int, side: int, halvings: int) -> int:
    """Values of a channel on the smallest map, in the part of a batch that a parser is shown at least."""
    others = batch - ceil(batch / folds) if folds > 1 else batch
    return others * ceil(side / 2**halvings) ** 2


def make_parsers(chosen: CoarseOptions, num_classes: int, widths: Sequence[int]) -> Iterator[FaceParser]:
    """A parser a fold."""
    kind: Callable[..., FaceParser] = FaceParser
    if chosen.highres:
        kind = partial(HighResFaceParser, levels=round(log2(chosen.factor)))
    for _ in range(chosen.folds):
        yield kind(num_classes, widths=widths, edge=True)
