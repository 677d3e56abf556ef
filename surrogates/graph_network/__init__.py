"""Particles that learn to move from what their neighbours do [Sanchez-Gonzalez et al. 2020, ICML]."""

from scenegrad.surrogates.graph_network.network import GraphNetwork
from scenegrad.surrogates.graph_network.simulator import GraphSimulator
from scenegrad.surrogates.graph_network.state import GraphState
from scenegrad.surrogates.graph_network.training import train_graph_network

__all__ = ["GraphNetwork", "GraphSimulator", "GraphState", "train_graph_network"]
