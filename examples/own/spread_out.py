"""How far particles are spread out, an output of one's own that every solver with positions can give."""

from typing import Literal

import scenegrad as sg


class RadiusOfGyration(sg.Output):
    """sqrt(mean |x - mean x|^2) of all particles [length]"""

    kind: Literal["radius_of_gyration"] = "radius_of_gyration"


def measure(output):
    def radius(solver, state, params):
        apart = state.position - state.position.mean(1, keepdim=True)
        return {"radius": apart.square().sum(-1).mean(1).sqrt()}

    return radius


sg.register_output(RadiusOfGyration, measure, units={"radius": "m"})
