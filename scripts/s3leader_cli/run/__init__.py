"""`s3leader run`: any command as a singleton.

Three processes: this one campaigns and renews; the guard (`guard.py`) starts the command and stops
it in time, also if this process is killed, stopped or waits for S3; and the command itself.
"""
