"""The public interface is typed, to whoever checks strictly."""

import inspect

import pytest

LEAST = {"spnkit": 4, "spnkit.affinity": 40, "spnkit.data": 15, "spnkit.nn": 20, "spnkit.plot": 5}
"""How many functions and methods there are at least, by module."""
OTHERS = ("spnkit.data.scenes", "spnkit.look", "spnkit.nn.segmenters", "spnkit.tasks", "spnkit.training")


def functions(module):
    """Public functions, and public methods of public classes, of what is ours."""
    for name in module.__all__:
        found = getattr(module, name)
        members = vars(found) if inspect.isclass(found) else {name: found}
        for key, member in members.items():
            if isinstance(member, classmethod | staticmethod):
                member = member.__func__
            elif isinstance(member, property):
                member = member.fget
            public = not key.startswith("_") or key in ("__init__", "__call__")
            if public and inspect.isfunction(member) and member.__module__.startswith("spnkit"):
                yield f"{name}.{key}", member


@pytest.mark.parametrize("name", [*LEAST, *OTHERS])
def test_every_argument_and_result_has_a_type(name):
    module = pytest.importorskip(name)
    found = dict(functions(module))
    assert len(found) >= LEAST.get(name, 1)
    for title, function in found.items():
        signature = inspect.signature(function)
        own = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
        assert not [one.name for one in own if one.annotation is one.empty], title
        assert title.endswith("__init__") or signature.return_annotation is not signature.empty, title
