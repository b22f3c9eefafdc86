"""Threads per centimetre: the network, the spectral method, intervals."""

from dl4art.regression.estimate import ThreadEstimate

__all__ = ["ThreadEstimate"]
