"""Commands as people call them, in this process, with a small network."""

import pytest
from photo_and_masks import GREY, PHOTO, picture

torch = pytest.importorskip("torch")

from spnkit import cli  # noqa: E402
from spnkit.nn import MaskRefiner  # noqa: E402


@pytest.fixture(scope="session")
def small():
    torch.manual_seed(0)
    return MaskRefiner(widths=(4, 4, 4, 4, 4)).eval()


@pytest.fixture
def spnkit(monkeypatch, tmp_path, capfd, small):
    """Call a command in an empty folder: its status, what it said, what it complained of."""
    from spnkit.cli import refining

    monkeypatch.setattr(cli, "settle", lambda: None)
    monkeypatch.setattr(refining, "mask_refiner", lambda _weights: small)
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        said = capfd.readouterr()
        code = ended.value.code
        failed = isinstance(code, str)
        return int(failed or code or 0), said.out, said.err + (f"{code}\n" if failed else "")

    return call


@pytest.fixture
def pair(tmp_path):
    """A photo and a mask of one object."""
    return picture(PHOTO, tmp_path / "cat.jpg"), picture(GREY, tmp_path / "cat.png")
