"""Names that the stack and the checks of it share."""

FENCED = "fenced/probe.json"
PROBED = "probe"  # the election of the roles that are tried
COMMAND = "command"  # the election whose metrics are made by metric filters
