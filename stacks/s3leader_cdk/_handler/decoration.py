"""Infers from the source whether a handler is decorated with `@singleton`; executes nothing.

`NameResolver` follows names through assignments and imports in the job's own code. Results of other
code are unknown, because it may apply the decorator itself. The standard library and AWS's own
decorators do not. In `singleton("billing.main:work")`, the function that the path names is followed
too.
"""

from __future__ import annotations

import ast
import keyword
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from s3leader_cdk._handler.modules import Binding, Source, Sources, bindings
from s3leader_cdk._handler.signature import rejection

_PACKAGE, _MODULE, _DECORATOR = "s3leader", "s3leader.aws_lambda", "singleton"
_LIBRARIES = sys.stdlib_module_names | {"aws_lambda_powertools", "aws_xray_sdk"}
_NEEDS_WRAPS = "it must use functools.wraps, so that @singleton below it is found at import"
_LITERALS = (ast.Constant, ast.List, ast.Dict, ast.Tuple, ast.Set)


class Kind(Enum):
    """What a name stands for."""

    SINGLETON = auto()  # a decorated handler, or a wrapper around one
    DECORATOR = auto()  # `singleton`, or `singleton(…)` with options only
    FUNCTION = auto()  # a function or class that is certainly not decorated
    LITERAL = auto()
    MODULE = auto()
    LIBRARY = auto()  # of a library that never applies the decorator
    MISSING = auto()  # not defined at the top level of a module of the job
    UNKNOWN = auto()


@dataclass(frozen=True)
class Value:
    """What a name stands for.

    `where` is, for messages, the place of the definition, or the reason why it is unknown; for a
    `MODULE`, its dotted name. `rejection` is why `@singleton` rejects the function, or empty.

    `path` is the import path that was given to `singleton`, or empty. Then `rejection` is why that
    function cannot be used, and `doubt` why it is not known whether it can. `text` is that of a
    string.
    """

    kind: Kind
    where: str
    rejection: str = ""
    path: str = ""
    doubt: str = ""
    text: str | None = None

    @property
    def decorated(self) -> bool | None:
        """Whether it is a decorated handler; None if unknown."""
        if self.kind in {Kind.LIBRARY, Kind.MISSING, Kind.UNKNOWN}:
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


class NameResolver:
    """Resolves names in the modules that `sources` finds."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._in_progress: set[tuple[str, str]] = set()
        self._scopes: dict[str, _Scope | None] = {}
        # By module, index of the binding, and name: without it n rebindings in branches take 2^n.
        self._known: dict[tuple[str, int, str], Value] = {}

    def lookup(self, module: str, name: str) -> Value:
        """Return what a name of a module stands for once the module has been imported."""
        if (module, name) in self._in_progress:
            return Value(Kind.UNKNOWN, f"{module}.{name} is imported in a cycle")
        self._in_progress.add((module, name))
        try:
            scope = self._scope(module)
            return _external(module, name) if scope is None else self._name(name, scope)
        except ValueError as error:
            return Value(Kind.UNKNOWN, str(error))
        except RecursionError:
            return Value(Kind.UNKNOWN, f"{module}.{name} is nested too deeply to be followed")
        finally:
            self._in_progress.discard((module, name))

    def _scope(self, module: str) -> _Scope | None:
        if module not in self._scopes:
            source = self._sources.read(module)
            self._scopes[module] = (
                None
                if source is None
                else _Scope(module, source, tuple(bindings(source.parsed().body)))
            )
        return self._scopes[module]

    def _name(self, name: str, scope: _Scope) -> Value:
        """Merge all values that a name may have, from its last certain binding on."""
        values: list[Value] = []
        # In source order, so that a value is known before a later binding needs it, and the depth
        # of recursion does not grow with the number of bindings.
        for index, binding in enumerate(scope.bindings):
            if binding.name in {name, "*"}:
                key = (scope.module, index, name)
                if key not in self._known:
                    before = replace(scope, bindings=scope.bindings[:index])
                    self._known[key] = self._value(binding, name, before)
                if binding.certain and binding.name == name:
                    values.clear()
                values.append(self._known[key])
        if values:
            return _merged(values[::-1])
        inner = f"{scope.module}.{name}"
        if scope.source.package and self._sources.read(inner) is not None:
            return Value(Kind.MODULE, inner)
        return Value(Kind.MISSING, f"{scope.source.file} does not define {name}")

    def _value(self, binding: Binding, name: str, scope: _Scope) -> Value:
        node = binding.node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return self._function_value(node, scope)
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

    def _function_value(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: _Scope
    ) -> Value:
        rejected = "" if isinstance(node, ast.ClassDef) else rejection(node)
        value = Value(Kind.FUNCTION, scope.position(node), rejected)
        for decorator in reversed(node.decorator_list):
            kind = self._expression(decorator, scope).kind
            if kind is Kind.DECORATOR:
                value = Value(Kind.SINGLETON, scope.position(node), value.rejection)
            elif kind is not Kind.LIBRARY and value.kind in {Kind.FUNCTION, Kind.SINGLETON}:
                what = f"what @{ast.unparse(decorator)} does is not known"
                if value.kind is Kind.SINGLETON:
                    what += f", and {_NEEDS_WRAPS}"
                value = Value(Kind.UNKNOWN, f"{what}: {scope.position(decorator)}")
            elif value.kind is Kind.FUNCTION:  # any decorator may change the signature
                value = replace(value, rejection="")
        return value

    def _expression(self, node: ast.expr, scope: _Scope) -> Value:
        value = Value(Kind.UNKNOWN, "")
        if isinstance(node, ast.Name):
            return self._name(node.id, scope)
        if isinstance(node, ast.IfExp):
            return _merged([self._expression(each, scope) for each in (node.body, node.orelse)])
        if isinstance(node, ast.Attribute):
            parent = self._expression(node.value, scope)
            if parent.kind is Kind.MODULE:
                return self.lookup(parent.where, node.attr)
            value = Value(Kind.LIBRARY, "") if parent.kind is Kind.LIBRARY else value
        elif isinstance(node, ast.Call):
            value = self._call(node, scope)
        elif isinstance(node, ast.Lambda):
            value = Value(Kind.FUNCTION, "", rejection(node))
        elif isinstance(node, _LITERALS):
            text = node.value if isinstance(node, ast.Constant) else None
            value = Value(Kind.LITERAL, "", text=text if isinstance(text, str) else None)
        where = f"{ast.unparse(node)}{value.where}: {scope.position(node)}"
        return replace(value, where=where)

    def _call(self, node: ast.Call, scope: _Scope) -> Value:
        """Return a call's result; its `where` is an addition to the message."""
        called = self._expression(node.func, scope).kind
        values = [self._expression(each, scope) for each in node.args]
        if called is Kind.DECORATOR and not values:
            return Value(Kind.DECORATOR, "")
        if called is Kind.DECORATOR:
            text, rejected = values[0].text, values[0].rejection
            return Value(Kind.SINGLETON, "", rejected) if text is None else self.named(text)
        for each in values:
            if each.kind is Kind.SINGLETON and called is Kind.LIBRARY:
                return replace(each, where="")  # these use functools.wraps
            if each.kind is Kind.SINGLETON:
                return Value(Kind.UNKNOWN, f", where {_NEEDS_WRAPS}")
        given = {each.kind for each in values}
        if called is not Kind.LIBRARY or {Kind.DECORATOR, Kind.UNKNOWN} & given:
            return Value(Kind.UNKNOWN, "")
        return Value(Kind.FUNCTION if Kind.FUNCTION in given else Kind.LIBRARY, "")

    def named(self, path: str) -> Value:
        """Return the handler that `singleton` makes of an import path; its `where` is empty."""
        singleton, (module, _, name) = Value(Kind.SINGLETON, "", path=path), path.partition(":")
        if not all(_is_name(each) for each in [*module.split("."), name]):
            return replace(singleton, rejection="a path is written like 'billing.main:work'")
        try:
            scope = self._scope(module)
        except ValueError as error:
            return replace(singleton, doubt=str(error))
        if scope is None:
            missing = f"module {module} is not in the code"
            if self._sources.read(module.partition(".")[0]) is None:  # a dependency may have it
                return replace(singleton, doubt=missing)
            return replace(singleton, rejection=missing)
        return replace(singleton, rejection=_problem(self.lookup(module, name)))


def _problem(found: Value) -> str:
    """Return why what an import path names cannot be used, or ""."""
    if found.kind is Kind.MISSING:
        return found.where
    if found.kind is Kind.SINGLETON:
        return (
            f"it is decorated with @singleton already ({found.where}): remove the decorator, or"
            f" name it with a dot, as Lambda does"
        )
    if found.kind in {Kind.DECORATOR, Kind.LITERAL, Kind.MODULE}:
        return f"it is not a function ({found.where})"
    return f"the function ({found.where}) {found.rejection}" if found.rejection else ""


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _imported_from(node: ast.ImportFrom, scope: _Scope) -> str:
    if not node.level:
        return node.module or ""
    parts = scope.module.split(".")
    above = parts[: len(parts) - node.level + (1 if scope.source.package else 0)]
    return ".".join([*above, *([node.module] if node.module else [])])


def _external(module: str, name: str) -> Value:
    """Return what a name stands for in a module that is not in the job's own code."""
    dotted = f"{module}.{name}"
    if (module, name) == (_MODULE, _DECORATOR):
        return Value(Kind.DECORATOR, dotted)
    if dotted in {_PACKAGE, _MODULE}:
        return Value(Kind.MODULE, dotted)
    if module.partition(".")[0] in _LIBRARIES:
        return Value(Kind.LIBRARY, dotted)
    return Value(Kind.UNKNOWN, f"{dotted} is not in the code")


def _merged(values: Sequence[Value]) -> Value:
    """Return the value on which all agree about the decorator, or an unknown value.

    The result has a `rejection` only if all values have one.
    """
    # Only one value's reason is kept, which bounds the message.
    by_answer = {each.decorated: each for each in reversed(values)}
    if len(by_answer) == 1:
        best = min(values, key=lambda each: (bool(each.rejection), bool(each.doubt)))
        return best if len({each.text for each in values}) == 1 else replace(best, text=None)
    if None in by_answer:
        return replace(by_answer[None], kind=Kind.UNKNOWN)
    return Value(Kind.UNKNOWN, f"it is either {by_answer[True].where} or {by_answer[False].where}")
