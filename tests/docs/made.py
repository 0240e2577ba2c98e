"""``tools/docs.py`` as a module: tools are no package."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from tests.docs.papers import ROOT


def _load() -> Any:
    spec = spec_from_file_location("bitbrat_docs", ROOT / "tools" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["bitbrat_docs"] = module
    spec.loader.exec_module(module)
    return module


made = _load()
