"""From a model and digits to figures. Calling the package is `edgedigits.api.evaluate`.

A package and a function of the public interface share the name `edgedigits.evaluate`. Python binds it to the package as
soon as any of its modules is imported, so the package can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from edgedigits.api import evaluate

        return evaluate(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
