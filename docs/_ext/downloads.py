"""Pages that are notebooks can be downloaded: a link below each title, and the executed notebook behind it.

What Jupyter cannot follow is put into words: links to other pages become their titles, roles become code.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import nbformat
from sphinx.util.osutil import relative_uri

FOLDER = "notebooks"
LINK = '<p class="download"><a href="{}" download>Download this page as a Jupyter notebook</a></p>'
FIRST = """*This is a page of the documentation of [spnkit](https://arxiv.org/abs/1710.01020), {version}. To run it:
`pip install '.[train]' jupyterlab` in a clone of spnkit, then open this file with `jupyter lab`.*"""
PAGE = re.compile(r"\[([^\]]*)\]\(([^)\s:#]+)\.md(?:#[^)]*)?\)")
ROLE = re.compile(r"\{[\w:]+\}(`[^`]+`)")
FENCE = re.compile(r"^:::+.*\n(?:^:[\w-]+:.*\n)*", re.MULTILINE)


def offered(app, page: str) -> Path | None:
    """The executed notebook of a page that is offered."""
    path = Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"
    return path if path.exists() and any(fnmatch(page, each) for each in app.config.notebook_downloads) else None


def in_words(text: str, page: str, titles: dict[str, str]) -> str:
    """Markdown of a page without what only Sphinx understands; `titles` are those of all pages.

    Examples
    --------
    >>> in_words("See [](../errata.md), [there](b.md#c), {func}`spnkit.fill`.", "d/a", {"errata": "Errata"})
    'See *Errata*, there, `spnkit.fill`.'
    """

    def title(match):
        words, target = match.groups()
        parts: list[str] = []
        for part in (*PurePosixPath(page).parent.parts, *PurePosixPath(target).parts):
            parts = parts[:-1] if part == ".." else [*parts, part]
        return words or f"*{titles.get('/'.join(parts), target)}*"

    return ROLE.sub(r"\1", PAGE.sub(title, FENCE.sub("", text)))


def standing_alone(notebook: nbformat.NotebookNode, page: str, titles: dict[str, str], version: str):
    """The notebook, changed in place, for somebody who has nothing but it."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = in_words(cell.source, page, titles)
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(FIRST.format(version=version)))
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.validator.normalize(notebook)[1]


def add_link(app, page, template, context, doctree):
    """Below the title of each page that is offered."""
    if doctree is not None and offered(app, page):
        link = LINK.format(relative_uri(app.builder.get_target_uri(page), f"{FOLDER}/{page}.ipynb"))
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{link}", 1)


def write(app, error):
    """All that are offered, once the pages stand."""
    if error or app.builder.format != "html":
        return
    titles = {name: title.astext() for name, title in app.env.titles.items()}
    for page in sorted(app.env.found_docs):
        if executed := offered(app, page):
            path = Path(app.outdir) / FOLDER / f"{page}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            notebook = standing_alone(nbformat.read(executed, as_version=4), page, titles, app.config.release)
            nbformat.write(notebook, path)


def setup(app):
    app.add_config_value("notebook_downloads", [], "html", list)
    app.connect("html-page-context", add_link)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
