"""Infer from its source whether a handler is decorated with `@singleton`. Nothing is executed.

Names are followed through assignments and imports within the job's own code. Other code may apply
the decorator itself, so its results are unknown. The standard library and AWS's own decorators are
the exception: they are known not to apply it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from s3leader_cdk.handler_modules import Binding, Source, Sources, bindings
from s3leader_cdk.handler_shape import refusal

_PACKAGE, _MODULE, _DECORATOR = "s3leader", "s3leader.aws_lambda", "singleton"
_LIBRARIES = sys.stdlib_module_names | {"aws_lambda_powertools", "aws_xray_sdk"}
_LITERALS = (ast.Constant, ast.List, ast.Dict, ast.Tuple, ast.Set)


class Kind(Enum):
    """What a name stands for."""

    SINGLETON = auto()  # a decorated handler, or a wrapper around one
    DECORATOR = auto()  # `singleton`, or `singleton(…)` with options only
    FUNCTION = auto()  # a function or class that is certainly not decorated
    LITERAL = auto()
    MODULE = auto()
    LIBRARY = auto()  # of a library that never applies the decorator
    UNKNOWN = auto()


@dataclass(frozen=True)
class Value:
    """What a name stands for, and where that was found, or why it is unknown, for messages.

    The `where` of a `MODULE` is its dotted name. The `refusal` says why `@singleton` certainly
    refuses the function, decorated or not yet; it is empty if the decorator may accept it.
    """

    kind: Kind
    where: str
    refusal: str = ""

    @property
    def decorated(self) -> bool | None:
        """Whether it is a decorated handler; None if unknown."""
        if self.kind in {Kind.LIBRARY, Kind.UNKNOWN}:
            return None
        return self.kind is Kind.SINGLETON


@dataclass(frozen=True)
class _Scope:
    """A module, with the bindings that precede a statement in it."""

    module: str
    source: Source
    bindings: tuple[Binding, ...]

    def position(self, node: ast.AST) -> str:
        """Return the file and the line of a statement."""
        return f"{self.source.file}:{getattr(node, 'lineno', '?')}"


class Reader:
    """Follows names through the modules that `sources` finds."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._in_progress: set[tuple[str, str]] = set()

    def lookup(self, module: str, name: str) -> Value:
        """Return what a name of a module stands for once the module has been imported.

        Raises `ValueError` for a module that is not valid Python.
        """
        source = self._sources.read(module)
        if source is None:
            return _outside(module, name)
        if (module, name) in self._in_progress:
            return Value(Kind.UNKNOWN, f"{module}.{name} is imported in a cycle")
        self._in_progress.add((module, name))
        try:
            return self._name(name, _Scope(module, source, tuple(bindings(source.parsed().body))))
        finally:
            self._in_progress.discard((module, name))

    def _name(self, name: str, scope: _Scope) -> Value:
        """Combine all values that a name may have: from its last certain binding on."""
        values = []
        for index in reversed(range(len(scope.bindings))):
            binding = scope.bindings[index]
            if binding.name in {name, "*"}:
                before = replace(scope, bindings=scope.bindings[:index])
                values.append(self._value(binding, name, before))
                if binding.certain and binding.name == name:
                    break
        if values:
            return _agreed(values)
        inner = f"{scope.module}.{name}"
        if scope.source.package and self._sources.read(inner) is not None:
            return Value(Kind.MODULE, inner)
        return Value(Kind.UNKNOWN, f"{scope.source.file} does not define {name}")

    def _value(self, binding: Binding, name: str, scope: _Scope) -> Value:
        node = binding.node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return self._decorated(node, scope)
        if isinstance(node, ast.ImportFrom):
            (alias,) = node.names
            return self.lookup(
                _imported_from(node, scope), name if alias.name == "*" else alias.name
            )
        if isinstance(node, ast.Import):
            (alias,) = node.names
            return Value(Kind.MODULE, alias.name if alias.asname else binding.name)
        if isinstance(node, ast.expr):
            return self._expression(node, scope)
        return Value(Kind.UNKNOWN, f"{scope.position(node)} does not simply assign {name}")

    def _decorated(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: _Scope
    ) -> Value:
        refused = "" if isinstance(node, ast.ClassDef) else refusal(node)
        value = Value(Kind.FUNCTION, scope.position(node), refused)
        for decorator in reversed(node.decorator_list):
            kind = self._expression(decorator, scope).kind
            if kind is Kind.DECORATOR:
                value = Value(Kind.SINGLETON, scope.position(node), value.refusal)
            elif value.kind is Kind.FUNCTION and kind is not Kind.LIBRARY:
                what = f"what @{ast.unparse(decorator)} does is not known"
                value = Value(Kind.UNKNOWN, f"{what}: {scope.position(decorator)}")
            elif value.kind is Kind.FUNCTION:  # any decorator may change the signature
                value = replace(value, refusal="")
        return value

    def _expression(self, node: ast.expr, scope: _Scope) -> Value:
        kind, refused = Kind.UNKNOWN, ""
        if isinstance(node, ast.Name):
            return self._name(node.id, scope)
        if isinstance(node, ast.IfExp):
            return _agreed([self._expression(each, scope) for each in (node.body, node.orelse)])
        if isinstance(node, ast.Attribute):
            parent = self._expression(node.value, scope)
            if parent.kind is Kind.MODULE:
                return self.lookup(parent.where, node.attr)
            kind = Kind.LIBRARY if parent.kind is Kind.LIBRARY else kind
        elif isinstance(node, ast.Call):
            kind, refused = self._call(node, scope)
        elif isinstance(node, ast.Lambda):
            kind, refused = Kind.FUNCTION, refusal(node)
        elif isinstance(node, _LITERALS):
            kind = Kind.LITERAL
        return Value(kind, f"{ast.unparse(node)}: {scope.position(node)}", refused)

    def _call(self, node: ast.Call, scope: _Scope) -> tuple[Kind, str]:
        """Return the kind of a call's result, and its refusal if it is a decorated handler."""
        called = self._expression(node.func, scope).kind
        values = [self._expression(each, scope) for each in node.args]
        if called is Kind.DECORATOR and values:
            return Kind.SINGLETON, values[0].refusal
        for each in values:
            if each.kind is Kind.SINGLETON:
                return Kind.SINGLETON, each.refusal
        return self._plain_call(node, called, {each.kind for each in values}), ""

    def _plain_call(self, node: ast.Call, called: Kind, given: set[Kind]) -> Kind:
        if called is Kind.DECORATOR:
            return Kind.DECORATOR
        # A list may hold decorators that something like functools.reduce applies.
        listed = any(isinstance(each, _LITERALS[1:]) for each in node.args)
        if called is not Kind.LIBRARY or listed or {Kind.DECORATOR, Kind.UNKNOWN} & given:
            return Kind.UNKNOWN
        return Kind.FUNCTION if Kind.FUNCTION in given else Kind.LIBRARY


def _imported_from(node: ast.ImportFrom, scope: _Scope) -> str:
    if not node.level:
        return node.module or ""
    parts = scope.module.split(".")
    above = parts[: len(parts) - node.level + (1 if scope.source.package else 0)]
    return ".".join([*above, *([node.module] if node.module else [])])


def _outside(module: str, name: str) -> Value:
    """Return what a name stands for in a module that is not in the job's own code."""
    dotted = f"{module}.{name}"
    if (module, name) == (_MODULE, _DECORATOR):
        return Value(Kind.DECORATOR, dotted)
    if dotted in {_PACKAGE, _MODULE}:
        return Value(Kind.MODULE, dotted)
    if module.partition(".")[0] in _LIBRARIES:
        return Value(Kind.LIBRARY, dotted)
    return Value(Kind.UNKNOWN, f"{dotted} is not in the code")


def _agreed(values: Sequence[Value]) -> Value:
    """Return the first value if all agree on whether it is decorated, else an unknown one.

    It is one that is refused only if all are.
    """
    if len({each.decorated for each in values}) == 1:
        return next((each for each in values if not each.refusal), values[0])
    return Value(Kind.UNKNOWN, f"it is one of {' and '.join(each.where for each in values)}")
