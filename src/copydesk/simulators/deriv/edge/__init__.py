"""Sockets, doors, faults and time around the venue."""
