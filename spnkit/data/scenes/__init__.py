"""Scenes made up for training a refiner: things of all sizes in front of one another, with labels exact to the pixel.

A scene is painted from the back to the front, as *dead leaves* are (Lee, Mumford and Huang, 2001), because photographs
share with them what outlines look like: sizes that follow a power law, things that hide others, and edges that are
not outlines. `textures` says what things are covered with, `shapes` what outlines they have, `scene` puts them
together, and `coarse` makes of the labels what coarse maps are made of in practice.
"""

from spnkit.extras import needs

with needs("spnkit.data.scenes", "train"):
    from spnkit.data.scenes.coarse import COARSE, coarse_map, forgotten, kind_of, relabelled
    from spnkit.data.scenes.folder import make_scenes
    from spnkit.data.scenes.scene import make_scene

__all__ = ["COARSE", "coarse_map", "forgotten", "kind_of", "make_scene", "make_scenes", "relabelled"]
