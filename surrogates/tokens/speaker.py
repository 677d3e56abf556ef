"""A transformer that says the tokens of the next frame, one after the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError

__all__ = ["Speaker"]


class Speaker(nn.Module):
    """p(next | present) = product over tokens of p(next_i | present, next_1 ... next_(i-1)), by a causal transformer
    with the norms before its layers [Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745].

    Beside the word before it, each is told the one that stands in its place now. tokens: kinds of them. count: in a
    frame. numbers: by which a token is told. constants: of the step.
    """

    def __init__(self, tokens: int, count: int, numbers: int, constants: int, width: int, layers: int, heads: int):
        super().__init__()
        if width % heads:
            raise EngineError(f"A transformer of width {width} has no {heads} heads: {heads} must divide it.")
        self.count = count
        self.told, self.read, self.under = (
            nn.Linear(constants, width),
            nn.Linear(numbers, width),
            nn.Linear(numbers, width),
        )
        self.place = nn.Parameter(0.02 * torch.randn(2 * count, width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm, self.say = nn.LayerNorm(width), nn.Linear(width, tokens)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(2 * count), persistent=False)
        self.mask: Tensor

    def forward(self, present: Tensor, said: Tensor, constants: Tensor) -> Tensor:
        """Logits [batch, 1 + len(said), tokens] of the next tokens, the one after `said` the last.

        present, said: their numbers [batch, token, number], those of the whole present and of what is said already.
        """
        words = torch.cat([self.told(constants)[:, None], self.read(torch.cat([present, said], dim=1))], dim=1)
        length = words.shape[1]
        here = self.under(present[:, : length - self.count])  # what stands now where the next word goes
        words = words + self.place[:length] + functional.pad(here, (0, 0, self.count, 0))
        v = self.layers(words, mask=self.mask[:length, :length], is_causal=True)
        return self.say(self.norm(v[:, self.count :]))
