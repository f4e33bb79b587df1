"""The principal of a grant: whether a grant can work for it, and which policies can hold it."""

from __future__ import annotations

from typing import Any, cast

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from s3leader_cdk._cdk_facts import (
    Once,
    has,
    is_unresolved,
    partition_of,
    place_of_stack,
    principal_of,
    stack_of,
)

# CDK grants to each of these without an error, but the policy would then give access to nobody, to
# everyone, or without the principal's conditions.
_REFUSED: dict[type[Any], str] = {
    iam.UnknownPrincipal: "its role is not known, and CDK would only print a warning: import it"
    " with its role, or grant to that role",
    iam.ServicePrincipal: "an AWS service: grant to the role that the service assumes",
    iam.FederatedPrincipal: "a federated identity: grant to the role that it assumes",
    iam.CanonicalUserPrincipal: "a canonical user: name the account, iam.AccountPrincipal(…), or"
    " the role",
    iam.StarPrincipal: "everyone: grant to roles",
    iam.AnyPrincipal: "everyone: grant to roles",
    iam.PrincipalWithConditions: "its conditions would be dropped from its own policy: grant to"
    " the principal itself",
    iam.SessionTagsPrincipal: "the tags grant nothing: grant to the principal itself",
    iam.CompositePrincipal: "several principals: grant to each of them",
}


def checked_principal(grantee: iam.IGrantable) -> iam.IPrincipal:
    """Return the principal of `grantee`, or raise `ValueError` if no grant can work for it."""
    principal = principal_of(grantee)
    reason = next((text for kind, text in _REFUSED.items() if isinstance(principal, kind)), None)
    if reason is not None:
        raise ValueError(f"{name_of(grantee)} cannot be granted permissions: {reason}")
    arn = arn_of(principal)
    if "*" in arn and not isinstance(principal, iam.OrganizationPrincipal):
        raise ValueError(
            f"{name_of(grantee)} cannot be granted permissions: wildcards are not allowed in the"
            " ARN of a policy's principal: grant to each role"
        )
    return principal


def check_partition(principal: iam.IPrincipal, stack: Stack, resource: str = "bucket") -> None:
    """Raise `ValueError` if the principal is known to be in another partition than `stack`.

    `resource` is the kind of what is in the stack, for the message.
    """
    arn, expected = arn_of(principal), partition_of(stack)
    if ":" not in arn or is_unresolved(arn) or is_unresolved(expected):
        return
    found = arn.split(":")[1]
    if found != expected:
        raise ValueError(
            f"{arn} is in partition {found!r}, but the {resource} is in {expected!r}: no grant"
            " reaches another partition"
        )


def name_of(grantee: iam.IGrantable) -> str:
    """Return the name of a grantee for messages: its construct path, or CDK's text for it."""
    if has(grantee, "node"):
        return str(cast("Any", grantee).node.path)
    principal = grantee.grant_principal
    return principal.to_string() if isinstance(principal, iam.PrincipalBase) else repr(principal)


def arn_of(principal: iam.IPrincipal) -> str:
    """Return the ARN that names the principal in policies, maybe a token; "" if it has none."""
    if _is_policy(principal):
        return ""
    return _arn_of(principal)


def account_of(principal: iam.IPrincipal) -> str | None:
    """Return the account that the principal is in, which may be a token; None if unknown."""
    if has(principal, "node"):
        return (
            _stated_account_of(principal)
            if _is_in_another_account(principal)
            else _account_of_stack(principal)
        )
    parts = arn_of(principal).split(":")
    stated = _stated_account_of(principal)
    return stated or (parts[4] if len(parts) > 5 and parts[4].isdigit() else None)


def known_to_differ(one: str | None, other: str | None) -> bool:
    """Return whether two accounts or Regions are known at synth, and different."""
    return one != other and not any(each is None or is_unresolved(each) for each in (one, other))


def is_account_wide(principal: iam.IPrincipal) -> bool:
    """Return whether the principal is a whole account or organization.

    A grant to it only lets its administrators grant access to their roles and users.
    """
    kinds = (iam.AccountPrincipal, iam.OrganizationPrincipal)
    arn = arn_of(principal)
    return isinstance(principal, kinds) or arn.endswith(":root") or arn.isdigit()


def cannot_be_principal(principal: iam.IPrincipal) -> bool:
    """Return whether a resource-based policy cannot name the principal: a group or a policy."""
    arn = arn_of(principal)
    return isinstance(principal, iam.Group) or ":group/" in arn or not arn


def accepts_policies(principal: iam.IPrincipal) -> bool:
    """Return whether this app may be able to add statements to the principal's own policies."""
    if _is_policy(principal):
        return True
    return has(principal, "node") and not _is_in_another_account(principal)


def was_added(principal: iam.IPrincipal, grant: iam.Grant) -> bool:
    """Return whether a statement that CDK reports as added to the principal really was.

    CDK's immutable roles (`mutable=False`, a role of another account, `without_policy_updates`)
    drop statements and report success. A principal that accepts them has a policy afterwards.
    """
    if not grant.success:
        return False
    always_added = (iam.Role, iam.User, iam.Group, iam.LazyRole)
    if _is_policy(principal) or isinstance(principal, always_added):
        return True
    return any(isinstance(each, iam.Policy) for each in cast("Any", principal).node.children)


def _is_policy(principal: iam.IPrincipal) -> bool:
    # The principal of an iam.Policy or iam.ManagedPolicy is of a class that CDK does not export.
    return not has(principal, "node") and not isinstance(principal, iam.PrincipalBase)


def _is_in_another_account(principal: iam.IPrincipal) -> bool:
    # CDK would create an imported user's policy in this stack's account, which lacks that user.
    return known_to_differ(_stated_account_of(principal), _account_of_stack(principal))


def _account_of_stack(principal: iam.IPrincipal) -> str:
    return place_of_stack(stack_of(cast("Any", principal))).account


def _first_arn(principal: iam.IPrincipal) -> str:
    ((_, (arn, *_)),) = principal.policy_fragment.principal_json.items()
    return str(arn)


_arn_of: Once[iam.IPrincipal, str] = Once(_first_arn)
_stated_account_of: Once[iam.IPrincipal, str | None] = Once(
    lambda principal: getattr(principal, "principal_account", None)
)
