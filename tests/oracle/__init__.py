"""Oracles of the machines, typed by hand from the contract and importing nothing of the product."""
