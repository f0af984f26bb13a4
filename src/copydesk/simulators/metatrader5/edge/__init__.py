"""The process around the broker: terminals that programs connect to, doors, faults and HTTP on loopback."""
