"""Clients that send the requests of the protocol, and do nothing else: the floor.

They hold no election: no lost answer is settled, no lock is checked. Nothing here imports s3leader.
"""
