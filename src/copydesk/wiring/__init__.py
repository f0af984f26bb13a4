"""Builds each program out of settings; knows everything, decides nothing."""
