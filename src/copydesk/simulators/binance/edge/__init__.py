"""The process towards the network: connections, signatures, limits, faults, streams."""
