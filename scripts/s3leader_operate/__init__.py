"""Commands that an operator runs against a deployed job (docs/operating.md)."""
