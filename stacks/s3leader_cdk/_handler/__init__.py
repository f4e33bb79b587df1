"""Static analysis of a handler: is it decorated with `@singleton`? Its code is never executed."""
