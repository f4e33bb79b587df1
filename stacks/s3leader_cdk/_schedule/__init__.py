"""Schedule expressions of EventBridge Scheduler: their syntax, ticks and time zones."""
