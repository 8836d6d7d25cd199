"""The explorer behind `spnkit look`: what it knows (`Explored`), and a screen for it (`Screen`)."""

from spnkit.extras import needs

with needs("spnkit.look", "look"):
    from spnkit.look.explored import Explored
    from spnkit.look.kinds import Photo
    from spnkit.look.screen import Screen

__all__ = ["Explored", "Photo", "Screen"]
