"""Parse S3's access-denied messages: which policy denied which action, and how to fix it. No I/O.

The denied action is often not the one requested: it may be KMS's, or `s3:ListBucket`, without which
S3 returns 403 instead of 404. S3's message then names the denied action, its resource and usually
the type of policy; the request that was sent names none of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "Forbidden"})

_SUBJECT: Final = re.compile(r"to perform: ([\w-]+:\w+)(?: on resource: \"?(arn:[^\s\"]+))?")
_POLICY_TYPE: Final = re.compile(
    r"(explicit deny in an?|because no) ((?:[\w-]+ ){1,3}?(?:policy|policies|boundary))"
)
# The types of policy that S3 names, but for "resource-based policy": whether that is the policy of
# the bucket or of the key depends on the action.
_POLICIES: Final = {
    "identity-based policy": "the policies of the role or user",
    "service control policy": "a service control policy, which the organization's administrators"
    " maintain",
    "resource control policy": "a resource control policy, which the organization's administrators"
    " maintain",
    "VPC endpoint policy": "the policy of the VPC endpoint that the request came through",
    "permissions boundary": "the permissions boundary of the role or user",
    "session policy": "the session policy that the role was assumed with",
}


@dataclass(frozen=True, slots=True)
class Denial:
    """`action` was denied on `resource`, by a policy of type `policy_type` if S3 names it.

    `explicit` is true if the policy contains a matching Deny, and false if it lacks an Allow.
    """

    action: str
    resource: str
    policy_type: str | None
    explicit: bool

    @classmethod
    def parse(cls, message: str, *, action: str, resource: str) -> Denial:
        """Parse S3's message; `action` and `resource` of the request stand in for what it omits."""
        if subject := _SUBJECT.search(message):
            action, resource = subject[1], subject[2] or resource
        found = _POLICY_TYPE.search(message)
        policy_type = found[2].replace("policies", "policy") if found else None
        return cls(action, resource, policy_type, "explicit deny" in message)

    @property
    def is_kms(self) -> bool:
        """Whether KMS denied the request, and not S3."""
        return self.action.startswith("kms:")

    def remedy(self) -> str | None:
        """Return how to fix it; None if S3 names no policy type and the action is not KMS's."""
        if self.policy_type is None and not self.is_kms:
            return None
        if self.explicit:
            return (
                f"A Deny in {self._policy('or')} matches {self.action}, and an explicit Deny"
                f" overrides any Allow. Change the Deny, or, if it has a condition, send a request"
                f" that it does not match.{self._encryption_hint()}"
            )
        return f"Allow {self.action} on {self.resource} in {self._policy('and')}."

    def _policy(self, conjunction: str) -> str:
        """Return the policy to change, or both candidates if S3 does not name its type."""
        resource_policy = "the KMS key's policy" if self.is_kms else "the bucket's policy"
        if self.policy_type is None:
            return f"the policies of the role or user {conjunction} in {resource_policy}"
        if self.policy_type == "resource-based policy":
            return resource_policy
        return _POLICIES.get(self.policy_type, f"a {self.policy_type}")

    def _encryption_hint(self) -> str:
        if self.action != "s3:PutObject":
            return ""
        return (
            " If the Deny requires an encryption header, set S3LEADER_ENCRYPTION and"
            " S3LEADER_KMS_KEY, or pass BucketOptions(encryption=…, kms_key=…)."
        )
