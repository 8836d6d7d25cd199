"""What the name of a class means: `l_eye`, `left eye`, `LeftEye` and `leye` are one part on one side."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LEFT, _RIGHT = "left|l", "right|r"
_UPPER, _LOWER, _INNER = "upper|up|u|top", "lower|low|l|bottom", "inner|inside|in|i|interior"


def _either_end(extra: str, part: str) -> str:
    """A pattern of names with a word before or after the part."""
    return f"(?:{extra})(?:{part})s?|(?:{part})s?(?:{extra})"


_PARTS = {"eye": "eye", "brow": "brow|eyebrow", "ear": "ear"}
_SIDES = {
    f"{side}_{part}": f"{_either_end(letters, spelled)}|{letters[0]}{short}"
    for part, spelled, short in zip(_PARTS, _PARTS.values(), ("e", "b", "r"), strict=True)
    for side, letters in (("left", _LEFT), ("right", _RIGHT))
}
_WHOLE = {
    "background": "background|bg",
    "face_skin": "(?:face|facial)skin",
    "skin": "skin",
    "face": "face",
    "upper_lip": _either_end(_UPPER, "lip"),
    "lower_lip": _either_end(_LOWER, "lip"),
    "inner_mouth": _either_end(_INNER, "mouth"),
    "mouth": "mouth",
    "lips": "lips?",
    "eyes": "eyes?",
    "brows": "(?:eye)?brows?",
    "ears": "ears?",
    "nose": "nose",
    "hair": "hair",
    "neck": "neck",
    "clothing": "cloth(?:es|ing)?",
    "glasses": "(?:eye|sun)?glass(?:es)?|eyeg",
    "headwear": "hat|headwear",
    "beard": "beard",
    "facewear": "facewear",
    "earring": "earrings?|earr",
    "necklace": "necklace|neckl",
    "teeth": "teeth|tooth",
    "tongue": "tongue",
}
_KNOWN = {meaning: re.compile(pattern) for meaning, pattern in (_SIDES | _WHOLE).items()}
_UNSIDED = re.compile(f"(?:{'|'.join(_PARTS.values())})s?")
_OPPOSITE = {"left": "right", "right": "left", "l": "r", "r": "l"}


def meanings(classes: Sequence[str]) -> tuple[str, ...]:
    """Each name in the one spelling that the project uses: that of HELEN's classes, a side in front.

    Upper and lower case, spaces and signs, numbers before a name and the order of its words do not matter; "l" and
    "r" are sides, but for `l_lip`, the lower lip, and for a letter whose other is not there: CelebAMask's `ear_r`
    is the earring. A name that is not understood stays as it is.

    Parameters
    ----------
    classes : sequence of str
        Class names in index order.

    Examples
    --------
    >>> meanings(["l_eye", "Right Eye", "eyebrow-left", "u_lip", "ear_r", "road"])
    ('left_eye', 'right_eye', 'left_brow', 'upper_lip', 'earring', 'road')
    """
    spelled = [_words(name) for name in classes]
    return tuple(_meaning(name, words, spelled) for name, words in zip(classes, spelled, strict=True))


def mirrored(meaning: str) -> str:
    """What a part is called in a mirror."""
    side, _, part = meaning.partition("_")
    return f"{_OPPOSITE[side]}_{part}" if side in ("left", "right") else meaning


def strangers(classes: Sequence[str]) -> tuple[str, ...]:
    """The names that are neither a part that is known nor one of two sides."""
    found = meanings(classes)
    pairs = {meaning for meaning in found if mirrored(meaning) != meaning and mirrored(meaning) in found}
    return tuple(name for name, of in zip(classes, found, strict=True) if of not in _KNOWN and of not in pairs)


def one_sided(classes: Sequence[str]) -> tuple[str, ...]:
    """The names of parts whose other side has no class."""
    found = meanings(classes)
    return tuple(name for name, of in zip(classes, found, strict=True) if mirrored(of) not in found)


def _words(name: str) -> list[str]:
    """A name taken apart at signs, spaces and capitals; numbers say nothing."""
    return [word.lower() for word in re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))]


def _meaning(name: str, words: list[str], others: Sequence[list[str]]) -> str:
    joined, stem = "".join(words), "".join(words)[:-1]
    # A letter at the end may be anything: it is a side where the other one is there too.
    wanted = stem + _OPPOSITE.get(joined[-1:], "")
    lonely = bool(_UNSIDED.fullmatch(stem)) and wanted not in map("".join, others)
    for meaning, pattern in _KNOWN.items():
        if pattern.fullmatch(joined) and not (lonely and meaning in _SIDES):
            return meaning
    for place, word in enumerate(words):
        other = [*words[:place], _OPPOSITE.get(word, ""), *words[place + 1 :]]
        if len(words) > 1 and (word in ("left", "right") or (word in ("l", "r") and other in others)):
            side = {"l": "left", "r": "right"}.get(word, word)
            return "_".join([side, *words[:place], *words[place + 1 :]])
    return name
