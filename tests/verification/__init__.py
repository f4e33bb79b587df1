"""Tools that verify the protocol, from all interleavings of a small model to real processes.

Run each from the project's root; `scripts/check` runs all of them.

model_checker    Visits every state of two or three candidates (and of two writers of a fenced
                 object) that run the shipped generators, and checks the invariants in each.
                 Mutants without one rule must be found. Hours; `--at-most 150000` limits it.
                 `python -m tests.verification.model_checker.scenarios [NAME …]`
simulation       Thirty candidates over days of simulated time, by seed, with faults.
                 `python -m tests.verification.simulation --hours 48 --seeds 4`, minutes.
fault_injection  Real processes with the real store against an S3 server that delays, loses and
                 repeats; broken builds must be found. Minutes.
                 `python -m tests.verification.fault_injection`
kills            Leaders killed and stopped on a real S3 server, in minutes.
                 `python -m tests.verification.kills`
mutation         Every small change to what carries safety that no test notices.
                 `scripts/check --mutate [MODULE …]`, hours.

Shared by fault_injection and kills: `processes` starts and ends processes, each of which writes an
`event_log`; `history` pairs its events into operations; `invariants` checks clients' logs alone
(with `linearizable`), `store_invariants` compares them with what the store holds.

Each tool prints its claims and exits with 1 if one does not hold. The tests in these folders run
the quick part of each tool: whole small scenarios, the first states of large ones, and the mutants
that are found soon. Everything else, slow mutants included, runs in `scripts/check`.
"""
