"""Units as outputs tell them."""

__all__ = ["ANGULAR_MOMENTUM", "ENERGY", "FORCE", "MOMENTUM", "TORQUE", "metres"]

# Of what a density is summed to, by dimension: per area of a cross-section, per depth, in all.
ENERGY = {1: "J/m^2", 2: "J/m", 3: "J"}
FORCE = {1: "N/m^2", 2: "N/m", 3: "N"}
TORQUE = {2: "N", 3: "N m"}
MOMENTUM = {1: "kg/m/s", 2: "kg/s", 3: "kg m/s"}
ANGULAR_MOMENTUM = {2: "kg m/s", 3: "kg m^2/s"}


def metres(power: int) -> str:
    """ "m", "m^2", "m^3": of lengths, areas and volumes, whichever the dimension of the scene makes of them."""
    return "m" if power == 1 else f"m^{power}"
