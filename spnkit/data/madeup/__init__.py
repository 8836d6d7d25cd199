"""Procedurally made-up faces with exact labels."""

from spnkit.data.madeup.folder import make_face, make_faces

__all__ = ["make_face", "make_faces"]
