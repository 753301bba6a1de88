"""Those who take part in bench/native.py, a module each.

A module has a function for each workload that it does, from the workload's numbers, whether the
gradient is wanted, and how many threads there are, to what is timed. `CANNOT` says why it does not
do the others.
"""
