"""Whom a grant is for: who cannot be granted anything, and whose policies can be written here."""

from __future__ import annotations

from typing import Any, cast

from aws_cdk import Stack, Token
from aws_cdk import aws_iam as iam

# CDK writes a grant for each of these without an error. None of them would then have the rights
# that were asked for, or everyone would, or more than they were to have.
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
    iam.SessionTagsPrincipal: "tags give no rights: grant to the principal itself",
    iam.CompositePrincipal: "several principals: grant to each of them",
}


def checked_principal(grantee: iam.IGrantable) -> iam.IPrincipal:
    """Return the principal of `grantee`, or raise `ValueError` if no grant can work for it."""
    principal = grantee.grant_principal
    why = next((why for kind, why in _REFUSED.items() if isinstance(principal, kind)), None)
    if why is not None:
        raise ValueError(f"{name_of(grantee)} cannot be granted rights: {why}")
    arn = arn_of(principal)
    if "*" in arn and not isinstance(principal, iam.OrganizationPrincipal):
        raise ValueError(
            f"{name_of(grantee)} cannot be granted rights: a principal of a policy is no pattern:"
            " grant to each role"
        )
    return principal


def check_partition(principal: iam.IPrincipal, stack: Stack) -> None:
    """Raise `ValueError` for a principal of another partition than the bucket's, where known."""
    there, here = arn_of(principal).split(":")[1:2], stack.partition
    if there and not Token.is_unresolved(arn_of(principal)) and not Token.is_unresolved(here):
        (found,) = there
        if found != here:
            raise ValueError(
                f"{arn_of(principal)} is of partition {found!r}, but the bucket is in {here!r}: no"
                " grant reaches another partition"
            )


def name_of(grantee: iam.IGrantable) -> str:
    """Return what a message calls a grantee: its path, or what CDK calls it."""
    if hasattr(grantee, "node"):
        return str(grantee.node.path)
    principal = grantee.grant_principal
    return principal.to_string() if isinstance(principal, iam.PrincipalBase) else repr(principal)


def arn_of(principal: iam.IPrincipal) -> str:
    """Return the ARN that policies name the principal by, maybe a token; empty if they cannot."""
    if _is_policy(principal):
        return ""
    ((_, (found, *_)),) = principal.policy_fragment.principal_json.items()
    return str(found)


def account_of(principal: iam.IPrincipal) -> str | None:
    """Return the account that the principal is in, which may be a token; None if unknown."""
    if hasattr(principal, "node"):
        stated = getattr(principal, "principal_account", None)
        return stated if _is_elsewhere(principal) else Stack.of(cast("Any", principal)).account
    parts = arn_of(principal).split(":")
    stated = getattr(principal, "principal_account", None)
    return stated or (parts[4] if len(parts) > 5 and parts[4].isdigit() else None)


def delegates(principal: iam.IPrincipal) -> bool:
    """Tell whether a grant to the principal only lets account administrators pass it on."""
    # A statement for an account's root gives nothing to its roles: their own policies have to.
    whole = (iam.AccountPrincipal, iam.OrganizationPrincipal)
    arn = arn_of(principal)
    return isinstance(principal, whole) or arn.endswith(":root") or arn.isdigit()


def is_unnameable(principal: iam.IPrincipal) -> bool:
    """Tell whether no resource's policy can name the principal: an IAM group, or a policy."""
    arn = arn_of(principal)
    return isinstance(principal, iam.Group) or ":group/" in arn or not arn


def takes_policies(principal: iam.IPrincipal) -> bool:
    """Tell whether statements for the principal's own policies can be added in this app at all."""
    return _is_policy(principal) or (hasattr(principal, "node") and not _is_elsewhere(principal))


def has_taken(principal: iam.IPrincipal, grant: iam.Grant) -> bool:
    """Tell whether a statement that CDK says was added really was.

    CDK's immutable roles (`mutable=False`, a role of another account, `without_policy_updates`)
    say so of statements that they drop. What does take them holds a policy afterwards.
    """
    if not grant.success:
        return False
    made_here = (iam.Role, iam.User, iam.Group, iam.LazyRole)
    if _is_policy(principal) or isinstance(principal, made_here):
        return True
    return any(isinstance(each, iam.Policy) for each in cast("Any", principal).node.children)


def _is_policy(principal: iam.IPrincipal) -> bool:
    # What an iam.Policy or iam.ManagedPolicy is granted by is of a class that CDK keeps to itself.
    return not hasattr(principal, "node") and not isinstance(principal, iam.PrincipalBase)


def _is_elsewhere(principal: iam.IPrincipal) -> bool:
    # CDK would make an imported user's policy in this stack's account, where that user is not.
    stated, here = (
        getattr(principal, "principal_account", None),
        Stack.of(cast("Any", principal)).account,
    )
    known = stated is not None and not Token.is_unresolved(stated)
    return known and not Token.is_unresolved(here) and stated != here
