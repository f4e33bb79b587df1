"""One adapter for each library: `Candidate(name, lease)`, with `lead` and perhaps `wait`.

`lead(body)` acquires, runs `body`, releases, and returns True; or returns False at once, if another
candidate holds. `wait(body, seconds)` does the same, but waits as the library does by default; a
library that does not wait has none. A lease is in seconds. Connections are made once, at import or
by the first candidate, as each library's documentation advises.

Adapters import their libraries, so only a child process imports adapters.
"""
