"""`python -m spnkit`: the commands."""

from spnkit.cli import main

if __name__ == "__main__":
    main()
