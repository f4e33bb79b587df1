"""An exhaustive checker that drives the generators of `s3leader._core.protocol`, those that ship.

`machine` turns candidates' lives into an automaton, `world` is a small S3 with candidates around
it, `explore` walks everything that can happen, `story` tells what was found, `mutants` removes one
rule at a time to show that the checker would notice.
"""
