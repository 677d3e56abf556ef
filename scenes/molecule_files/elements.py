"""Masses of the elements that molecules and liquids are mostly made of [u] [IUPAC, conventional values 2021]."""

__all__ = ["MASSES", "element"]

MASSES = {
    "H": 1.008, "He": 4.0026, "Li": 6.94, "B": 10.81, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998,
    "Ne": 20.180, "Na": 22.990, "Mg": 24.305, "Al": 26.982, "Si": 28.085, "P": 30.974, "S": 32.06, "Cl": 35.45,
    "Ar": 39.95, "K": 39.098, "Ca": 40.078, "Fe": 55.845, "Cu": 63.546, "Zn": 65.38, "Br": 79.904, "Kr": 83.798,
    "I": 126.90, "Xe": 131.29, "Au": 196.97,
}  # fmt: skip


def element(name: str, residue: str = "") -> str | None:
    """Of an atom by its name in a residue: CA is carbon in a protein, and calcium alone. None where it is unknown."""
    letters = "".join(c for c in name if c.isalpha()).capitalize()
    if letters in MASSES and (len(letters) == 1 or letters.upper() == residue.strip("+-0123456789").upper()):
        return letters
    return letters[0] if letters and letters[0] in MASSES else (letters[:2] if letters[:2] in MASSES else None)
