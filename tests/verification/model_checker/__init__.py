"""An exhaustive checker that drives the generators of `s3leader._core.protocol`, those that ship.

`machine` turns candidate programs into an automaton, `s3` is S3 as an immutable value, `model` has
the states and transitions of candidates around it, `explore` visits all states, breadth first, and
returns a shortest counterexample. `scenarios` lists what is explored, `mutants` removes one rule at
a time: each must be found.
"""
