"""Ratios against limits measured in the same run; nothing here promises a number of requests a second."""
