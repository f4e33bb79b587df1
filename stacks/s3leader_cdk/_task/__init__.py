"""A task of ECS as a candidate: its container, its environment, and its failures."""
