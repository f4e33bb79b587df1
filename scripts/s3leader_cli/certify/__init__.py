"""`s3leader certify`: checks whether a store can hold an election.

- `check`: what a check is, and what it runs on.
- `conditions`, `lists`, `clocks`, `races`, `elections`, `lost_answers`: the checks, in groups.
- `checks`: all of them, in order.
- `racers`: concurrent writers, in threads and in processes.
- `speed`: how fast the store is.
- `inspection`: runs the checks; `report`: what they found.

`tests/contract` runs the same checks on each store that the tests know.
"""
