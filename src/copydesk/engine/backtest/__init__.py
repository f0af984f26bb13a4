"""What a strategy would have done, decision by decision, with the same object that decides live."""
