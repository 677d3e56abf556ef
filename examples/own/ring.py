"""A network of one's own: a few convolutions around the ring, for fields in a periodic box."""

from torch import nn

import scenegrad as sg


class Ring(sg.surrogates.Operator):
    """v = W2 gelu(W1 u + c), W convolutions that wrap around"""

    kind = "ring"

    def __init__(self, width, size, fields, parameters=(), **said):
        super().__init__(fields, parameters, **said)
        self.width, self.size = width, size
        how = {"kernel_size": size, "padding": "same", "padding_mode": "circular"}
        self.first = nn.Conv2d(self.channels_in, width, **how)
        self.told = nn.Linear(self.constants, width)
        self.last = nn.Conv2d(width, self.channels_out, **how)

    def forward(self, u, constants):
        hidden = self.first(u) + self.told(constants)[:, :, None, None]
        return self.last(nn.functional.gelu(hidden))


sg.surrogates.register_operator(Ring)
