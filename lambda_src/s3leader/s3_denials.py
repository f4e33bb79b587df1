"""Who denied a request, by what S3 says of it, and what to do there. Pure text.

S3 often answers for others: for the key service, or for a right that it needs to answer at all
(s3:ListBucket, to say that an object does not exist). Its message then names the action and the
resource that were denied, and mostly the kind of policy; the request that was sent names neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "Forbidden"})

_SUBJECT: Final = re.compile(r"to perform: ([\w-]+:\w+)(?: on resource: \"?(arn:[^\s\"]+))?")
_POLICY: Final = re.compile(
    r"(explicit deny in an?|because no) ((?:[\w-]+ ){1,3}?(?:policy|policies|boundary))"
)
_PLACES: Final = {
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
    """`action` was denied on `resource`, by a policy of the kind `policy` if S3 says which.

    `explicit` if the policy contains a matching Deny; if not, it lacks an Allow.
    """

    action: str
    resource: str
    policy: str | None
    explicit: bool

    @classmethod
    def read(cls, message: str, *, action: str, resource: str) -> Denial:
        """Read S3's message; `action` and `resource` are those of the request that was sent."""
        if subject := _SUBJECT.search(message):
            action, resource = subject[1], subject[2] or resource
        found = _POLICY.search(message)
        policy = found[2].replace("policies", "policy") if found else None
        return cls(action, resource, policy, "explicit deny" in message)

    @property
    def of_a_key(self) -> bool:
        """Whether it was the key service that denied."""
        return self.action.startswith("kms:")

    def remedy(self) -> str | None:
        """Return what to do and where, or None if the message does not say more than 'denied'."""
        if self.policy is None and not self.of_a_key:
            return None
        own = "the KMS key's policy" if self.of_a_key else "the bucket's policy"
        place = _PLACES.get(self.policy or "", own)
        if self.explicit:
            return (
                f"A Deny in {place} matches {self.action}, and no grant overrides it. Change it, or"
                f" meet its condition.{self._condition()}"
            )
        if self.policy is None:
            place = "the policies of the role or user, and in the KMS key's policy"
        return f"Allow {self.action} on {self.resource} in {place}."

    def _condition(self) -> str:
        if self.action != "s3:PutObject":
            return ""
        return (
            " If it asks for an encryption header, set S3LEADER_ENCRYPTION and S3LEADER_KMS_KEY, or"
            " pass S3Store(…, encryption=…, kms_key=…)."
        )
