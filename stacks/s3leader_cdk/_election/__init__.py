"""An election at synth: names, the jobs registered for it, a candidate's environment."""
