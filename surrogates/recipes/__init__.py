"""Whole programs of training: tables that `train` reads, and the ensembles that go with them."""
