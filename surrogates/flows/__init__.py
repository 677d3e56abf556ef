"""Generative models: flows that carry noise, or the present, to what comes next."""
