"""Deriv's rise/fall contracts, over both generations of its API."""

from copydesk.venues.deriv.doors import Apps
from copydesk.venues.deriv.venue import Deriv

__all__ = ["Apps", "Deriv"]
