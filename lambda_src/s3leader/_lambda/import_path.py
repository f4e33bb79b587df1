"""A job that is named by its import path, `billing.main:work`, and imported when it is elected."""

from __future__ import annotations

import importlib
import keyword
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from s3leader.errors import InvalidArgument

from .handler_contract import check_handler, is_singleton


@dataclass(frozen=True, slots=True, repr=False)
class ImportedHandler:
    """A handler in another module, which the first call imports.

    It is checked when it is called, as a decorated function is when it is decorated.
    """

    module: str
    name: str

    @classmethod
    def parse(cls, path: str) -> ImportedHandler:
        """Return the handler that a path names; nothing is imported.

        Raises `InvalidArgument` for a text that is no such path, and for a module that is known to
        be missing: it or a package above it, of a package that has been imported or of none.
        """
        module, _, name = path.partition(":")
        if not (_is_name(name) and all(_is_name(part) for part in module.split("."))):
            raise InvalidArgument(
                f"@singleton was given {path!r}, expected a handler, or its import path, such as"
                f" {_example(path)}. Options are passed by name, as in"
                f" @singleton(election='nightly')"
            )
        if _is_missing(module):
            raise InvalidArgument(f"{path!r} names the module {module}, {_MISSING}")
        return cls(module, name)

    @property
    def __name__(self) -> str:
        """The function's name."""
        return self.name

    def __repr__(self) -> str:
        return f"{self.module}:{self.name}"

    def __call__(self, event: Any, context: Any, term: Any) -> Any:  # noqa: ANN401 - JSON
        """Import the job, and do its work."""
        return self.load()(event, context, term)

    def load(self) -> Any:  # noqa: ANN401 - a handler of any type
        """Import the job, and return its function.

        Raises `InvalidArgument` if `@singleton` would refuse the function or there is none, and
        what importing the job raises.
        """
        try:
            module = importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{self.module}.".startswith(f"{error.name}."):
                raise  # something that the job imports is missing
            raise InvalidArgument(f"'{self}' names the module {error.name}, {_MISSING}") from error
        try:
            handler = getattr(module, self.name)
        except AttributeError:
            raise InvalidArgument(
                f"'{self}' names a function that {self.module} does not define: correct the name,"
                f" or define {self.name}(event, context, term) there"
            ) from None
        if not callable(handler):
            raise InvalidArgument(f"'{self}' is {handler!r}, expected a function")
        if is_singleton(handler):
            raise InvalidArgument(
                f"'{self}' is decorated with @singleton already: decorate it once. Remove the"
                f" decorator there, or let Lambda call that function"
            )
        check_handler(handler)
        return handler


_MISSING = "which cannot be found: correct the path, or ship the module with the function"


def _example(path: str) -> str:
    """Return a path as an example: of the text with its last dot as the colon, if that is one."""
    module, dot, name = path.rpartition(".")
    if dot and all(_is_name(part) for part in path.split(".")):
        return f"'{module}:{name}' for {name}() in {module.replace('.', '/')}.py"
    return "'billing.main:work' for work() in billing/main.py"


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _is_missing(module: str) -> bool:
    """Return whether a module certainly does not exist. It imports no package to find out.

    What is looked for is the outermost package, or module, that has not been imported.
    """
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    first = next((name for name in names if name not in sys.modules), None)
    if first is None:
        return False
    try:
        return find_spec(first) is None
    except (ImportError, ValueError):  # its package is a plain module
        return True
