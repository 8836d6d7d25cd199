"""What the look at the pages finds, on pages that are made for it."""

import pytest

pytest.importorskip("playwright")
from browse import browser, faults

if not browser():
    pytest.skip("no browser is installed", allow_module_level=True)

HEAD = "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="
BAD = {
    "<p style='width:600px'>wide</p>": "(390, light): scrolls sideways",
    "<div style='overflow:auto'><p style='width:600px'>wide</p></div>": "(390, dark): ",
    f"<img src='{DOT}'>": "no alt text",
    f"<img src='{DOT}' alt='a/b.png'>": "no alt text",
    "<img src='nowhere.png' alt='a dot'>": "not shown",
    "<mjx-merror>?</mjx-merror>": "MathJax refuses",
    "<script>console.error('broken')</script>": "(1280, light): broken",
    "<script>nothing()</script>": "nothing is not defined",
    "<script src='https://example.org/x.js'></script>": "from elsewhere: https://example.org/x.js",
}
GOOD = f"<p>text</p><img src='{DOT}' alt='a dot'><pre>{'code ' * 9}</pre>"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The faults of all these pages: one browser for all."""
    folder = tmp_path_factory.mktemp("pages")
    pages = [folder / f"{index}.html" for index in range(len(BAD) + 1)]
    for page, body in zip(pages, [*BAD, GOOD], strict=True):
        page.write_text(f"{HEAD}<article>{body}</article>")
    return list(faults(folder, pages))


@pytest.mark.parametrize(("index", "expected"), list(enumerate(BAD.values())), ids=list(BAD.values()))
def test_a_fault_is_found(found, index, expected):
    assert any(fault.startswith(f"{index}.html ") and expected in fault for fault in found)


def test_a_good_page_has_none(found):
    assert not [fault for fault in found if fault.startswith(f"{len(BAD)}.html ")]
