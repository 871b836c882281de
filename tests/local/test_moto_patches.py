"""Each patch of moto names the version that it corrects and the page of AWS that it follows."""

import re
from importlib import import_module
from importlib.metadata import version
from pkgutil import iter_modules

import pytest

from local import moto_patches


@pytest.mark.parametrize("name", [patch.name for patch in iter_modules(moto_patches.__path__)])
def test_a_patch_names_motos_version_and_its_page(name: str) -> None:
    text = import_module(f"{moto_patches.__name__}.{name}").__doc__ or ""
    assert f"moto {version('moto')} " in text.replace("\n", " ")
    assert re.search(r"^https://docs\.aws\.amazon\.com/\S+", text, re.MULTILINE)
