"""Adapters: the buses and stores there are. Only ``bitbrat.runtime`` names one of them."""
