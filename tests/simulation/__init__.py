"""The desk under a virtual clock: the engine as it is in production, seeded faults around it, and what must hold at the end."""
