"""How fast the CPU backend is: multiples of the memory floor, and rivals timed in the same run.

The floor of a call is its mandatory traffic over the bandwidth of a copy. A forward pass in four directions,
three-way, must read 12 weights and 1 input and write 1 output for each pixel and channel: 14 values; forward and
backward 41. The copy is the best that we can get on the same cores in the same turns, over arrays well beyond the last
cache: memcpy on equal parts, or non-temporal stores; bytes read plus bytes written. R is the time over that floor. All
contestants take turns, and medians are reported, each beside its denominator.

    python analysis/cpu/speed.py                     # everything, within ten minutes on two idle cores
    python analysis/cpu/speed.py --only sizes calls  # these parts anew, the others as they are in the result file

jax and a C++ compiler are rivals where they are found; `pip install jax` brings the first.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sys
import time
import traceback
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

from analysis.common import record
from analysis.common.cpu import parts, report
from analysis.common.cpu.rivals import rivals
from analysis.common.rivals import native
from analysis.common.timing import Copies, caches
from spnkit.backends.cache import folder as kernel_folder

NAME = "speed"
MEGABYTES = 256  # of each array that is copied


def main() -> int:
    """Run the parts, and write what is known after each; 1 if one of them failed."""
    options = _parser().parse_args()
    library = _library()
    session = parts.Session(options.small, options.seed, Copies(8 if options.small else MEGABYTES, library))
    available = {**parts.PARTS, "rivals": partial(rivals, library=library)}
    figures = {"kernels": kernel_folder().name, "caches": caches(), "parts": {}}
    figures["parts"] |= _earlier(options, figures) if options.only else {}
    for name in options.only or available:
        figures["parts"][name] = _measured(name, available[name], session)
        _write(figures, options)
    print(report.table({name: figures["parts"][name] for name in options.only or available}))
    print(_write(figures, options))
    return int(any("error" in part for part in figures["parts"].values()))


def _parser():
    parser = record.parser(__file__, __doc__.splitlines()[0])
    names = [*parts.PARTS, "rivals"]
    parser.add_argument("--only", nargs="+", choices=names, metavar="PART", help=f"of {', '.join(names)}")
    return parser


def _library():
    """The C++ sources as a library, if there is a compiler and it likes them."""
    try:
        return native()
    except Exception:
        traceback.print_exc()
        return None


def _measured(name, part, session):
    """What a part found, or why it failed: the others go on."""
    found = {"command": shlex.join(["python", "analysis/cpu/speed.py", *sys.argv[1:]]), "load": os.getloadavg()[0]}
    begin = time.perf_counter()
    try:
        found["result"] = part(session)
    except Exception as error:
        traceback.print_exc()
        found["error"] = f"{type(error).__name__}: {error}"
    found["seconds"] = time.perf_counter() - begin
    print(
        f"{name}: {'failed' if 'error' in found else 'done'} in {found['seconds']:.0f} s", file=sys.stderr, flush=True
    )
    return found


def _earlier(options, figures):
    """The parts of an earlier run, if it was of the same kernels on the same machine with the same versions."""
    try:
        kept = json.loads((record.folder(options) / f"{NAME}.json").read_text())
        now = record.provenance(options.seed)
        same = all(kept[key] == now[key] for key in ("versions", "device"))
        return kept["figures"]["parts"] if same and kept["figures"]["kernels"] == figures["kernels"] else {}
    except (OSError, KeyError):
        return {}


def _write(figures, options):
    """The result file and the picture, as far as they are known."""
    pictures = {"sizes": report.picture(figures["parts"], figures["caches"].get("L3"))}
    with contextlib.redirect_stdout(io.StringIO()):
        return record.write(NAME, figures, seed=options.seed, out=record.folder(options), pictures=pictures)


if __name__ == "__main__":
    sys.exit(main())
