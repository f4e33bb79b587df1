"""The base of the types of arguments and options that are written as text."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import click

if TYPE_CHECKING:
    _Base: TypeAlias = click.ParamType[Any]
else:
    _Base = click.ParamType  # generic only in newer versions


class TextType(_Base):
    """A type whose values `parse` returns; click also passes those that it has returned."""

    def parse(self, text: str) -> Any:  # noqa: ANN401 - that of the type
        """Return the value, or raise `ValueError` with what was expected, and what was found."""
        raise NotImplementedError

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's signature
        """Return the value of a text, or of what a configuration file has instead of one."""
        try:
            is_text = isinstance(value, str | int | float | datetime)  # those of TOML too
            return self.parse(str(value)) if is_text else value
        except ValueError as error:
            return self.fail(str(error), param, ctx)
