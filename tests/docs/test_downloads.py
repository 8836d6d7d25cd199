"""The notebooks that pages offer: what they say without Sphinx, and that one runs by itself."""

import runpy
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
read = pytest.importorskip("myst_nb.core.read")

DOCS = Path(__file__).parents[2] / "docs"
EXTENSION = runpy.run_path(str(DOCS / "_ext" / "downloads.py"))
in_words, standing_alone = EXTENSION["in_words"], EXTENSION["standing_alone"]
TITLES = {"errata": "Errata of the paper", "derivations/2_matrix": "From the recurrence to G"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see [](../errata.md).", "see *Errata of the paper*."),
        ("see [](2_matrix.md#unrolled)", "see *From the recurrence to G*"),
        ("[there](../errata.md) and [here](https://a.org/b.md)", "there and [here](https://a.org/b.md)"),
        ("{func}`spnkit.fill` of $x$", "`spnkit.fill` of $x$"),
        (":::{table}\n:class: stacked\n\n| a |\n:::\n", "\n| a |\n"),
    ],
)
def test_what_jupyter_cannot_follow_is_put_into_words(text, expected):
    assert in_words(text, "derivations/1_recurrence", TITLES) == expected


@pytest.mark.slow
def test_a_download_runs_by_itself(tmp_path):
    page = "derivations/1_recurrence"
    source = DOCS / f"{page}.md"
    made = read.read_myst_markdown_notebook(source.read_text(), path=source)
    notebook = standing_alone(made, page, TITLES, "0")
    nbformat.validate(notebook)
    assert "pip install" in notebook.cells[1].source
    assert not [cell.source for cell in notebook.cells if ".md)" in cell.source]
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=120).execute()
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert codes
    assert all(cell.execution_count for cell in codes)
