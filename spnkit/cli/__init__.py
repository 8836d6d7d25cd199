"""The commands. Each is a module here, named in `COMMANDS`, with a line of HELP, its `options` and what it `run`s."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from spnkit import __version__
from spnkit.terminal import in_one_line, settle

COMMANDS = {"refine": "refine", "look": "look", "train-refiner": "train", "warmup": "torch", "doctor": "refine"}
"""Each with the extra that pip is asked for where a package is missing."""


class Parser(argparse.ArgumentParser):
    """A command line that is refused in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} ({self.prog} --help)\n")


def parser(chosen: str | None) -> argparse.ArgumentParser:
    """The command line, with the options of the chosen command: those of others may take seconds to import."""
    made = Parser(prog="spnkit", description="Spatial propagation networks: masks that end where things end.")
    made.add_argument("--version", action="version", version=f"spnkit {__version__}")
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = import_module(f"spnkit.cli.{name.replace('-', '_')}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name == chosen:
            module.options(command)
        command.set_defaults(run=module.run)
    return made


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run what the command line asks for; every foreseeable failure ends in one line."""
    settle()
    arguments = sys.argv[1:] if arguments is None else arguments
    chosen = next((argument for argument in arguments if argument in COMMANDS), None)
    try:
        asked = parser(chosen).parse_args(arguments)
        sys.exit(asked.run(asked))
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("spnkit"):
            raise
        extra = COMMANDS[chosen or "refine"]
        sys.exit(f"error: this command needs {error.name.split('.')[0]}: pip install 'spnkit[{extra}]'")
    except (OSError, ValueError, TypeError, MemoryError) as error:
        sys.exit(f"error: {in_one_line(error)}")
