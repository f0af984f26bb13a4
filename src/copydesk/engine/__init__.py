"""From an accepted signal to settled executions: the life of an order."""
