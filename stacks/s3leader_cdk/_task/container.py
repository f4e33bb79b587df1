"""The container of a task that campaigns by `s3leader run`: checked, and given its environment."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Annotations, Token, Validations
from aws_cdk import aws_ecs as ecs

from s3leader_cdk.metrics_output import check_log_class

COMMAND = "s3leader"
_PREFIX = "S3LEADER_"
_SET_BY_SOME = frozenset({"S3LEADER_LONG_LEDGER"})  # tasks; others may have their own value


def checked_container(
    task_definition: ecs.TaskDefinition, name: str | None
) -> ecs.ContainerDefinition:
    """Return the container `name`, or the first essential one; raise `ValueError` for none."""
    path = task_definition.node.path
    if not task_definition.is_fargate_compatible:
        raise ValueError(
            f"task definition {path} is not compatible with Fargate, where SingletonTask runs its"
            " tasks: make a FargateTaskDefinition of it"
        )
    found = {
        each.container_name: each
        for each in task_definition.node.children
        if isinstance(each, ecs.ContainerDefinition)
    }
    if not found:
        raise ValueError(
            f"task definition {path} has no container: call add_container before it is given to"
            f" SingletonTask, with an image that has {COMMAND} installed"
        )
    if name is not None and name not in found:
        raise ValueError(
            f"container {name!r} is not one of task definition {path}, which has"
            f" {', '.join(map(repr, found))}: give the name of the one that campaigns"
        )
    chosen = task_definition.default_container if name is None else found[name]
    if chosen is None or not chosen.essential:
        which = f"container {name!r}" if name is not None else "each container"
        raise ValueError(
            f"{which} of task definition {path} is not essential, so the task would go on when"
            f" {COMMAND} has ended: make the container that campaigns essential=True"
        )
    return chosen


def check_command(container: ecs.ContainerDefinition, election: str) -> None:
    """Raise `ValueError` for a wrong call of `s3leader run`; warn if there is none.

    A command that the image has is not known here.
    """
    rendered = container.render_container_definition(container.task_definition)
    words = [*(rendered.entry_point or []), *(rendered.command or [])]
    if not words or any(Token.is_unresolved(each) for each in words):
        return
    if not any(COMMAND in each for each in words):
        Annotations.of(container).add_warning_v2(
            "s3leader:command",
            f"container {container.container_name!r} runs {' '.join(words)!r}: if that does not"
            f" run {COMMAND}, each contender does the work. Give"
            f" command=['{COMMAND}', 'run', {election!r}, '--json', '--', …], unless the image's"
            " entry point does so",
        )
    elif "run" in words and not {election, "--json"} <= {*words}:
        raise ValueError(
            f"container {container.container_name!r} runs {' '.join(words)!r}, without the election"
            f" {election!r}, or without --json, whose lines the metrics are read from: write"
            f" {COMMAND} run {election} --json -- and then the command"
        )


def set_variables(container: ecs.ContainerDefinition, variables: Mapping[str, str]) -> None:
    """Add to the container's environment; raise `ValueError` if it has a variable of ours.

    Those that only some tasks set may be the container's own where `variables` has none.
    """
    rendered = container.render_container_definition(container.task_definition)
    given = rendered.environment
    names = [str(getattr(each, "name", "")) for each in given] if isinstance(given, list) else []
    own = _SET_BY_SOME - variables.keys()
    taken = sorted(each for each in names if each.startswith(_PREFIX) and each not in own)
    if taken:
        raise ValueError(
            f"environment variable {taken[0]!r} of container {container.node.path} is set by"
            " s3leader: omit it there. If the task definition is that of another SingletonTask,"
            " make one for each, since a container's environment names one election"
        )
    if not names:
        Validations.of(container.task_definition).acknowledge(
            Acknowledgment(
                id="AwsSolutions-ECS2",
                reason="The variables name the election and its bucket; none of them is a secret.",
            )
        )
    for name, value in variables.items():
        container.add_environment(name, value)


def log_group_name(container: ecs.ContainerDefinition) -> str:
    """Return the name of the log group, which may be a token; raise `ValueError` for none."""
    config = container.log_driver_config
    options = None if config is None else config.options
    name = (options or {}).get("awslogs-group")
    if config is None or config.log_driver != "awslogs" or name is None:
        driver = "no log driver" if config is None else f"the log driver {config.log_driver!r}"
        raise ValueError(
            f"container {container.node.path} has {driver}, so no metric could be read from the log"
            f" of {COMMAND}, and no alarm would fire: give"
            " logging=ecs.LogDrivers.aws_logs(stream_prefix=…, log_group=…)"
        )
    check_log_class(container, str(name), kind="container")
    return str(name)
