"""Synthesizes stacks without the CLI, bundling or validation, and reads the templates."""

from collections.abc import Callable, Mapping
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from app import compose, create_app

Json = dict[str, Any]
_OUTPUT = TemporaryDirectory()  # deleted when the interpreter exits
UNBUNDLED: dict[str, Any] = {"aws:cdk:bundling-stacks": []}


class Synthesized:
    """A template, by type and logical id."""

    def __init__(self, stack: cdk.Stack) -> None:
        self.template = Template.from_stack(stack)
        self.json: Json = dict(self.template.to_json())

    def ids(self, kind: str) -> list[str]:
        """Return the logical ids of all resources of a type."""
        return [name for name, each in self.json["Resources"].items() if each["Type"] == kind]

    def resources(self, kind: str) -> list[Json]:
        """Return all resources of a type."""
        return [self.json["Resources"][name] for name in self.ids(kind)]

    def properties(self, kind: str) -> list[Json]:
        """Return the properties of all resources of a type."""
        return [each["Properties"] for each in self.resources(kind)]

    def one(self, kind: str, containing: str = "") -> Json:
        """Return the properties of the only resource of a type whose logical id contains a text."""
        (name,) = (name for name in self.ids(kind) if containing in name)
        properties: Json = self.json["Resources"][name]["Properties"]
        return properties

    def variables(self, containing: str = "") -> Json:
        """Return the environment of the only such function, simplified by `plain`."""
        found: Json = plain(self.one("AWS::Lambda::Function", containing)["Environment"])
        return dict(found["Variables"])

    def statements(self, kind: str, containing: str = "") -> list[Json]:
        """Return the statements of the only such policy, simplified by `plain`."""
        document = self.one(kind, containing)["PolicyDocument"]
        return [plain(statement) for statement in document["Statement"]]


def new_app(context: Mapping[str, object] = UNBUNDLED) -> cdk.App:
    """Return an app that bundles no assets, with its own output folder: tests run in parallel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_OUTDIR", mkdtemp(dir=_OUTPUT.name))
        app = create_app()
    for name, value in {**UNBUNDLED, **context}.items():
        app.node.set_context(name, value)
    return app


def new_stack(name: str = "Test", app: cdk.App | None = None, **env: str) -> cdk.Stack:
    """Return a stack in `app`, by default a new one; `env` is the stack's environment."""
    return cdk.Stack(app or new_app(), name, env=cdk.Environment(**env) if env else None)


def synthesize(build: Callable[[cdk.Stack], object], **context: object) -> Synthesized:
    """Return the template of a stack named Test that `build` fills."""
    stack = new_stack(app=new_app(context))
    build(stack)
    return Synthesized(stack)


def synthesize_app(**context: object) -> Synthesized:
    """Return the template of the app's own stack, if it has only one."""
    (template,) = synthesize_stacks(**context).values()
    return template


def synthesize_stacks(**context: object) -> dict[str, Synthesized]:
    """Return the templates of all the app's stacks by name."""
    return {stack.stack_name: Synthesized(stack) for stack in compose(new_app(context))}


def plain(value: Any) -> Any:
    """Return JSON with `Fn::GetAtt`, `Ref` and `Fn::Join` simplified: `<Bucket.Arn>/key`."""
    if isinstance(value, Mapping):
        if set(value) == {"Fn::GetAtt"}:
            return "<" + ".".join(value["Fn::GetAtt"]) + ">"
        if set(value) == {"Ref"}:
            return f"<{value['Ref']}>"
        if set(value) == {"Fn::Join"}:
            separator, parts = value["Fn::Join"]
            return separator.join(str(plain(part)) for part in parts)  # also of another stack
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value
