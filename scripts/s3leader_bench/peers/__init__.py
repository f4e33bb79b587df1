"""Other libraries of the kind, each on its own store, all on one emulator behind one front.

They are no dependencies of this project: `environment.py` installs them into a folder of their own.
Each is a child process (`child.py`) that talks to its library through one adapter, and s3leader is
measured in the same way, by the same interpreter and with the same botocore.
"""
