"""Fields that flows and what they carry start from, each known once, at any points of a box or a mesh."""
